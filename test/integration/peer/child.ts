import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

import type { PeerOptions } from '../../../src/peer/options.ts';

/** A peer that runs as a process, so that it can be killed and its memory measured. */
export class PeerProcess {
  readonly origin: string;
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  private constructor(child: ChildProcess, lines: Interface, port: number) {
    this.#child = child;
    this.#lines = lines;
    this.origin = `http://127.0.0.1:${port}`;
  }

  static async start(options: PeerOptions): Promise<PeerProcess> {
    const script = join(import.meta.dirname, 'peer-process.ts');
    const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout });
    const { port } = (await nextLine(lines)) as { port: number };
    return new PeerProcess(child, lines, port);
  }

  /** Highest resident memory so far, in bytes. */
  async maxRss(): Promise<number> {
    const line = nextLine(this.#lines);
    this.#child.stdin?.write('\n');
    return ((await line) as { maxRss: number }).maxRss;
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
}

async function nextLine(lines: Interface): Promise<unknown> {
  const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(30_000) })) as [string];
  return JSON.parse(line);
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { leash } from './leash.ts';
import { untilStopped } from './stopped.ts';

/** A server program that runs until it is told otherwise, and never longer than this program. */
export interface ServerProcess {
  readonly pid: number;
  readonly running: boolean;
  /** Null while it runs, and when a signal ended it. */
  readonly exitCode: number | null;
  /** The last 1 MiB of what it printed. */
  readonly output: string;
  /** Sends a signal; for one that ends it, answers when it has ended. */
  signal(signal: NodeJS.Signals): Promise<void>;
}

export interface ServerProcessOptions {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Asked again and again, with what was printed, until it answers true; a throw counts as not yet. */
  readonly ready: (output: string) => Promise<boolean>;
  /** Milliseconds until it has to be ready (60 s). */
  readonly readyTimeoutMs?: number;
  /** A directory to be removed as well when this program is killed while the server runs. */
  readonly removeWithUs?: string;
}

/** The server ended before it was ready; the message has the end of its output. */
export class ServerDidNotStart extends Error {
  readonly code = 'SERVER_DID_NOT_START';
  readonly output: string;

  constructor(name: string, how: string, output: string) {
    super(`${name} ${how}; the end of its output:\n${output.slice(-3000)}`);
    this.output = output;
  }
}

const OUTPUT_LIMIT = 1024 * 1024;
const POLL_MS = 25;
const HOLDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGSTOP', 'SIGCONT', 'SIGUSR1', 'SIGUSR2']);

/** @throws {ServerDidNotStart} */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const child = spawn(options.program, options.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: options.env ?? process.env,
  });
  let output = '';
  const keep = (chunk: string): void => {
    output = (output + chunk).slice(-OUTPUT_LIMIT);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const failed = new Promise<never>((_resolve, reject) => {
    child.once('error', (error) => reject(new ServerDidNotStart(options.name, error.message, output)));
  });
  failed.catch(() => undefined);
  const { pid } = child;
  if (pid === undefined) return failed;
  const release = await leash(pid, options.removeWithUs);
  child.once('exit', release);

  const server: ServerProcess = {
    pid,
    get running() {
      return isRunning(child);
    },
    get exitCode() {
      return child.exitCode;
    },
    get output() {
      return output;
    },
    async signal(signal) {
      if (!isRunning(child)) return;
      child.kill(signal);
      if (signal === 'SIGSTOP') await untilStopped(pid);
      if (!HOLDING.has(signal) && isRunning(child)) await once(child, 'exit');
    },
  };
  await untilReady(server, options, () => output);
  return server;
}

async function untilReady(
  server: ServerProcess,
  options: ServerProcessOptions,
  outputNow: () => string,
): Promise<void> {
  const { readyTimeoutMs = 60_000 } = options;
  const deadline = performance.now() + readyTimeoutMs;
  while (!(await options.ready(outputNow()).catch(() => false))) {
    if (!server.running) throw new ServerDidNotStart(options.name, 'ended before it was ready', outputNow());
    if (performance.now() > deadline) {
      await server.signal('SIGKILL');
      throw new ServerDidNotStart(options.name, `was not ready within ${readyTimeoutMs} ms`, outputNow());
    }
    await delay(POLL_MS);
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

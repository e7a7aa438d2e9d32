/** The program itself, started as its users start it: `bkrepo-replicator COMMAND …` in a process of its own. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { freePort } from './ports.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';

/** As in the first line of main.ts. */
const NODE_FLAGS = ['--max-old-space-size=512', '--max-semi-space-size=16'];
const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');

export interface ProgramOptions {
  readonly command: 'operator' | 'standalone' | 'peer';
  readonly args?: readonly string[];
  /** Written as a YAML file and given by `--config`. */
  readonly config: object;
  /** Directory for that file. */
  readonly directory: string;
  /** Further environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly readyTimeoutMs?: number;
  /** Does not wait until it is ready (false). */
  readonly atOnce?: boolean;
}

export interface Program extends ServerProcess {
  /** Port of `/healthz` and `/readyz`, or of the peer. */
  readonly port: number;
}

/** Starts it and waits until it is ready: its probe says so, or the peer answers. Without waiting, see `atOnce`. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { command, args = [], config, directory, env = {} } = options;
  const port = await freePort();
  const server =
    command === 'peer' ? { peer: { ...sectionOf(config, 'peer'), port } } : { probes: { host: '127.0.0.1', port } };
  const file = path.join(directory, `${command}-${port}.yaml`);
  await writeFile(file, stringify({ ...config, ...server }), { mode: 0o600 });
  const program = await startServerProcess({
    name: `bkrepo-replicator ${command}`,
    program: process.execPath,
    args: [...NODE_FLAGS, MAIN, command, '--config', file, ...args],
    env: { ...process.env, ...env },
    ready: async () => {
      if (options.atOnce === true) return true;
      const response = await fetch(`http://127.0.0.1:${port}/${command === 'peer' ? 'replica/ping' : 'readyz'}`);
      await response.arrayBuffer();
      return command === 'peer' || response.ok;
    },
    ...(options.readyTimeoutMs === undefined ? {} : { readyTimeoutMs: options.readyTimeoutMs }),
  });
  return Object.defineProperty(program, 'port', { value: port }) as Program;
}

function sectionOf(config: object, key: string): object {
  const value: unknown = Reflect.get(config, key);
  return typeof value === 'object' && value !== null ? value : {};
}

/**
 * A directory of YAML with the real program in standalone mode over it, in a process of its own. What the program says
 * about objects is read from its state directory and its output, as a person would.
 */
import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Cluster } from '../../../src/api/cluster.gen.ts';
import { type Condition, getCondition } from '../../../src/api/conditions.ts';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { loadEvents, loadState } from '../../../src/resources/state-files.ts';
import { type Program, startProgram } from '../../support/program.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { eventually } from '../../support/wait.ts';

export const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
type Kinds = { readonly Cluster: Cluster; readonly ReplicaTask: ReplicaTask };

export interface Expected {
  readonly status: string;
  readonly reason?: string;
}

export interface SiteOptions {
  /** Connection string of the source's database. */
  readonly source: string;
  readonly sourceDatabase?: string;
  readonly storeDir: string;
  readonly journal: string;
  readonly journalDatabase?: string;
  /** Further sections of the configuration; they go before those of the site. */
  readonly config?: object;
}

export class Site {
  readonly directory: string;
  /** `--dir`. */
  readonly input: string;
  /** `--state`. */
  readonly state: string;
  #options: SiteOptions;
  #program: Program | undefined;
  /** Output of the processes before this one. */
  #before = '';

  private constructor(directory: string, options: SiteOptions) {
    this.directory = directory;
    this.input = path.join(directory, 'in');
    this.state = path.join(directory, 'state');
    this.#options = options;
  }

  static async create(options: SiteOptions): Promise<Site> {
    const directory = await makeTempDir('site');
    const site = new Site(directory, options);
    await mkdir(site.input);
    return site;
  }

  get config(): object {
    const { source, sourceDatabase = 'bkrepo', storeDir, journal, journalDatabase, config } = this.#options;
    return {
      installationId: path.basename(this.directory),
      source: {
        mongodb: { uri: source, database: sourceDatabase },
        storage: { filesystem: { path: storeDir } },
      },
      journal: {
        mongodb: { uri: journal, ...(journalDatabase === undefined ? {} : { database: journalDatabase }) },
      },
      policy: { allowLoopback: true },
      standalone: { rescanSeconds: 1 },
      engine: { patienceSeconds: 3, backoffBaseMs: 50, backoffCapMs: 500, drainSeconds: 3 },
      log: { level: 'debug' },
      ...config,
    };
  }

  async start(): Promise<Program> {
    this.#before = this.output;
    this.#program = await startProgram({
      command: 'standalone',
      args: ['--dir', this.input, '--state', this.state],
      config: this.config,
      directory: this.directory,
    });
    return this.#program;
  }

  get output(): string {
    return this.#before + (this.#program?.output ?? '');
  }

  /** Sends SIGTERM and answers the exit code; null when it never ran, or a signal killed it. */
  async stop(): Promise<number | null> {
    await this.#program?.signal('SIGTERM');
    return this.#program?.exitCode ?? null;
  }

  /** As if the machine had stopped. */
  async kill(): Promise<void> {
    await this.#program?.signal('SIGKILL');
  }

  async remove(): Promise<void> {
    await this.stop();
    await removeDir(this.directory);
  }

  async apply(name: string, ...documents: readonly (object | string)[]): Promise<void> {
    const texts = documents.map((document) => (typeof document === 'string' ? document : stringify(document)));
    await this.write(`${name}.yaml`, texts.join('---\n'));
  }

  /** Appears at once under its name. */
  async write(name: string, text: string): Promise<void> {
    const file = path.join(this.input, name);
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  }

  async delete(name: string): Promise<void> {
    await rm(path.join(this.input, `${name}.yaml`));
  }

  async get<K extends keyof Kinds>(kind: K, name: string): Promise<Kinds[K] | undefined> {
    const { objects } = await loadState(this.state);
    for (const { object } of objects.values()) {
      if (object.kind === kind && object.metadata.name === name) return object as Kinds[K];
    }
    return undefined;
  }

  async task(name: string): Promise<ReplicaTask> {
    return await eventually(() => this.get('ReplicaTask', name), { timeoutMs: 30_000 });
  }

  /** Waits for a condition with this status (and reason) that is about the present generation. */
  async condition(
    kind: keyof Kinds,
    name: string,
    type: string,
    expected: Expected,
    timeoutMs = 60_000,
  ): Promise<Condition> {
    let seen: unknown;
    const check = async (): Promise<Condition | undefined> => {
      const object = await this.get(kind, name);
      seen = object?.status?.conditions;
      const condition = getCondition(object?.status?.conditions, type);
      if (condition?.status !== expected.status || condition.observedGeneration !== object?.metadata.generation) return;
      return expected.reason === undefined || condition.reason === expected.reason ? condition : undefined;
    };
    return await eventually(check, { timeoutMs }).catch((error: unknown) => {
      const wanted = `${type}=${JSON.stringify(expected)}`;
      const words = `${kind} ${name} never had ${wanted}: ${JSON.stringify(seen)}\n${this.output.slice(-4_000)}`;
      throw new Error(words, { cause: error });
    });
  }

  /** Waits until so many runs have ended and none is active. */
  async runs(name: string, count: number, timeoutMs = 60_000): Promise<ReplicaTask> {
    return await eventually(
      async () => {
        const task = await this.get('ReplicaTask', name);
        const { activeRun, history } = task?.status ?? {};
        return activeRun === undefined && (history?.length ?? 0) >= count ? task : undefined;
      },
      { timeoutMs },
    ).catch((error: unknown) => {
      throw new Error(`${name} never had ${count} ended runs\n${this.output.slice(-4_000)}`, { cause: error });
    });
  }

  async events(reason: string, name?: string): Promise<readonly string[]> {
    const events = await loadEvents(this.state);
    return events
      .filter((event) => event.reason === reason && (name === undefined || event.name === name))
      .map(({ note }) => note);
  }

  /** Waits for an Event: they are recorded after the condition that they tell of. Answers all that are there then. */
  async event(reason: string, name: string): Promise<readonly string[]> {
    return await eventually(async () => {
      const notes = await this.events(reason, name);
      return notes.length > 0 ? notes : undefined;
    });
  }

  /** Waits for a line of the output. */
  async line(pattern: RegExp, timeoutMs = 30_000): Promise<string> {
    return await eventually(() => this.output.split('\n').find((line) => pattern.test(line)), { timeoutMs }).catch(
      (error: unknown) => {
        throw new Error(`no line matches ${pattern}\n${this.output.slice(-4_000)}`, { cause: error });
      },
    );
  }

  /** Every file of the state directory by its name, as text. */
  async stateFiles(): Promise<ReadonlyMap<string, string>> {
    const files = new Map<string, string>();
    for (const entry of await readdir(this.state, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      files.set(entry.name, await readFile(path.join(entry.parentPath, entry.name), 'utf8'));
    }
    return files;
  }
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end; only what is given is in its environment. */
export async function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  timeoutMs = 20_000,
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], ...env },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

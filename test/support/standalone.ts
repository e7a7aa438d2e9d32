/** The program in standalone mode over a directory of YAML, in a process that can be killed and started again. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import { loadEvents, loadState } from '../../src/resources/state-files.ts';
import { type Program, startProgram } from './program.ts';
import { type Replication, TASK } from './replication.ts';

/** What the program is to work with. */
export type StandaloneSite = Pick<Replication, 'directory'> & { configuration(): object };

export class Standalone {
  readonly #replication: StandaloneSite;
  readonly #input: string;
  readonly #state: string;
  readonly #config: object;
  program: Program | undefined;

  constructor(replication: StandaloneSite, config: object = {}) {
    this.#replication = replication;
    this.#config = { ...replication.configuration(), standalone: { rescanSeconds: 0.5 }, ...config };
    this.#input = join(replication.directory, 'manifests');
    this.#state = join(replication.directory, 'state');
  }

  async apply(documents: readonly object[]): Promise<void> {
    await mkdir(this.#input, { recursive: true });
    const file = join(this.#input, 'all.yaml');
    await writeFile(`${file}.new`, documents.map((document) => stringify(document)).join('---\n'));
    await rename(`${file}.new`, file);
  }

  /** Always on the same state. `atOnce` does not wait until it is ready. */
  async start(options: { readonly atOnce?: boolean } = {}): Promise<Program> {
    this.program = await startProgram({
      command: 'standalone',
      args: ['--dir', this.#input, '--state', this.#state],
      config: this.#config,
      directory: this.#replication.directory,
      ...options,
    });
    return this.program;
  }

  async task(): Promise<ReplicaTask | undefined> {
    const { objects } = await loadState(this.#state);
    for (const { object } of objects.values())
      if (object.kind === 'ReplicaTask' && object.metadata.name === TASK) return object as ReplicaTask;
    return undefined;
  }

  async events(reason: string): Promise<readonly string[]> {
    const events = await loadEvents(this.#state);
    return events.filter((event) => event.reason === reason).map((event) => event.note);
  }

  async stop(): Promise<void> {
    await this.program?.signal('SIGTERM');
  }
}

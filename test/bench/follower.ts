/** The measured program while it follows one project of a source to some far sides; it can be killed and started again. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import { loadState, objectId } from '../../src/resources/state-files.ts';
import { type Program, startProgram } from '../support/program.ts';
import { eventually } from '../support/wait.ts';

export interface FollowerOptions {
  /** Its own. */
  readonly directory: string;
  readonly config: object;
  readonly farSides: readonly { readonly url: string; readonly username: string; readonly password: string }[];
  /** Of the ReplicaTask. */
  readonly localProjectId: string;
  readonly replicaTaskObjects: readonly object[];
  /** Where it leaves a CPU profile when it ends. */
  readonly profiles?: string | undefined;
}

const NAME = 'bench';
const API_VERSION = 'replication.bkrepo.io/v1alpha1';
const COMPARED_WITHIN = 60_000;

export class Follower {
  readonly #options: FollowerOptions;
  #program: Program;

  private constructor(options: FollowerOptions, program: Program) {
    this.#options = options;
    this.#program = program;
  }

  /** Ready when every far side was compared with the source, so that only changes are left to be done. */
  static async start(options: FollowerOptions): Promise<Follower> {
    const input = path.join(options.directory, 'manifests');
    await mkdir(input, { recursive: true });
    const documents = manifests(options).map((document) => stringify(document));
    await writeFile(path.join(input, 'bench.yaml'), documents.join('---\n'));
    const follower = new Follower(options, await launch(options));
    await eventually(() => follower.#compared(), { timeoutMs: COMPARED_WITHIN, intervalMs: 100 });
    return follower;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** @throws {Error} with the end of what it printed when it is not running any more */
  requireRunning(): void {
    if (!this.#program.running) throw new Error(`the program ended:\n${this.#program.output.slice(-3_000)}`);
  }

  async kill(): Promise<void> {
    await this.#program.signal('SIGKILL');
  }

  /** On the same state; answers as soon as the process is there. */
  async startAgain(): Promise<void> {
    this.#program = await launch(this.#options, { atOnce: true });
  }

  /** Ends it; answers with the requests that its process has sent to all far sides. */
  async stop(): Promise<number> {
    if (!this.#program.running) return 0;
    await this.#program.signal('SIGTERM');
    return this.#program.output
      .split('\n')
      .filter((line) => line.includes('"far side closed"'))
      .reduce((sum, line) => sum + (JSON.parse(line) as { readonly requests: number }).requests, 0);
  }

  async #compared(): Promise<boolean> {
    this.requireRunning();
    const { objects } = await loadState(stateOf(this.#options));
    const task = objects.get(objectId('ReplicaTask', 'default', NAME))?.object as ReplicaTask | undefined;
    const sides = task?.status?.remoteClusters ?? [];
    return sides.length === this.#options.farSides.length && sides.every(({ comparedAt }) => comparedAt !== undefined);
  }
}

function launch(options: FollowerOptions, { atOnce = false } = {}): Promise<Program> {
  const { directory, config, profiles } = options;
  const args = ['--dir', path.join(directory, 'manifests'), '--state', stateOf(options)];
  return startProgram({
    command: 'standalone',
    args,
    config: { ...config, log: { format: 'json' } },
    directory,
    atOnce,
    ...(profiles === undefined ? {} : { env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` } }),
  });
}

function stateOf({ directory }: FollowerOptions): string {
  return path.join(directory, 'state');
}

function manifests({ farSides, localProjectId, replicaTaskObjects }: FollowerOptions): object[] {
  const names = farSides.map((_, index) => `${NAME}-${index}`);
  return [
    ...farSides.flatMap(({ url, username, password }, index) => [
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: names[index] }, stringData: { username, password } },
      {
        apiVersion: API_VERSION,
        kind: 'Cluster',
        metadata: { name: names[index] },
        spec: { type: 'STANDALONE', url, credentialsSecretRef: { name: names[index] } },
      },
    ]),
    {
      apiVersion: API_VERSION,
      kind: 'ReplicaTask',
      metadata: { name: NAME },
      spec: { replicaType: 'REAL_TIME', localProjectId, replicaTaskObjects, remoteClusterIds: names },
    },
  ];
}

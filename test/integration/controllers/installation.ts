/**
 * A standalone program in this process: a real directory of YAML, a real state directory, and the parts of a World
 * (mongod, source, far sides). What it says about objects is read from the state directory, as a person would.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Cluster } from '../../../src/api/cluster.gen.ts';
import { type Condition, getCondition } from '../../../src/api/conditions.ts';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { runStandalone } from '../../../src/compose/standalone.ts';
import { type Config, parseConfig } from '../../../src/config.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { loadEvents, loadState } from '../../../src/resources/state-files.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { eventually } from '../../support/wait.ts';
import { PROJECT, REPOSITORY, type World } from '../../support/world.ts';

export const PASSWORD = 'pass:word';

export class Standalone {
  readonly world: World;
  readonly directory: string;
  readonly lines: string[] = [];
  readonly #clock: Clock;
  #stop: AbortController | undefined;
  #running: Promise<void> | undefined;
  #config: Partial<Config> = {};

  private constructor(world: World, directory: string, clock: Clock) {
    this.world = world;
    this.directory = directory;
    this.#clock = clock;
  }

  static async create(world: World, clock: Clock = systemClock): Promise<Standalone> {
    const directory = await makeTempDir('standalone');
    await mkdir(join(directory, 'in'));
    return new Standalone(world, directory, clock);
  }

  start(config: Partial<Config> = this.#config): void {
    this.#config = config;
    const environment = {
      BKREPO_REPLICATOR_SOURCE_MONGODB_URI: this.world.mongod.uri,
      BKREPO_REPLICATOR_SOURCE_STORAGE_FILESYSTEM_PATH: this.world.builder.storeDir,
      BKREPO_REPLICATOR_JOURNAL_MONGODB_URI: this.world.mongod.uri,
      BKREPO_REPLICATOR_POLICY_ALLOW_LOOPBACK: 'true',
      BKREPO_REPLICATOR_STANDALONE_DIR: join(this.directory, 'in'),
      BKREPO_REPLICATOR_STANDALONE_STATE: join(this.directory, 'state'),
      BKREPO_REPLICATOR_STANDALONE_RESCAN_SECONDS: '0.5',
      BKREPO_REPLICATOR_ENGINE_PATIENCE_SECONDS: '2',
      BKREPO_REPLICATOR_ENGINE_BACKOFF_BASE_MS: '20',
      BKREPO_REPLICATOR_ENGINE_BACKOFF_CAP_MS: '200',
      BKREPO_REPLICATOR_ENGINE_DRAIN_SECONDS: '2',
      BKREPO_REPLICATOR_ENGINE_PAGE_SIZE: '50',
    };
    this.#stop = new AbortController();
    const destination = { write: (line: string) => this.lines.push(line) };
    const ambience = {
      config: { ...parseConfig({ environment }), installationId: this.directory, ...config },
      version: 'test',
      clock: this.#clock,
      random: Math.random,
      logger: createLogger({ level: 'debug', format: 'text', destination }),
    };
    this.#running = runStandalone(ambience, this.#stop.signal);
    this.#running.catch(() => {});
  }

  /** As SIGTERM does. */
  async stop(): Promise<void> {
    this.#stop?.abort(new Error('stopped by a test'));
    await this.#running;
  }

  async remove(): Promise<void> {
    await this.stop();
    await removeDir(this.directory);
  }

  async apply(name: string, ...documents: readonly object[]): Promise<void> {
    const path = join(this.directory, 'in', `${name}.yaml`);
    await writeFile(`${path}.new`, documents.map((document) => stringify(document)).join('---\n'));
    await rename(`${path}.new`, path);
  }

  async delete(name: string): Promise<void> {
    await rm(join(this.directory, 'in', `${name}.yaml`));
  }

  async get<K extends 'Cluster' | 'ReplicaTask'>(
    kind: K,
    name: string,
  ): Promise<{ Cluster: Cluster; ReplicaTask: ReplicaTask }[K] | undefined> {
    const { objects } = await loadState(join(this.directory, 'state'));
    for (const { object } of objects.values()) {
      if (object.kind === kind && object.metadata.name === name)
        return object as { Cluster: Cluster; ReplicaTask: ReplicaTask }[K];
    }
    return undefined;
  }

  /** Waits for a condition with this status (and reason) that is about the present generation. */
  async condition(
    kind: 'Cluster' | 'ReplicaTask',
    name: string,
    type: string,
    expected: { readonly status: string; readonly reason?: string },
    timeoutMs = 15_000,
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
      const log = this.lines.slice(-15).join('');
      throw new Error(
        `${kind} ${name} never had ${type}=${JSON.stringify(expected)}: ${JSON.stringify(seen)}\n${log}`,
        {
          cause: error,
        },
      );
    });
  }

  async events(reason: string): Promise<readonly string[]> {
    const events = await loadEvents(join(this.directory, 'state'));
    return events.filter((event) => event.reason === reason).map((event) => event.note);
  }

  async task(name: string): Promise<ReplicaTask> {
    return await eventually(() => this.get('ReplicaTask', name));
  }
}

export function secret(name: string, data: Readonly<Record<string, string>>): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: data };
}

export function credentials(name: string, password = PASSWORD): object {
  return secret(name, { username: 'replicator', password });
}

export function cluster(name: string, url: string, spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'Cluster',
    metadata: { name, ...metadata },
    spec: {
      type: 'STANDALONE',
      url: `${url}/replication`,
      credentialsSecretRef: { name: `${name}-login` },
      probeInterval: '1s',
      ...spec,
    },
  };
}

export function task(name: string, clusters: readonly string[], spec: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata: { name, ...metadata },
    spec: {
      localProjectId: PROJECT,
      replicaTaskObjects: [{ localRepoName: REPOSITORY, remoteProjectId: 'mirror', repoType: 'GENERIC' }],
      remoteClusterIds: clusters,
      ...spec,
    },
  };
}

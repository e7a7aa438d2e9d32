/**
 * The installation whose source is followed through faults: two servers write to the source, each with a log of its own
 * kind, and four tasks follow what they write, by the change stream and by each log, each into projects of its own at two
 * far sides.
 */
import { join } from 'node:path';
import { RETRY_REQUESTED_ANNOTATION, RUN_REQUESTED_ANNOTATION, SUSPENDED_ANNOTATION } from '../../../src/api/names.ts';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { loadState } from '../../../src/resources/state-files.ts';
import { Replication } from '../../support/replication.ts';
import type { SourceRepository } from '../../support/source-repository.ts';
import { SourceWriter } from '../../support/source-writer.ts';
import { Standalone } from '../../support/standalone.ts';
import type { FollowingAction } from './plan.ts';

export const PROJECT = 'acme';
/** So small that it wraps in a storm. */
const OPERATE_LOG_BYTES = 64 * 1024;
const TYPES = { oplog: ['GENERIC', 'MAVEN', 'HELM'], eventlog: ['GENERIC', 'NPM', 'OCI'] } as const;
/** Folders that the last task follows alone. */
const PART = ['/a', '/c'] as const;

export type Log = keyof typeof TYPES;

/** One repository that a task follows. */
export interface FollowedObject {
  readonly repository: SourceRepository;
  /** Default: all of it. */
  readonly folders?: readonly string[];
}

export interface FollowingTask {
  readonly name: string;
  readonly feed: 'changeStream' | Log;
  readonly objects: readonly FollowedObject[];
  readonly remoteProject: string;
  readonly conflictStrategy: 'SKIP' | 'OVERWRITE';
  sides: readonly string[];
  suspended: boolean;
  readonly annotations: Record<string, string>;
}

export interface SourceServer {
  readonly log: Log;
  readonly writer: SourceWriter;
  readonly repositories: readonly SourceRepository[];
}

export class FollowingSite {
  readonly replication: Replication;
  readonly program: Standalone;
  readonly servers: readonly SourceServer[];
  readonly tasks: readonly FollowingTask[];
  #values = 0;

  private constructor(replication: Replication, servers: readonly SourceServer[]) {
    this.replication = replication;
    this.program = new Standalone(replication);
    this.servers = servers;
    const sides = replication.farSides.map(({ name }) => name);
    const task = (name: string, more: Pick<FollowingTask, 'feed' | 'objects' | 'conflictStrategy'>): FollowingTask => ({
      name,
      remoteProject: `mirror-${name}`,
      sides,
      suspended: false,
      annotations: {},
      ...more,
    });
    const repositories = servers.flatMap((server) => server.repositories);
    const generic = repositories.filter(({ type }) => type === 'GENERIC');
    this.tasks = [
      task('stream', {
        feed: 'changeStream',
        objects: repositories.map((repository) => ({ repository })),
        conflictStrategy: 'OVERWRITE',
      }),
      ...servers.map(({ log, repositories: own }) =>
        task(log, { feed: log, objects: own.map((repository) => ({ repository })), conflictStrategy: 'SKIP' }),
      ),
      task('part', {
        feed: 'changeStream',
        objects: generic.map((repository) => ({ repository, folders: PART })),
        conflictStrategy: 'SKIP',
      }),
    ];
  }

  static async start(): Promise<FollowingSite> {
    const replication = await Replication.start();
    await replication.farSide('sound');
    await replication.farSide('faithful', { faithful: true });
    const { db, storeDir } = replication.builder;
    const servers = await Promise.all([
      serverWith(
        'oplog',
        await SourceWriter.start({ db, storeDir, eventLog: 'operate_log', operateLogBytes: OPERATE_LOG_BYTES }),
      ),
      serverWith('eventlog', await SourceWriter.start({ db, storeDir, eventLog: 'artifact_oplog' })),
    ]);
    const site = new FollowingSite(replication, servers);
    await site.apply();
    return site;
  }

  /** By its name; undefined = not there. */
  async status(name: string): Promise<ReplicaTask | undefined> {
    const { objects } = await loadState(join(this.replication.directory, 'state'));
    for (const { object } of objects.values())
      if (object.kind === 'ReplicaTask' && object.metadata.name === name) return object as ReplicaTask;
    return undefined;
  }

  /** Answers what was asked, in words. */
  async ask({ task: index, what }: Extract<FollowingAction, { readonly kind: 'ask' }>): Promise<string> {
    const task = this.tasks[index] ?? unknown(index);
    if (what === 'compare') task.annotations[RUN_REQUESTED_ANNOTATION] = this.#value();
    else if (what === 'retry') task.annotations[RETRY_REQUESTED_ANNOTATION] = this.#value();
    else if (what === 'suspend') task.suspended = !task.suspended;
    else task.sides = task.sides.length > 1 ? task.sides.slice(1) : this.replication.farSides.map(({ name }) => name);
    await this.apply();
    return `${what} of ${task.name}: ${JSON.stringify({ sides: task.sides, suspended: task.suspended })}`;
  }

  /** Every task follows to both far sides; what waits to be tried again is tried now. */
  async askAll(): Promise<void> {
    const value = this.#value();
    for (const task of this.tasks) {
      task.sides = this.replication.farSides.map(({ name }) => name);
      task.suspended = false;
      task.annotations[RETRY_REQUESTED_ANNOTATION] = value;
    }
    await this.apply();
  }

  /** Answers the value that the status repeats when the compare has been begun. */
  async askForCompare(names: readonly string[]): Promise<string> {
    const value = this.#value();
    for (const task of this.tasks) if (names.includes(task.name)) task.annotations[RUN_REQUESTED_ANNOTATION] = value;
    await this.apply();
    return value;
  }

  async apply(): Promise<void> {
    // Of many small blobs only some are read back otherwise; here each that was altered on its way is to be found.
    const resources = this.replication
      .manifests({}, {}, { uploadVerification: 'always' })
      .filter((document) => Reflect.get(document, 'kind') !== 'ReplicaTask');
    await this.program.apply([...resources, ...this.tasks.map(manifestOf)]);
  }

  async stop(): Promise<void> {
    await this.program.program?.signal('SIGKILL');
    for (const { writer } of this.servers) await writer.stop();
    await this.replication.stop();
  }

  #value(): string {
    this.#values += 1;
    return `v${this.#values}`;
  }
}

async function serverWith(log: Log, writer: SourceWriter): Promise<SourceServer> {
  const repositories: SourceRepository[] = [];
  for (const type of TYPES[log])
    repositories.push(await writer.repository(PROJECT, `${type.toLowerCase()}-${log}`, type));
  return { log, writer, repositories };
}

function unknown(index: number): never {
  throw new RangeError(`no task ${index}`);
}

function manifestOf(task: FollowingTask): object {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata: {
      name: task.name,
      annotations: { ...task.annotations, ...(task.suspended ? { [SUSPENDED_ANNOTATION]: 'true' } : {}) },
    },
    spec: {
      localProjectId: PROJECT,
      replicaType: 'REAL_TIME',
      replicaTaskObjects: task.objects.map(({ repository, folders }) => ({
        localRepoName: repository.name,
        remoteProjectId: task.remoteProject,
        repoType: repository.type,
        ...(folders === undefined ? {} : { pathConstraints: folders.map((path) => ({ path })) }),
      })),
      remoteClusterIds: task.sides,
      setting: { conflictStrategy: task.conflictStrategy, feed: task.feed },
    },
  };
}

/**
 * The installation that the storms pass over: tasks of which each has repositories of its own, two far sides, the program
 * in standalone mode. What a task shall be is kept here and written to the directory as a whole.
 */
import { join } from 'node:path';
import {
  CANCEL_REQUESTED_ANNOTATION,
  RETRY_REQUESTED_ANNOTATION,
  RUN_REQUESTED_ANNOTATION,
  SUSPENDED_ANNOTATION,
} from '../../../src/api/names.ts';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { loadState } from '../../../src/resources/state-files.ts';
import { type Content, seededBytes } from '../../support/bkrepo/content.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { COPY, PROJECT, Replication } from '../../support/replication.ts';
import { type SeededRandom, seededRandom } from '../../support/seed.ts';
import { Standalone } from '../../support/standalone.ts';
import { type EDITS, TASKS } from './plan.ts';

const MIB = 1024 * 1024;
const EVERY_OTHER_SECOND = '*/2 * * * * ?';
const FIRST_FILES = 40;
/** Paths of a repository, so that new content mostly takes the place of other. */
const PATHS = 80;
const REPOSITORIES_OF_TASK = ['a', 'b'] as const;

interface WantedTask {
  readonly name: string;
  present: boolean;
  repositories: readonly string[];
  sides: readonly string[];
  enabled: boolean;
  suspended: boolean;
  description: string;
  /** Every other second. */
  cron: boolean;
  setting: Record<string, unknown>;
  annotations: Record<string, string>;
}

export class StormSite {
  readonly replication: Replication;
  readonly program: Standalone;
  readonly tasks: readonly WantedTask[];
  readonly #repositories: ReadonlyMap<string, RepositoryBuilder>;
  #values = 0;

  private constructor(replication: Replication, repositories: ReadonlyMap<string, RepositoryBuilder>) {
    this.replication = replication;
    this.program = new Standalone(replication);
    this.#repositories = repositories;
    const sides = replication.farSides.map(({ name }) => name);
    this.tasks = Array.from({ length: TASKS }, (_, index) => ({
      name: `task-${index}`,
      present: true,
      repositories: repositoriesOf(index),
      sides,
      enabled: true,
      suspended: false,
      description: '',
      cron: false,
      setting: {},
      annotations: {},
    }));
  }

  static async start(seed: number): Promise<StormSite> {
    const replication = await Replication.start();
    await replication.farSide('sound');
    await replication.farSide('faithful', { faithful: true });
    const random = seededRandom(seed);
    const repositories = new Map<string, RepositoryBuilder>();
    for (const name of Array.from({ length: TASKS }, (_, index) => repositoriesOf(index)).flat()) {
      const repository = await replication.builder.repository(PROJECT, name);
      repositories.set(name, repository);
      await repository.putFiles(
        Array.from({ length: FIRST_FILES }, (_, index) => ({ path: pathOf(index), content: smallContent(random) })),
      );
    }
    const site = new StormSite(replication, repositories);
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

  /** Answers what was done, in words. */
  async edit(index: number, edit: (typeof EDITS)[number], salt: number): Promise<string> {
    const task = this.tasks[index] as WantedTask;
    const random = seededRandom(salt);
    const all = repositoriesOf(index);
    const sides = this.replication.farSides.map(({ name }) => name);
    if (edit === 'recreate') {
      task.present = false;
      await this.apply();
      task.present = random.below(3) > 0;
    } else if (edit === 'run') task.annotations[RUN_REQUESTED_ANNOTATION] = this.#value();
    else if (edit === 'cancel') task.annotations[CANCEL_REQUESTED_ANNOTATION] = this.#value();
    else if (edit === 'retry') task.annotations[RETRY_REQUESTED_ANNOTATION] = this.#value();
    else if (edit === 'describe') task.description = `description ${this.#value()}`;
    else if (edit === 'objects') task.repositories = someOf(random, all);
    else if (edit === 'sides') task.sides = someOf(random, sides);
    else if (edit === 'setting') task.setting = settingOf(random);
    else task[edit] = random.below(4) > 0 !== (edit === 'suspended');
    if (edit !== 'recreate') task.present = true;
    await this.apply();
    const { name, present, repositories, enabled, suspended, cron, setting } = task;
    const now = { present, repositories, sides: task.sides, enabled, suspended, cron, setting };
    return `${edit} ${name}: ${JSON.stringify(now)}`;
  }

  /** New files, new content of old ones, files that go, and now and then a large one. */
  async changeSource(salt: number): Promise<string> {
    const random = seededRandom(salt);
    const [name, repository] = random.pick([...this.#repositories]);
    const changes = 1 + random.below(15);
    for (let change = 0; change < changes; change += 1) {
      const path = pathOf(random.below(PATHS));
      if (random.below(6) > 0) await repository.putFile(path, smallContent(random));
      else await repository.deleteFile(path);
    }
    const large = random.below(3) === 0;
    if (large)
      await repository.putFile('/large.bin', seededBytes(9 * MIB + random.below(8 * MIB), random.below(2 ** 31)));
    return `${changes} changes in ${name}${large ? ', and a large file' : ''}`;
  }

  /** Every task is to run once more, and nothing keeps it from it; answers the value that asks for it. */
  async requestAll(): Promise<string> {
    const value = this.#value();
    for (const task of this.tasks) {
      task.present = true;
      task.enabled = true;
      task.suspended = false;
      task.cron = false;
      task.annotations[RUN_REQUESTED_ANNOTATION] = value;
    }
    await this.apply();
    return value;
  }

  async apply(): Promise<void> {
    const resources = this.replication
      .manifests()
      .filter((document) => Reflect.get(document, 'kind') !== 'ReplicaTask');
    await this.program.apply([...resources, ...this.tasks.filter(({ present }) => present).map(manifestOf)]);
  }

  async stop(): Promise<void> {
    await this.program.program?.signal('SIGKILL');
    await this.replication.stop();
  }

  #value(): string {
    this.#values += 1;
    return `v${this.#values}`;
  }
}

function manifestOf(task: WantedTask): object {
  const annotations = { ...task.annotations, ...(task.suspended ? { [SUSPENDED_ANNOTATION]: 'true' } : {}) };
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata: { name: task.name, annotations },
    spec: {
      localProjectId: PROJECT,
      replicaTaskObjects: task.repositories.map((localRepoName) => ({
        localRepoName,
        remoteProjectId: COPY,
        repoType: 'GENERIC',
      })),
      remoteClusterIds: task.sides,
      enabled: task.enabled,
      description: task.description,
      setting: {
        conflictStrategy: 'OVERWRITE',
        ...task.setting,
        ...(task.cron ? { executionPlan: { cronExpression: EVERY_OTHER_SECOND } } : {}),
      },
    },
  };
}

/** What does not change what the far sides are to have in the end. */
function settingOf(random: SeededRandom): Record<string, unknown> {
  return {
    ...(random.below(2) === 0 ? {} : { errorStrategy: random.pick(['CONTINUE', 'FAST_FAIL']) }),
    ...(random.below(2) === 0 ? {} : { rateLimit: random.pick([500_000, 4_000_000]) }),
    ...(random.below(3) > 0 ? {} : { executionPlan: { executeImmediately: true } }),
  };
}

function repositoriesOf(task: number): string[] {
  return REPOSITORIES_OF_TASK.map((letter) => `files-${task}-${letter}`);
}

function someOf(random: SeededRandom, names: readonly string[]): readonly string[] {
  return random.shuffle(names).slice(0, 1 + random.below(names.length));
}

function pathOf(index: number): string {
  return `/${index % 4}/file ${index}`;
}

function smallContent(random: SeededRandom): Content {
  return seededBytes(1 + random.below(20_000), random.below(2 ** 31));
}

/**
 * Following a source in a test's world: the follower runs in this process and can be stopped, dropped without a word, and
 * begun again.
 */
import { follow } from '../../src/engine/follow/follow.ts';
import { FollowOrders } from '../../src/engine/follow/orders.ts';
import type { FollowPlan, FollowRecords, FollowReport } from '../../src/engine/follow/types.ts';
import { Lanes } from '../../src/engine/pacing/lane.ts';
import type { FeedFinder } from '../../src/engine/ports/feed.ts';
import type { Source } from '../../src/engine/ports/source.ts';
import type { RunObject, RunPlan, RunSetting } from '../../src/engine/run-types.ts';
import type { RunRecord } from '../../src/journal/records.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { KeyedLock } from '../../src/lib/keyed-lock.ts';
import { SourceDatabase } from '../../src/source/database/database.ts';
import { openChangeStream } from '../../src/source/feed/change-stream.ts';
import { type FarSide, PROJECT, REPOSITORY, type World } from './world.ts';

export interface FollowingOptions {
  readonly objects?: readonly RunObject[];
  readonly setting?: Partial<RunSetting>;
  readonly specHash?: string;
  readonly finder?: FeedFinder;
  readonly source?: Source;
  readonly resyncMs?: number;
  readonly deleteProtection?: FollowPlan['deleteProtection'];
  readonly taskUid?: string;
}

export interface Following {
  readonly report: () => FollowReport | undefined;
  readonly orders: FollowOrders;
  /** Rejects with what it broke off with. */
  readonly ended: Promise<never>;
  /** To a safe point, as a process that is told to stop. */
  stop(): Promise<void>;
  /** At once, as a process that is killed: nothing more is written. */
  kill(): Promise<void>;
}

export async function startFollowing(
  world: World,
  farSides: readonly FarSide[],
  options: FollowingOptions = {},
): Promise<Following> {
  const { taskUid = 'uid-of-following' } = options;
  const task = { taskKey: `key-of-${taskUid}`, taskUid, namespace: 'default', name: 'follow' };
  const drain = new AbortController();
  const hard = new AbortController();
  const database = new SourceDatabase({ uri: world.mongod.uri });
  const feed = openChangeStream(database);
  const finder = options.finder ?? {
    find: async () => ({ feed, reason: 'ChangeStream', message: 'the source is a replica set' }),
  };
  const journal = await world.journal.follow(task, AbortSignal.timeout(10_000));
  const orders = new FollowOrders();
  const lanes = new Lanes({ clock: systemClock, requests: 64 });
  let report: FollowReport | undefined;
  const specHash = options.specHash ?? 'hash';
  const plan: FollowPlan = {
    run: runPlan(options),
    specHash,
    feed: { choice: 'auto', convert: false },
    resyncMs: options.resyncMs,
    deleteProtection: options.deleteProtection ?? { percent: 10, files: 100 },
  };
  const ended = follow(
    plan,
    farSides.map(({ target }) => ({
      target,
      blobsOnly: false,
      uploadVerification: 'auto',
      lane: lanes.lane({ clusterId: target.id, taskUid, concurrency: 8, bandwidth: 0, rateLimit: 0 }),
    })),
    {
      source: options.source ?? world.source,
      finder,
      journal,
      records: testRecords(world, { ...task, specHash }),
      orders,
      limits: { patience: 1_000, attempts: 3, backoff: { base: 20, cap: 200 }, pageSize: 100, settleSize: 50 },
      locks: new KeyedLock(),
      clock: systemClock,
      random: Math.random,
      drain: drain.signal,
      onReport: (next) => {
        report = next;
      },
    },
    hard.signal,
  );
  ended.catch(() => undefined);
  const end = async (controller: AbortController, reason: string): Promise<void> => {
    controller.abort(new Error(reason));
    await ended.catch(() => undefined);
    await database.close();
  };
  return {
    report: () => report,
    orders,
    ended,
    stop: () => end(drain, 'stopped by the test'),
    kill: () => end(hard, 'killed by the test'),
  };
}

function runPlan({ objects, setting }: FollowingOptions): RunPlan {
  return {
    localProjectId: PROJECT,
    objects: objects ?? [
      {
        localRepoName: REPOSITORY,
        remoteProjectId: 'mirror',
        remoteRepoName: REPOSITORY,
        repoType: 'GENERIC',
        paths: [],
      },
    ],
    setting: {
      includeMetadata: true,
      conflictStrategy: 'SKIP',
      errorStrategy: 'CONTINUE',
      automaticCreateRemoteRepo: true,
      recordUnchanged: true,
      storageConsistencyCheck: false,
      verifyIntervalMs: null,
      following: 'written',
      ...setting,
    },
  };
}

/** One rolling record for the whole test; each compare has its own. */
function testRecords(
  world: World,
  task: {
    readonly taskKey: string;
    readonly taskUid: string;
    readonly namespace: string;
    readonly name: string;
    readonly specHash: string;
  },
): FollowRecords {
  let rolling: Promise<RunRecord> | undefined;
  const common = { ...task, generation: 1, reserveDays: 30, keepDetails: true };
  const take = async (
    part: 'compare' | undefined,
    trigger: 'event' | 'backfill' | 'resync',
    signal: AbortSignal,
  ): Promise<RunRecord> => {
    const open = await world.journal.openRunOf(task.taskKey, task.taskUid, signal, part);
    const adopted = open && (await world.journal.adopt(open.id, signal));
    if (adopted !== undefined) return adopted;
    const claim = `${trigger}:${performance.timeOrigin + performance.now()}`;
    const begun = await world.journal.beginRun(
      { ...common, claim, trigger, ...(part === undefined ? {} : { part }) },
      signal,
    );
    return begun.record;
  };
  return {
    async rolling(use, signal) {
      rolling ??= take(undefined, 'event', signal);
      return await use(world.journal.runJournal(await rolling));
    },
    async compare(trigger, perform, signal) {
      const record = await take('compare', trigger, signal);
      const outcome = await perform(world.journal.runJournal(record), record.epoch > 1);
      await world.journal.finishRun(record, { status: 'SUCCESS', farSides: outcome.farSides }, signal);
      return outcome;
    },
  };
}

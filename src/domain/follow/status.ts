/** What a REAL_TIME task tells beyond what every task does: where it hears of changes, and how far behind each far side is. Pure. */
import { type Condition, type ConditionInput, setCondition, timestamp } from '../../api/conditions.ts';
import { durationMs } from '../../api/duration.ts';
import { DELETES_APPROVED_ANNOTATION } from '../../api/names.ts';
import type { ReplicaTask, ReplicaTaskStatus } from '../../api/replica-task.gen.ts';
import { durationText } from '../progress.ts';
import { type AnnotateHint, annotateCommand } from '../retry-hint.ts';
import { type ReadyFact, setOrRemove } from '../summary.ts';

interface Trouble {
  readonly reason: string;
  readonly message: string;
}

/** One far side, as its follower tells of it. */
export interface FollowedSide {
  readonly clusterId: string;
  readonly clusterName: string;
  /** Milliseconds; absent before the first compare has ended. */
  readonly lagMs?: number;
  readonly pending: number;
  readonly retrying: number;
  readonly comparedAt?: Date;
  readonly compare?: {
    readonly trigger: 'backfill' | 'resync';
    readonly tally: {
      readonly success: number;
      readonly unchanged: number;
      readonly conflict: number;
      readonly failed: number;
    };
    readonly total?: { readonly units: number };
  };
  readonly held?: { readonly files: number; readonly owned: number; readonly allowed: number };
  readonly trouble?: Trouble;
}

export interface FollowFacts {
  readonly task: ReplicaTask;
  /** Absent while nothing is followed, or nothing was told yet. */
  readonly report: FollowTold | undefined;
  /** A follower is at work. */
  readonly following: boolean;
  /** What the last compare by this spec has left. */
  readonly compared: {
    readonly status: 'True' | 'False' | 'Unknown';
    readonly reason: string;
    readonly message: string;
  };
  readonly annotateHint: AnnotateHint;
}

export interface FollowTold {
  readonly feed?: {
    readonly kind: 'oplog' | 'eventlog' | 'changeStream';
    readonly name: string;
    readonly reason: string;
    readonly message: string;
    readonly lastChange?: Date;
    readonly unknown: number;
    readonly warning?: string;
  };
  readonly feedTrouble?: Trouble;
  readonly farSides: readonly FollowedSide[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Said = Pick<ConditionInput, 'status' | 'reason' | 'message'>;

/** `base`: the status as of every task. */
export function followStatus(base: ReplicaTaskStatus, facts: FollowFacts, now: Date): ReplicaTaskStatus {
  const { task, report } = facts;
  const { generation } = task.metadata;
  const before = task.status as ReplicaTaskStatus | undefined;
  const status: Mutable<ReplicaTaskStatus> = { ...base };
  let conditions = setOrRemove(base.conditions ?? [], 'Running', runningFact(facts), generation, now);
  if (report === undefined) {
    // Of a follower that has just begun nothing is known yet: what was said stays.
    if (facts.following && before !== undefined)
      return { ...status, ...told(before), conditions: kept(conditions, before) };
    conditions = conditions.filter(({ type }) => !OWN.has(type));
    return { ...status, conditions };
  }
  const say = (type: string, said: Said): void => {
    conditions = setCondition(conditions, { type, observedGeneration: generation, ...said }, now);
  };
  say('FeedReady', feedReady(report));
  say('Fresh', fresh(facts, report));
  say('Synced', synced(facts, report));
  conditions = setOrRemove(conditions, 'Backfilling', backfilling(report), generation, now);
  conditions = setOrRemove(conditions, 'DeletesHeld', deletesHeld(facts, report), generation, now);
  status.conditions = conditions;
  if (report.feed !== undefined) status.feed = feedStatus(report.feed);
  status.lag = lagText(report);
  status.remoteClusters = (base.remoteClusters ?? []).map((side) => sideStatus(side, report));
  return status;
}

/** Conditions of followers alone. */
const OWN: ReadonlySet<string> = new Set(['FeedReady', 'Fresh', 'Backfilling', 'DeletesHeld']);

function kept(conditions: readonly Condition[], before: ReplicaTaskStatus): readonly Condition[] {
  const known = (before.conditions ?? []).filter(({ type }) => OWN.has(type) || type === 'Synced');
  return [...conditions.filter(({ type }) => !known.some((one) => one.type === type)), ...known];
}

function told({ feed, lag, remoteClusters }: ReplicaTaskStatus): Partial<ReplicaTaskStatus> {
  return {
    ...(feed === undefined ? {} : { feed }),
    ...(lag === undefined ? {} : { lag }),
    ...(remoteClusters === undefined ? {} : { remoteClusters }),
  };
}

function runningFact({ following }: FollowFacts): ReadyFact | undefined {
  return following ? { reason: 'Following', message: 'the source is followed' } : undefined;
}

function feedReady({ feed, feedTrouble }: FollowTold): Said {
  if (feedTrouble !== undefined) return { status: 'False', ...feedTrouble };
  if (feed === undefined)
    return { status: 'Unknown', reason: 'LookingForFeed', message: 'it is not known yet where changes are heard of' };
  const warning = feed.warning === undefined ? '' : `; ${feed.warning}`;
  return {
    status: 'True',
    reason: feed.reason,
    message: `changes are heard of by ${feed.name}: ${feed.message}${warning}`,
  };
}

function fresh({ task }: FollowFacts, { farSides, feedTrouble }: FollowTold): Said {
  const { maxLag } = task.spec.setting;
  const waiting = farSides.filter(({ lagMs }) => lagMs === undefined);
  if (waiting.length > 0) {
    const names = waiting.map(({ clusterName }) => clusterName).join(', ');
    return { status: 'Unknown', reason: 'NotCompared', message: `the first compare with ${names} has not ended` };
  }
  if (feedTrouble !== undefined)
    return { status: 'Unknown', reason: feedTrouble.reason, message: 'no changes are heard of: see FeedReady' };
  const limit = maxLag === undefined ? Number.POSITIVE_INFINITY : durationMs(maxLag);
  const late = farSides.filter(({ lagMs = 0 }) => lagMs > limit);
  if (late.length > 0) {
    const message = late.map((side) => lateText(side, limit)).join(' | ');
    return { status: 'False', reason: 'LagExceeded', message };
  }
  const within = maxLag === undefined ? '' : ` of setting.maxLag ${maxLag}`;
  return { status: 'True', reason: 'WithinLag', message: `every far side is within the lag${within}` };
}

function lateText({ clusterName, lagMs = 0, pending, trouble, compare }: FollowedSide, limit: number): string {
  const why =
    trouble?.message ??
    (compare === undefined ? `${pending} changes wait` : `everything is being compared (${compare.trigger})`);
  return `${clusterName} is ${shortTime(lagMs)} behind the source, ${shortTime(lagMs - limit)} more than it may be: ${why}`;
}

function synced({ compared }: FollowFacts, { farSides }: FollowTold): Said {
  const waiting = farSides.filter(({ comparedAt }) => comparedAt === undefined);
  if (waiting.length > 0) {
    const names = waiting.map(({ clusterName }) => clusterName).join(', ');
    const why = waiting.flatMap(({ trouble }) => trouble?.message ?? [])[0];
    const message = `the first compare of this spec with ${names} has not ended${why === undefined ? '' : `: ${why}`}`;
    return { status: 'Unknown', reason: 'NotCompared', message };
  }
  const retrying = farSides.filter((side) => side.retrying > 0);
  if (retrying.length > 0) {
    const message = retrying.map((side) => `${side.retrying} at ${side.clusterName}`).join(', ');
    return { status: 'False', reason: 'Retrying', message: `changes that failed are tried again: ${message}` };
  }
  return compared;
}

function backfilling({ farSides }: FollowTold): ReadyFact | undefined {
  const under = farSides.flatMap(({ clusterName, compare }) => {
    if (compare?.trigger !== 'backfill') return [];
    const { success, unchanged, conflict, failed } = compare.tally;
    const of = compare.total === undefined ? '' : ` of ${compare.total.units}`;
    return [`${success + unchanged + conflict + failed}${of} artifacts at ${clusterName}`];
  });
  if (under.length === 0) return undefined;
  return { reason: 'Comparing', message: `everything is compared: ${under.join(', ')}` };
}

function deletesHeld({ task, annotateHint }: FollowFacts, { farSides }: FollowTold): ReadyFact | undefined {
  const held = farSides.flatMap(({ clusterName, held: one }) =>
    one === undefined
      ? []
      : [
          `${one.files} files have left the source and would be deleted at ${clusterName}, ` +
            `of ${one.owned} that the task owns there; ${one.allowed} may go within ten minutes`,
        ],
  );
  if (held.length === 0) return undefined;
  const how = annotateCommand(task, annotateHint, DELETES_APPROVED_ANNOTATION);
  return { reason: 'DeleteProtection', message: `${held.join(' | ')}. To delete them: ${how}` };
}

function feedStatus({
  kind,
  name,
  message,
  lastChange,
  unknown,
}: NonNullable<FollowTold['feed']>): NonNullable<ReplicaTaskStatus['feed']> {
  return {
    kind,
    name,
    reason: message,
    unknown,
    ...(lastChange === undefined ? {} : { lastChange: timestamp(lastChange) }),
  };
}

type SideStatus = NonNullable<ReplicaTaskStatus['remoteClusters']>[number];

function sideStatus(side: SideStatus, { farSides }: FollowTold): SideStatus {
  const found = farSides.find(({ clusterId }) => clusterId === side.id);
  if (found === undefined) return side;
  const { lagMs, pending, retrying, comparedAt, trouble } = found;
  const { reason: _reason, message: _message, ...rest } = side;
  return {
    ...rest,
    ...(lagMs === undefined ? {} : { lag: Math.round(lagMs) }),
    pending,
    retrying,
    ...(comparedAt === undefined ? {} : { comparedAt: timestamp(comparedAt) }),
    ...(trouble === undefined ? {} : { reason: trouble.reason, message: trouble.message.slice(0, 1_024) }),
  };
}

function lagText({ farSides }: FollowTold): string {
  if (farSides.some(({ lagMs }) => lagMs === undefined)) return 'comparing';
  return shortTime(Math.max(0, ...farSides.map(({ lagMs = 0 }) => lagMs)));
}

/** `0s`, `0.4s`, `12s`, `3m20s`. */
function shortTime(milliseconds: number): string {
  const seconds = milliseconds / 1_000;
  return seconds < 10 ? `${Math.round(seconds * 10) / 10}s` : durationText(Math.round(seconds));
}

/** Facts about a task → its `status` (design §2). Pure; small by construction: artifacts are in the journal. */
import { type Condition, sanitiseText, setCondition, timestamp } from '../api/conditions.ts';
import { clusterId, taskKey } from '../api/names.ts';
import type { ReplicaTask, ReplicaTaskStatus } from '../api/replica-task.gen.ts';
import { activeProgress, endedProgress, type SideProgress, takenOver } from './progress.ts';
import type { Reference } from './references.ts';
import { withRetried } from './retried.ts';
import { type AnnotateHint, withRetryHint } from './retry-hint.ts';
import {
  type Counts,
  doneCount,
  runVerdict,
  type SideResult,
  sideResult,
  sideTrouble,
  sumCounts,
  syncedOf,
} from './run-verdict.ts';
import type { ScheduleTimes } from './schedule-times.ts';
import { type ReadyFact, setOrRemove, summarise, type Trouble } from './summary.ts';

/** A run as its record has it. */
export interface RecordFact {
  readonly id: string;
  readonly taskUid: string;
  readonly specHash: string;
  readonly generation: number;
  /** Which run of its task this is, from 1. */
  readonly executionNumber: number;
  readonly trigger: string;
  readonly claim: string;
  readonly retryOf?: string;
  readonly status: 'RUNNING' | 'SUCCESS' | 'FAILED' | 'ABORTED';
  readonly startTime: Date;
  readonly endTime?: Date;
  readonly errorReason?: string;
  readonly farSides: readonly SideResult[];
  readonly replicaOverview?: Pick<Counts, 'success' | 'unchanged' | 'conflict' | 'failed' | 'notTried'>;
}

export interface ActiveFact {
  readonly record: RecordFact;
  readonly progress: readonly (SideProgress & { readonly clusterId: string })[];
}

export interface TaskFacts {
  readonly task: ReplicaTask;
  readonly installationId: string;
  readonly specHash: string;
  readonly enabled: boolean;
  readonly verdict: Trouble | ReadyFact;
  readonly references: readonly Reference[];
  /** Newest first; undefined while the journal cannot be read: what is known from it then stays as it is. */
  readonly records: readonly RecordFact[] | undefined;
  readonly active: ActiveFact | undefined;
  readonly handled: Pick<
    ReplicaTaskStatus,
    'lastHandledRunRequest' | 'lastHandledCancelRequest' | 'lastHandledRetryRequest' | 'lastHandledDeletesApproval'
  >;
  readonly schedule: ScheduleFact;
  readonly annotateHint: AnnotateHint;
}

export interface ScheduleFact {
  /** `scheduleText` of the spec. */
  readonly text: string;
  /** Of a cron. */
  readonly times: ScheduleTimes | undefined;
  /** Milliseconds since the epoch. */
  readonly next: number | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type JournalPart = Partial<Mutable<Omit<ReplicaTaskStatus, 'observedGeneration'>>>;
type SideStatus = NonNullable<ReplicaTaskStatus['remoteClusters']>[number];
type HistoryEntry = NonNullable<ReplicaTaskStatus['history']>[number];
type Ended = RecordFact & { readonly status: 'SUCCESS' | 'FAILED' | 'ABORTED' };

/** Bounds of what a status quotes. */
const MAX_HISTORY = 10;
const MAX_MESSAGE = 1_024;
const COUNT_KEYS = ['success', 'unchanged', 'conflict', 'failed', 'notTried', 'totalBytes', 'sentBytes'] as const;

export function taskStatus(facts: TaskFacts, now: Date): ReplicaTaskStatus {
  const { task, enabled, handled } = facts;
  const { namespace, name, generation } = task.metadata;
  const before = task.status as ReplicaTaskStatus | undefined;
  const status: Mutable<ReplicaTaskStatus> = {
    ...fromJournal(facts, before),
    key: taskKey(namespace, name),
    conditions: conditionsOf(facts, now),
    ...scheduleStatus(facts.schedule, before),
    servedBy: facts.installationId,
    observedGeneration: generation,
  };
  if (!enabled) status.suspendedSince = before?.suspendedSince ?? timestamp(now);
  for (const [key, value] of Object.entries({ ...handledBefore(before), ...handled })) {
    if (value !== undefined) Object.assign(status, { [key]: value });
  }
  return status;
}

/** What was counted under a cron stays when there is none, or one that is refused. */
function scheduleStatus({ text, times, next }: ScheduleFact, before: ReplicaTaskStatus | undefined): JournalPart {
  return defined({
    schedule: text,
    nextExecutionTime: instantText(next),
    scheduledSince: instantText(times?.scheduledSince),
    lastScheduleTime: instantText(times?.lastScheduleTime),
    skippedRuns: times?.skippedRuns ?? before?.skippedRuns,
    missedRuns: times?.missedRuns ?? before?.missedRuns,
  });
}

function instantText(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : timestamp(new Date(milliseconds));
}

function handledBefore(before: ReplicaTaskStatus | undefined): TaskFacts['handled'] {
  const { lastHandledRunRequest, lastHandledCancelRequest, lastHandledRetryRequest, lastHandledDeletesApproval } =
    before ?? {};
  return {
    ...(lastHandledRunRequest === undefined ? {} : { lastHandledRunRequest }),
    ...(lastHandledCancelRequest === undefined ? {} : { lastHandledCancelRequest }),
    ...(lastHandledRetryRequest === undefined ? {} : { lastHandledRetryRequest }),
    ...(lastHandledDeletesApproval === undefined ? {} : { lastHandledDeletesApproval }),
  };
}

function conditionsOf(facts: TaskFacts, now: Date): readonly Condition[] {
  const { task, verdict, active, records, specHash } = facts;
  const { generation } = task.metadata;
  const before = (task.status as ReplicaTaskStatus | undefined)?.conditions;
  let conditions = summarise(before, verdict, generation, now);
  conditions = setOrRemove(conditions, 'Running', runningFact(active), generation, now);
  if (records === undefined) return conditions;
  const last = records.find((record): record is Ended => isEnded(record) && record.specHash === specHash);
  const synced = syncedOf(last === undefined ? undefined : finished(withRetried(last, records)));
  const said = last?.status === 'FAILED' ? withRetryHint(synced, task, facts.annotateHint) : synced;
  return setCondition(conditions, { type: 'Synced', observedGeneration: generation, ...said }, now);
}

function runningFact(active: ActiveFact | undefined): ReadyFact | undefined {
  if (active === undefined) return undefined;
  const { id, trigger, startTime } = active.record;
  return { reason: 'RunActive', message: `run ${id} (${trigger}) is active since ${timestamp(startTime)}` };
}

/** The part that comes from records; as before while they cannot be read. */
function fromJournal(facts: TaskFacts, before: ReplicaTaskStatus | undefined): JournalPart {
  const { active, task } = facts;
  const records = facts.records?.filter((record) => isEnded(record) || record.taskUid === task.metadata.uid);
  if (records === undefined) {
    const { lastExecutionStatus, lastExecutionTime, executionTimes, activeRun, progress, remoteClusters, history } =
      before ?? {};
    return defined({
      lastExecutionStatus,
      lastExecutionTime,
      executionTimes,
      activeRun,
      progress,
      remoteClusters,
      history,
    });
  }
  const [newest] = records;
  const ended = records.filter(isEnded);
  const [lastEnded] = ended;
  const open = active?.record ?? records.find((record) => !isEnded(record));
  const openProgress = (): ReplicaTaskStatus['progress'] => {
    const now = active && activeProgress(active.progress);
    const same = before?.progress !== undefined && before.activeRun?.recordId === open?.id;
    return same ? takenOver(before.progress, now) : now;
  };
  return defined({
    lastExecutionStatus: newest?.status,
    lastExecutionTime: newest === undefined ? undefined : timestamp(newest.startTime),
    executionTimes: newest?.executionNumber ?? 0,
    activeRun:
      open === undefined
        ? undefined
        : {
            recordId: open.id,
            startTime: timestamp(open.startTime),
            trigger: open.trigger,
            generation: open.generation,
            ...(open.retryOf === undefined ? {} : { retryOf: open.retryOf }),
          },
    progress:
      open === undefined
        ? lastEnded && endedProgress(lastEnded.status, [{ tally: countsOf(lastEnded) }])
        : openProgress(),
    remoteClusters: facts.references.map((reference) => sideStatus(reference, facts, ended, before)),
    history: ended.slice(0, MAX_HISTORY).map(historyEntry),
  });
}

function sideStatus(
  { entry, cluster }: Reference,
  { active, specHash }: TaskFacts,
  ended: readonly Ended[],
  before: ReplicaTaskStatus | undefined,
): SideStatus {
  if (cluster === undefined) return { name: entry };
  const { namespace, name } = cluster.metadata;
  const id = clusterId(namespace, name);
  const known = before?.remoteClusters?.find((side) => side.id === id);
  const last = ended.flatMap((record) => {
    const side = record.farSides.find(({ clusterId: sideId }) => sideId === id);
    return side === undefined ? [] : [{ record, side }];
  });
  const success = last.find(({ record }) => record.specHash === specHash && isEqual(record, id, ended));
  const lastSuccess = later(known?.lastSuccess, success?.record.endTime);
  const common = { name, id, ...(lastSuccess === undefined ? {} : { lastSuccess }) };
  const running = active?.progress.find((side) => side.clusterId === id);
  if (active !== undefined && running !== undefined)
    return {
      ...common,
      recordId: active.record.id,
      lastResult: 'RUNNING',
      done: doneCount(running.tally),
      ...pickCounts(running.tally),
    };
  const [newest] = last;
  if (newest === undefined) return common;
  const trouble = sideTrouble(newest.side);
  return {
    ...common,
    recordId: newest.record.id,
    lastResult: newest.record.status === 'ABORTED' ? 'ABORTED' : sideResult(newest.side),
    ...(trouble === undefined ? {} : { reason: trouble.reason, message: sanitiseText(trouble.message, MAX_MESSAGE) }),
    done: doneCount(newest.side.tally),
    ...pickCounts(newest.side.tally),
  };
}

function isEqual(record: Ended, id: string, ended: readonly Ended[]): boolean {
  const side = withRetried(record, ended).farSides.find(({ clusterId: sideId }) => sideId === id);
  return side !== undefined && sideTrouble(side) === undefined;
}

function later(known: string | undefined, found: Date | undefined): string | undefined {
  if (found === undefined) return known;
  const text = timestamp(found);
  return known === undefined || known < text ? text : known;
}

function historyEntry(record: Ended): HistoryEntry {
  const { reason, message } = runVerdict(finished(record));
  return {
    recordId: record.id,
    trigger: record.trigger,
    generation: record.generation,
    ...(record.retryOf === undefined ? {} : { retryOf: record.retryOf }),
    startTime: timestamp(record.startTime),
    ...(record.endTime === undefined ? {} : { endTime: timestamp(record.endTime) }),
    status: record.status,
    reason,
    message: sanitiseText(message, MAX_MESSAGE),
    ...pickCounts(countsOf(record)),
  };
}

/** Of an aborted run what is on record: who aborted it may have performed a part of it, or nothing. */
function countsOf({ status, farSides, replicaOverview }: RecordFact): Counts {
  const told = sumCounts(farSides);
  if (status !== 'ABORTED' || replicaOverview === undefined) return told;
  const { success, unchanged, conflict, failed, notTried } = replicaOverview;
  return { ...told, success, unchanged, conflict, failed, notTried };
}

export function isEnded(record: RecordFact): record is Ended {
  return record.status !== 'RUNNING';
}

export function finished(record: Ended): Parameters<typeof runVerdict>[0] {
  const { id, status, endTime, startTime, errorReason, farSides, retryOf } = record;
  return {
    id,
    ...(status === 'ABORTED' ? { counts: countsOf(record) } : {}),
    ...(retryOf === undefined ? {} : { retryOf }),
    status,
    endTime: timestamp(endTime ?? startTime),
    farSides,
    ...(errorReason === undefined ? {} : { errorReason }),
  };
}

function pickCounts(counts: Counts): Counts {
  const { quarantined = 0 } = counts;
  const all = Object.fromEntries(COUNT_KEYS.map((key) => [key, counts[key]])) as unknown as Counts;
  return quarantined === 0 ? all : { ...all, quarantined };
}

function defined<T extends object>(object: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

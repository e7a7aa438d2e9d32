/** What one reconcile of a task has found out so far. Steps read and add to it; the summary at the end only reads. */
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import type { Refusal } from '../../domain/acceptance.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Reference } from '../../domain/references.ts';
import type { AnnotateHint } from '../../domain/retry-hint.ts';
import type { ScheduleTimes } from '../../domain/schedule-times.ts';
import type { Scope } from '../../domain/scope.ts';
import type { Trouble, TroubleKind } from '../../domain/summary.ts';
import type { TaskFacts } from '../../domain/task-status.ts';
import type { ScheduleDefaults, Timetable } from '../../domain/timetable.ts';
import type { FollowOrders } from '../../engine/follow/orders.ts';
import type { Lanes } from '../../engine/pacing/lane.ts';
import type { Journal } from '../../journal/journal.ts';
import type { RunRecord } from '../../journal/records.ts';
import type { SharedAnswers } from '../../lib/shared-answers.ts';
import type { ResourceEvent, ResourceStore } from '../../resources/store.ts';
import type { RunRegistry } from '../../runtime/run-registry.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Access } from '../cluster/access.ts';
import type { FarSides, ReadySource } from '../ports.ts';
import type { FollowerState, FollowMeans } from './follow-body.ts';
import type { Progress } from './run-body.ts';

export interface TaskControllerOptions extends FollowMeans {
  readonly store: ResourceStore;
  readonly farSides: FarSides;
  readonly journal: Journal;
  readonly source: ReadySource;
  readonly registry: RunRegistry<Progress, RunRecord>;
  /** Of REAL_TIME tasks. */
  readonly followers: RunRegistry<FollowerState, void>;
  readonly policy: Policy;
  readonly scope: Scope;
  readonly installationId: string;
  /** How fast runs may go, shared by all tasks. */
  readonly lanes: Lanes;
  readonly schedule: ScheduleDefaults;
  /** Whether other tasks wait to be looked at, and the moment when they do not, or have waited for a second. */
  readonly rush: { isOn(): boolean; over(): Promise<void> };
  /** How a person sets an annotation here. */
  readonly annotateHint: AnnotateHint;
}

/** Answers that tasks which start in the same second have in common. */
export interface SharedQuestions {
  /** Whether the source answers. */
  readonly source: SharedAnswers<void>;
  /** By `<namespace>/<name>` of the Cluster. */
  readonly access: SharedAnswers<Access>;
}

export interface Worksheet {
  readonly key: string;
  readonly task: ReplicaTask;
  readonly taskKey: string;
  readonly specHash: string;
  readonly enabled: boolean;
  readonly options: TaskControllerOptions;
  readonly memory: TaskMemory;
  readonly logger: Logger;
  readonly shared: SharedQuestions;
  /** Milliseconds since the epoch: one for all steps. */
  readonly now: number;
  /** `scheduleText`: when the task runs, in words; it changes when the schedule does. */
  readonly text: string;
  /** Of a schedule that was refused: nothing is due by it. */
  timetable: Timetable;
  /** Of a cron: what was dealt with, this reconcile included. */
  times: ScheduleTimes | undefined;
  /** The time of the cron that is due, and how many before it nothing was done about. */
  tick: { readonly at: number; readonly missed: number } | undefined;
  references: readonly Reference[];
  /** The worst so far; none = Ready. */
  trouble: Trouble | undefined;
  /** At least one far side answers. */
  reachable: boolean;
  /** Newest first; undefined while the journal cannot be read. */
  records: readonly RunRecord[] | undefined;
  handled: TaskFacts['handled'];
  /** Look again after so many milliseconds, whatever else happens. */
  againInMs: number | undefined;
  /** Look again at this instant exactly, in milliseconds since the epoch. */
  againAtMs: number | undefined;
  /** A run was begun in this reconcile. */
  begun: boolean;
  /** Told once the status is written: they are about what it says. */
  readonly events: ResourceEvent[];
}

/** What was found out but is in no status yet. */
export interface Unwritten {
  readonly uid: string;
  /** Of the schedule that the times belong to. */
  readonly text: string;
  readonly times: ScheduleTimes | undefined;
  readonly handled: TaskFacts['handled'];
  readonly events: readonly ResourceEvent[];
}

/** What outlives a reconcile, in memory only: all of it can be lost. */
export interface TaskMemory {
  /** What was compiled last, and of which plan. */
  schedule: { readonly plan: string; readonly compiled: Timetable | Refusal } | undefined;
  /** Record of the run that is active here. */
  active: RunRecord | undefined;
  unwritten: Unwritten | undefined;
  /** What follows the source here, and for which spec and settings. */
  follower: { readonly orders: FollowOrders; readonly identity: string } | undefined;
  /** Monotonic milliseconds before which no run is adopted again. */
  notBefore: number;
}

/** Steps run in order, all of them: each looks whether it has anything to do. */
export type Step = (sheet: Worksheet, signal: AbortSignal) => Promise<void> | void;

const SEVERITY: Readonly<Record<TroubleKind, number>> = { refused: 3, missing: 2, working: 1, failing: 0 };

/** Keeps the worst trouble; of equals the first. */
export function addTrouble(sheet: Worksheet, trouble: Trouble): void {
  if (sheet.trouble === undefined || SEVERITY[trouble.kind] > SEVERITY[sheet.trouble.kind]) sheet.trouble = trouble;
}

/** Whether something stands in the way of any run; far sides that do not answer are the run's own business. */
export function isBlocked({ trouble }: Worksheet): boolean {
  return trouble !== undefined && trouble.kind !== 'failing';
}

export function againIn(sheet: Worksheet, ms: number): void {
  sheet.againInMs = Math.min(sheet.againInMs ?? Number.POSITIVE_INFINITY, ms);
}

export function againAt(sheet: Worksheet, instant: number): void {
  sheet.againAtMs = Math.min(sheet.againAtMs ?? Number.POSITIVE_INFINITY, instant);
}

/** The open run of this very task, whoever performs it. */
export function openRecord(sheet: Worksheet): RunRecord | undefined {
  return openRecords(sheet)[0];
}

export function openRecords({ records = [], task }: Worksheet): readonly RunRecord[] {
  return records.filter((record) => record.status === 'RUNNING' && record.taskUid === task.metadata.uid);
}

/** Whether a run of this task is active or open: another one would overlap. */
export function isBusy(sheet: Worksheet): boolean {
  const { key, memory, options } = sheet;
  return memory.active !== undefined || options.registry.get(key) !== undefined || openRecord(sheet) !== undefined;
}

/** Newest first. By number before time, because clocks are set back. */
export function newestFirst(records: readonly RunRecord[]): readonly RunRecord[] {
  return records.toSorted(
    (a, b) => b.executionNumber - a.executionNumber || b.startTime.getTime() - a.startTime.getTime(),
  );
}

/** What one reconcile of a task has found out so far. Steps read and add to it; the summary at the end only reads. */
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import type { Policy } from '../../domain/policy.ts';
import type { Reference } from '../../domain/references.ts';
import type { Scope } from '../../domain/scope.ts';
import type { Trouble, TroubleKind } from '../../domain/summary.ts';
import type { TaskFacts } from '../../domain/task-status.ts';
import type { Lanes } from '../../engine/pacing/lane.ts';
import type { Journal } from '../../journal/journal.ts';
import type { RunRecord } from '../../journal/records.ts';
import type { ResourceStore } from '../../resources/store.ts';
import type { RunRegistry } from '../../runtime/run-registry.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { FarSides, ReadySource } from '../ports.ts';
import type { Progress, RunMeans } from './run-body.ts';

export interface TaskControllerOptions extends RunMeans {
  readonly store: ResourceStore;
  readonly farSides: FarSides;
  readonly journal: Journal;
  readonly source: ReadySource;
  readonly registry: RunRegistry<Progress, RunRecord>;
  readonly policy: Policy;
  readonly scope: Scope;
  readonly installationId: string;
  /** How fast runs may go, shared by all tasks. */
  readonly lanes: Lanes;
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
}

/** What outlives a reconcile, in memory only: all of it can be lost. */
export interface TaskMemory {
  /** Record of the run that is active here. */
  active: RunRecord | undefined;
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

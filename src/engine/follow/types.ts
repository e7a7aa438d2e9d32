/** What goes into following a source and what is told while it goes on. */
import type { FeedChoice, FeedFinder, FeedKind } from '../ports/feed.ts';
import type { FollowJournal } from '../ports/follow-journal.ts';
import type { RunJournal } from '../ports/journal.ts';
import type { FarSideOutcome, FarSideProgress, RunDeps, RunOutcome, RunPlan } from '../run-types.ts';
import type { FollowOrders } from './orders.ts';

export interface FollowPlan {
  /** All that the task selects; `setting.following` is set. */
  readonly run: RunPlan;
  readonly specHash: string;
  readonly feed: { readonly choice: FeedChoice; readonly convert: boolean };
  /** Milliseconds between two compares of everything; absent = by the kind of the feed. */
  readonly resyncMs: number | undefined;
  readonly deleteProtection: { readonly percent: number; readonly files: number };
}

/** Where what is converged is put on record. */
export interface FollowRecords {
  /**
   * The record of this hour. `use` ends before the record does: one that is due to end waits for those who use it. Fails
   * as the journal does.
   */
  rolling<T>(use: (journal: RunJournal) => Promise<T>, signal: AbortSignal): Promise<T>;
  /**
   * Performs a compare under a record of its own, or goes on with the one that an earlier process left open, and closes it
   * with the outcome; an abort that leaves the process's work to the next one leaves it open.
   */
  compare(
    trigger: 'backfill' | 'resync',
    perform: (journal: RunJournal, resumed: boolean) => Promise<RunOutcome>,
    signal: AbortSignal,
  ): Promise<RunOutcome>;
}

export interface FollowDeps extends Pick<RunDeps, 'source' | 'limits' | 'locks' | 'clock' | 'random' | 'drain'> {
  readonly finder: FeedFinder;
  readonly journal: FollowJournal;
  readonly records: FollowRecords;
  readonly orders: FollowOrders;
  /** Cheap; called as often as something moves. */
  readonly onReport: (report: FollowReport) => void;
}

/** Deletions that wait for a person. */
export interface HeldDeletes {
  /** Files that would go. */
  readonly files: number;
  /** Files that the task owns at the far side. */
  readonly owned: number;
  /** Most that may go in ten minutes. */
  readonly allowed: number;
}

export interface FarSideReport {
  readonly clusterId: string;
  readonly clusterName: string;
  /** Age of the oldest change that is not there yet; 0 = none. Absent while the first compare has not ended. Milliseconds. */
  readonly lagMs?: number;
  /** Marks behind its cursor. */
  readonly pending: number;
  readonly retrying: number;
  /** Everything was compared as of this instant. */
  readonly comparedAt?: Date;
  /** The compare that is under way. */
  readonly compare?: FarSideProgress & { readonly trigger: 'backfill' | 'resync' };
  /** How the last compare ended. */
  readonly lastCompare?: FarSideOutcome;
  readonly held?: HeldDeletes;
  /** Why nothing gets there at present. */
  readonly trouble?: { readonly reason: string; readonly message: string };
}

export interface FollowReport {
  /** Absent while none was found. */
  readonly feed?: {
    readonly kind: FeedKind;
    readonly name: string;
    /** CamelCase, and in words. */
    readonly reason: string;
    readonly message: string;
    /** Of the newest change that was read, by the clock of the source. */
    readonly lastChange?: Date;
    /** Entries that were not understood. */
    readonly unknown: number;
    /** What will go wrong if nobody acts. */
    readonly warning?: string;
  };
  /** Why no changes are heard of at present. */
  readonly feedTrouble?: { readonly reason: string; readonly message: string };
  readonly farSides: readonly FarSideReport[];
}

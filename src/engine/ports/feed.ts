/**
 * What the engine needs of a feed of changes, in its own words; `source/feed` implements it. A feed says where to look,
 * never what is there: whatever it tells twice, late or out of order leads to the same present state.
 */

/** The capped operation log, the monthly event logs, or MongoDB's change stream (contract §4). */
export type FeedKind = 'oplog' | 'eventlog' | 'changeStream';

/** `spec.setting.feed`. */
export type FeedChoice = FeedKind | 'auto';

/** Something of the source that may be different now. */
export type Change =
  /** A file or folder; `below`: with everything that is or was below it. Paths are normalised. */
  | {
      readonly kind: 'node';
      readonly projectId: string;
      readonly repoName: string;
      readonly fullPath: string;
      readonly below: boolean;
    }
  /** A package, or one version of it. */
  | {
      readonly kind: 'package';
      readonly projectId: string;
      readonly repoName: string;
      readonly packageKey: string;
      readonly version?: string;
    }
  /** A repository as a whole: made, changed, deleted. */
  | { readonly kind: 'repository'; readonly projectId: string; readonly repoName: string }
  /** A document that is gone or was renamed, of which only its `_id` (hex) is known: what the journal knows under it. */
  | { readonly kind: 'document'; readonly id: string };

/** Where in a feed a reader stands. Stored as it is; only the feed that made it reads `token`. */
export interface FeedPosition {
  readonly kind: FeedKind;
  /** Clock of the source, when what stands here happened. */
  readonly at: Date;
  /** JSON text. */
  readonly token: string;
}

export interface FeedBatch {
  readonly changes: readonly { readonly change: Change; readonly at: Date }[];
  /** To be saved once the changes are dealt with. */
  readonly position: FeedPosition;
  /** Entries that were not understood, and were passed over. */
  readonly unknown: number;
}

/** One feed, shared by all who read it. */
export interface ChangeFeed {
  readonly kind: FeedKind;
  /** Name of the collection, or of the database. */
  readonly name: string;
  /** The end of the feed as it is now: whatever changes after this call is told behind it. */
  end(signal: AbortSignal): Promise<FeedPosition>;
  /**
   * What happened behind `from`, then what happens; batches of at most 1,000 changes. Without changes an empty batch
   * comes at least every ten seconds, with the position moved on: the feed is alive. Ends only by an error, classified:
   * retryable while the database does not answer, `FeedPositionLost` (cluster) when what lies behind `from` is not all
   * there any more.
   */
  read(from: FeedPosition, signal: AbortSignal): AsyncIterable<FeedBatch>;
}

/** How much history a log of fixed size holds. */
export interface FeedCapacity {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds from its oldest entry to its newest, once it has wrapped; else how long it would last at the present rate. */
  readonly holdsMs: number;
  /** Bytes that would hold the wanted history at the measured rate. */
  readonly suggestedSize: number;
}

/** What was found when a feed was looked for. */
export interface FeedVerdict {
  /** Absent: nothing can be followed; `reason` and `message` say why, and what helps. */
  readonly feed?: ChangeFeed;
  /** CamelCase: `ChangeStream`, `OperateLog`, `EventLog`, `OperateLogNotCapped`, `NoFeed`, `FeedForbidden`, … */
  readonly reason: string;
  readonly message: string;
  readonly capacity?: FeedCapacity;
  /** A log that will wrap before it can be read: in words. */
  readonly warning?: string;
}

export interface FeedRequest {
  readonly choice: FeedChoice;
  /** Kinds that were silent while the source changed: `auto` passes over them. */
  readonly silent: readonly FeedKind[];
  /** An operation log that is not capped is converted. */
  readonly convert: boolean;
}

export interface FeedFinder {
  /** Looks at the database; fails, classified, only when it does not answer. */
  find(request: FeedRequest, signal: AbortSignal): Promise<FeedVerdict>;
}

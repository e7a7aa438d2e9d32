/**
 * Writes final records in batches and counts each unit when its record is safe. A unit that needs no record is counted
 * at once. Failures are also kept as examples, the first few in words.
 */
import type { ReplicationError } from '../domain/errors.ts';
import { isHeldBack } from '../domain/quarantine.ts';
import type { Clock } from '../lib/clock.ts';
import type { EndedUnit, FailureMemory } from './failure-memory.ts';
import type { RunJournal, UnitDetail, UnitStatus } from './ports/journal.ts';
import type { SourceNode } from './ports/source.ts';
import type { FarSideOutcome, RunObject, Tally } from './run-types.ts';
import { TallyCounter } from './tally.ts';

/** Records written with one request. */
const BATCH = 500;
/** Milliseconds after which records are written although they are few: what is done is seen, and a crash costs little. */
const LONGEST_UNWRITTEN = 2_000;
/** Failures kept in words for conditions and events. */
const EXAMPLES = 5;

export interface RecorderOptions {
  readonly journal: Pick<RunJournal, 'writeDetails' | 'confirmDetails'>;
  readonly failures: Pick<FailureMemory, 'ended'>;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly conflictStrategy: string;
  readonly recordUnchanged: boolean;
  readonly clock: Clock;
  /** A unit was counted. */
  readonly onCounted: (tally: Tally) => void;
  readonly onUnit?: ((unit: UnitEnd) => void) | undefined;
}

export interface UnitResult {
  readonly unitKey: string;
  readonly object: RunObject;
  readonly node: Pick<SourceNode, 'fullPath' | 'size' | 'sha256'>;
  /** Set for package versions, and for packages that could not be found. */
  readonly artifact?: Pick<UnitDetail, 'packageKey' | 'packageName' | 'version' | 'files'>;
  readonly status: UnitStatus;
  readonly bytesSent: number;
  readonly startTime: Date;
  /** There is a row already, which this result replaces. */
  readonly replaces: boolean;
  /** State of the source that a failure is held against (failure-memory.ts). */
  readonly fingerprint?: string | undefined;
  readonly reason?: string;
  readonly message?: string;
}

/** A unit that is on record, or needs no record. */
export interface UnitEnd {
  readonly status: UnitStatus;
  readonly fullPath: string;
  readonly localRepoName: string;
  readonly packageKey?: string;
  readonly version?: string;
  readonly reason?: string;
  readonly errorReason?: string;
}

type Example = Pick<UnitResult, 'status' | 'unitKey'> & {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
};

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #tally = new TallyCounter();
  readonly #examples: { unit: string; reason: string; message: string }[] = [];
  #pending: UnitDetail[] = [];
  #confirmed: UnitDetail[] = [];
  /** Units of this flush, or counted since the last one, as the memory of failures wants to hear of them. */
  #ended: EndedUnit[] = [];
  #writing: Promise<void> = Promise.resolve();
  #flushedAt: number;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#flushedAt = options.clock.monotonic();
  }

  async record(result: UnitResult, signal: AbortSignal): Promise<void> {
    this.#keepExample(result);
    const { unitKey, status, fingerprint, reason = '', message = '', replaces } = result;
    this.#ended.push({ unitKey, status, fingerprint, reason, message, replaces });
    if (status === 'UNCHANGED' && !this.#options.recordUnchanged && !replaces) {
      this.#count(this.#detail(result));
    } else {
      this.#pending.push(this.#detail(result));
    }
    await this.#flushWhenDue(signal);
  }

  /** A unit that has its final record from before a crash, which still holds. */
  async countRecorded(detail: UnitDetail, signal: AbortSignal): Promise<void> {
    if (detail.status === 'FAILED') this.#keepExample({ ...detail, message: detail.errorReason });
    this.#confirmed.push(detail);
    await this.#flushWhenDue(signal);
  }

  /** A unit that was done before a crash, and is no longer there: its record stays. */
  countLeft(detail: UnitDetail): void {
    this.#count(detail);
  }

  async #flushWhenDue(signal: AbortSignal): Promise<void> {
    const since = this.#options.clock.monotonic() - this.#flushedAt;
    const most = Math.max(this.#pending.length, this.#confirmed.length, this.#ended.length);
    if (most < BATCH && since < LONGEST_UNWRITTEN) return;
    try {
      await this.flush(signal);
    } catch (error) {
      // The record stays pending for whoever flushes at the end: its unit has not failed with it.
      if (!signal.aborted) throw error;
    }
  }

  /** Writes what is pending; batches go one after another. */
  async flush(signal: AbortSignal): Promise<void> {
    this.#flushedAt = this.#options.clock.monotonic();
    const previous = this.#writing;
    this.#writing = (async () => {
      await previous.catch(() => undefined);
      await this.#writeRecords(signal);
      await this.#tellFailures(signal);
    })();
    await this.#writing;
  }

  async #writeRecords(signal: AbortSignal): Promise<void> {
    const { journal, clusterId } = this.#options;
    const batch = this.#pending;
    const confirmed = this.#confirmed;
    this.#pending = [];
    this.#confirmed = [];
    try {
      if (batch.length > 0) await journal.writeDetails(batch, signal);
      const keys = confirmed.map(({ unitKey }) => unitKey);
      if (keys.length > 0) await journal.confirmDetails(clusterId, keys, signal);
    } catch (error) {
      this.#pending = [...batch, ...this.#pending];
      this.#confirmed = [...confirmed, ...this.#confirmed];
      throw error;
    }
    for (const detail of [...batch, ...confirmed]) this.#count(detail);
  }

  async #tellFailures(signal: AbortSignal): Promise<void> {
    const ended = this.#ended;
    this.#ended = [];
    try {
      if (ended.length > 0) await this.#options.failures.ended(ended, signal);
    } catch (error) {
      this.#ended = [...ended, ...this.#ended];
      throw error;
    }
  }

  outcome(error: ReplicationError | undefined): FarSideOutcome {
    const { clusterId, clusterName } = this.#options;
    return {
      clusterId,
      clusterName,
      tally: this.#tally.snapshot(),
      ...(error === undefined ? {} : { error: { reason: error.code, message: error.message } }),
      examples: this.#examples,
    };
  }

  #count(unit: UnitDetail): void {
    const { status, size, bytesSent, reason, files } = unit;
    this.#tally.count(status, size, bytesSent, reason === 'Quarantined', files);
    this.#options.onCounted(this.#tally.snapshot());
    this.#options.onUnit?.(unit);
  }

  #keepExample({ status, unitKey, reason, message }: Example): void {
    if (status !== 'FAILED' && status !== 'CONFLICT') return;
    const unit = unitKey.slice(unitKey.indexOf(':') + 1);
    const example = { unit, reason: reason ?? status, message: message ?? '' };
    if (this.#examples.length < EXAMPLES) {
      this.#examples.push(example);
      return;
    }
    // What failed now is news; what is held back was told by an earlier run.
    const told = isHeldBack(example.reason) ? -1 : this.#examples.findIndex((other) => isHeldBack(other.reason));
    if (told >= 0) this.#examples[told] = example;
  }

  #detail(result: UnitResult): UnitDetail {
    const { clusterId, clusterName, conflictStrategy, clock } = this.#options;
    const { object, node } = result;
    return {
      clusterId,
      clusterName,
      localRepoName: object.localRepoName,
      remoteProjectId: object.remoteProjectId,
      remoteRepoName: object.remoteRepoName,
      repoType: object.repoType,
      unitKey: result.unitKey,
      fullPath: node.fullPath,
      ...result.artifact,
      status: result.status,
      size: node.size,
      bytesSent: result.bytesSent,
      sha256: node.sha256,
      conflictStrategy,
      ...(result.reason === undefined ? {} : { reason: result.reason }),
      ...(result.message === undefined ? {} : { errorReason: result.message }),
      startTime: result.startTime,
      endTime: new Date(clock.now()),
    };
  }
}

/**
 * Writes final records in batches and counts each unit when its record is safe. A unit that needs no record is counted
 * at once. Failures are also kept as examples, the first few in words.
 */
import type { ReplicationError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { RunJournal, SourceNode, UnitDetail, UnitStatus } from './ports.ts';
import type { FarSideOutcome, RunObject, Tally } from './run-types.ts';
import { TallyCounter } from './tally.ts';

/** Records written with one request. */
const BATCH = 500;
/** Milliseconds after which records are written although they are few: what is done is seen, and a crash costs little. */
const LONGEST_UNWRITTEN = 2_000;
/** Failures kept in words for conditions and events. */
const EXAMPLES = 5;

export interface RecorderOptions {
  readonly journal: RunJournal;
  readonly clusterId: string;
  readonly clusterName: string;
  readonly conflictStrategy: string;
  readonly recordUnchanged: boolean;
  readonly clock: Clock;
  /** A unit was counted. */
  readonly onCounted: (tally: Tally) => void;
}

export interface UnitResult {
  readonly unitKey: string;
  readonly object: RunObject;
  readonly node: Pick<SourceNode, 'fullPath' | 'size' | 'sha256'>;
  /** Set for package versions, and for packages that could not be found. */
  readonly artifact?: Pick<UnitDetail, 'packageKey' | 'packageName' | 'version'>;
  readonly status: UnitStatus;
  readonly bytesSent: number;
  readonly startTime: Date;
  /** There is a row already, which this result replaces. */
  readonly replaces: boolean;
  readonly reason?: string;
  readonly message?: string;
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #tally = new TallyCounter();
  readonly #examples: { unit: string; reason: string; message: string }[] = [];
  #pending: UnitDetail[] = [];
  #writing: Promise<void> = Promise.resolve();
  #flushedAt: number;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#flushedAt = options.clock.monotonic();
  }

  async record(result: UnitResult, signal: AbortSignal): Promise<void> {
    this.#keepExample(result);
    if (result.status === 'UNCHANGED' && !this.#options.recordUnchanged && !result.replaces) {
      this.#count(result.status, result.node.size, result.bytesSent);
      return;
    }
    this.#pending.push(this.#detail(result));
    const since = this.#options.clock.monotonic() - this.#flushedAt;
    if (this.#pending.length < BATCH && since < LONGEST_UNWRITTEN) return;
    try {
      await this.flush(signal);
    } catch (error) {
      // The record stays pending for whoever flushes at the end: its unit has not failed with it.
      if (!signal.aborted) throw error;
    }
  }

  /** A unit that has its final record from before a crash. */
  countRecorded(detail: UnitDetail): void {
    this.#count(detail.status, detail.size, detail.bytesSent);
  }

  /** Writes what is pending; batches go one after another. */
  async flush(signal: AbortSignal): Promise<void> {
    this.#flushedAt = this.#options.clock.monotonic();
    const previous = this.#writing;
    this.#writing = (async () => {
      await previous.catch(() => undefined);
      const batch = this.#pending;
      if (batch.length === 0) return;
      this.#pending = [];
      try {
        await this.#options.journal.writeDetails(batch, signal);
      } catch (error) {
        this.#pending = [...batch, ...this.#pending];
        throw error;
      }
      for (const detail of batch) this.#count(detail.status, detail.size, detail.bytesSent);
    })();
    await this.#writing;
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

  #count(status: UnitStatus, size: number, bytesSent: number): void {
    this.#tally.count(status, size, bytesSent);
    this.#options.onCounted(this.#tally.snapshot());
  }

  #keepExample({ status, unitKey, reason, message }: UnitResult): void {
    if (status !== 'FAILED' && status !== 'CONFLICT') return;
    if (this.#examples.length >= EXAMPLES) return;
    const unit = unitKey.slice(unitKey.indexOf(':') + 1);
    this.#examples.push({ unit, reason: reason ?? status, message: message ?? '' });
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

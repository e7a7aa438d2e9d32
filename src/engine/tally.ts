import type { UnitStatus } from './ports/journal.ts';
import type { Tally } from './run-types.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const COUNTER: Readonly<Record<UnitStatus, 'success' | 'unchanged' | 'conflict' | 'failed' | 'notTried'>> = {
  SUCCESS: 'success',
  UNCHANGED: 'unchanged',
  CONFLICT: 'conflict',
  FAILED: 'failed',
  NOT_TRIED: 'notTried',
};

/** Counts every unit once. */
export class TallyCounter {
  readonly #tally: Mutable<Tally> = {
    success: 0,
    unchanged: 0,
    conflict: 0,
    failed: 0,
    quarantined: 0,
    notTried: 0,
    totalBytes: 0,
    sentBytes: 0,
  };

  /** Files that succeeded and failed. */
  readonly #files = { success: 0, failed: 0 };

  count(status: UnitStatus, size: number, bytesSent: number, quarantined = false, files = 1): void {
    const counter = COUNTER[status];
    this.#tally[counter] += 1;
    if (counter === 'success' || counter === 'failed') this.#files[counter] += files;
    if (quarantined) this.#tally.quarantined += 1;
    this.#tally.totalBytes += size;
    this.#tally.sentBytes += bytesSent;
  }

  snapshot(): Tally {
    const { success, failed } = this.#files;
    const asUnits = success === this.#tally.success && failed === this.#tally.failed;
    return { ...this.#tally, ...(asUnits ? {} : { files: { success, failed } }) };
  }
}

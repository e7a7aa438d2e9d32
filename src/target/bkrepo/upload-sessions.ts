import type { Clock } from '../../lib/clock.ts';

/** A chunked upload that the far side has begun to hold. */
export interface UploadSession {
  readonly id: string;
  /** Bytes the far side has acknowledged. */
  readonly acknowledged: number;
  /** `blob/check` said before it began that the blob is not there. */
  readonly absentBefore: boolean;
  /** Errors that the far side answered since it last acknowledged something. */
  readonly setbacks: number;
}

const MAX_SESSIONS = 256;
/** bk-repo keeps an unfinished session for hours; a shorter memory costs only a new start. */
const MAX_AGE_MS = 3_600_000;

/**
 * Broken-off uploads that the next attempt goes on with. Bounded: the oldest are forgotten. A session that has been
 * taken belongs to the taker until it is put back, so two uploads of one blob never share one.
 */
export class UploadSessions {
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly session: UploadSession; readonly expires: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(key: string): UploadSession | undefined {
    const entry = this.#kept.get(key);
    this.#kept.delete(key);
    return entry !== undefined && entry.expires > this.#clock.monotonic() ? entry.session : undefined;
  }

  keep(key: string, session: UploadSession): void {
    this.#kept.delete(key);
    this.#kept.set(key, { session, expires: this.#clock.monotonic() + MAX_AGE_MS });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_SESSIONS && oldest !== undefined) this.#kept.delete(oldest);
  }
}

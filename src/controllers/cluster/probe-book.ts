import type { ProbeFact } from '../../domain/cluster-status.ts';
import type { ReadyFact, Trouble } from '../../domain/summary.ts';
import { type BackoffPolicy, backoffDelay } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';

export interface ProbeResult {
  readonly verdict: Trouble | ReadyFact;
  readonly probe: ProbeFact | undefined;
}

/** What a result is about: a change of any of it asks for another probe. */
export interface Probed {
  readonly uid: string;
  readonly generation: number;
  /** The annotation that tells of changed credentials. */
  readonly credentials?: string | undefined;
}

interface Entry extends Probed {
  readonly result: ProbeResult;
  readonly failures: number;
  /** Monotonic milliseconds. */
  readonly nextAt: number;
}

/** Longest wait for a far side that is unwell, whatever its interval. Milliseconds. */
const UNWELL_CAP = 60_000;
/** Sooner looks at a far side that is unwell, growing up to its probe interval. */
const UNWELL: Omit<BackoffPolicy, 'cap'> = { base: 2_000, factor: 1.6, jitter: 0.2 };

/** The newest probe of each cluster and when the next one is due. Lost with the process, which then probes anew. */
export class ProbeBook {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The result that still counts for this object; undefined = probe now. */
  current(key: string, object: Probed): ProbeResult | undefined {
    const entry = this.#entries.get(key);
    if (entry?.uid !== object.uid || entry.generation !== object.generation) return undefined;
    if (entry.credentials !== object.credentials) return undefined;
    return this.#clock.monotonic() >= entry.nextAt ? undefined : entry.result;
  }

  put(key: string, object: Probed, result: ProbeResult, intervalMs: number): void {
    const before = this.#entries.get(key);
    const failed = 'kind' in result.verdict;
    const failures = failed ? (before?.uid === object.uid ? before.failures : 0) + 1 : 0;
    const wait = failed
      ? backoffDelay({ ...UNWELL, cap: Math.min(intervalMs, UNWELL_CAP) }, failures - 1, this.#random)
      : intervalMs;
    const nextAt = this.#clock.monotonic() + Math.min(wait, intervalMs);
    this.#entries.set(key, { ...object, result, failures, nextAt });
  }

  /** Milliseconds until the next probe is due. */
  dueInMs(key: string): number {
    return Math.max(0, (this.#entries.get(key)?.nextAt ?? 0) - this.#clock.monotonic());
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }
}

/**
 * Slows down who guesses. The rule, for passwords:
 *
 * - After five failures in a row of a user name, or of an address, further tries of it are refused for 1 s, then 2 s, 4 s
 *   … 60 s after each further failure. What is refused is not checked, and does not count.
 * - A success makes the user name's count zero, not the address's: whoever has one password could guess others for ever.
 * - A user name that was right from an address within the last 15 minutes is judged there by its own failures from that
 *   address alone: neither others behind the same address nor guesses from elsewhere lock it out.
 * - From a refused address one try a second is checked for user names (or tokens) without failures of their own: who
 *   comes anew behind an attacker's address gets in after a few tries.
 * - Tries that are being checked count as failures until it is known, so that many at once get no further.
 *
 * Counts are forgotten after 15 minutes without a try; at most 10,000 of each kind are kept.
 */
import type { Clock } from '../../lib/clock.ts';
import { RestError } from '../codes.ts';
import { BoundedCache } from './bounded-cache.ts';

const FREE_FAILURES = 5;
/** Tries of one address, which may be of many people, that are checked at the same time. */
const ADDRESS_AT_ONCE = 8;
const FIRST_MS = 1_000;
const LAST_MS = 60_000;
const KEEP_MS = 15 * 60_000;
const SPARE_MS = 1_000;
const MAX_KEPT = 10_000;

/** What one try ended as; exactly one of these is called, once. */
export interface Attempt {
  succeeded(): void;
  failed(): void;
  /** It could not be checked. */
  undecided(): void;
}

interface Count {
  failures: number;
  pending: number;
  /** Monotonic milliseconds. */
  refusedUntil: number;
  spareAt: number;
}

export class Throttle {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #users: BoundedCache<Count>;
  readonly #addresses: BoundedCache<Count>;
  /** Of a user name and an address that was right. */
  readonly #pairs: BoundedCache<Count>;

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock;
    this.#users = new BoundedCache(clock, MAX_KEPT);
    this.#addresses = new BoundedCache(clock, MAX_KEPT);
    this.#pairs = new BoundedCache(clock, MAX_KEPT);
  }

  /** `user` is undefined for tokens, which name nobody before they are checked. Fails with `RestError` `tooManyRequests`. */
  begin(user: string | undefined, address: string): Attempt {
    const pairKey = JSON.stringify([user, address]);
    const pair = user === undefined ? undefined : this.#pairs.get(pairKey);
    if (pair !== undefined) this.#admit(pair, FREE_FAILURES);
    else this.#admitStranger(user, address);
    const counts = this.#countsOf(user, address, pair);
    for (const count of counts) count.pending += 1;
    const end = (): void => {
      for (const count of counts) count.pending -= 1;
    };
    return {
      undecided: end,
      failed: () => {
        end();
        for (const count of counts) this.#punish(count);
        this.#keep(user, address, pair, counts);
      },
      succeeded: () => {
        end();
        if (user === undefined) return;
        this.#users.delete(user);
        this.#pairs.set(pairKey, newCount(), KEEP_MS);
      },
    };
  }

  #admitStranger(user: string | undefined, address: string): void {
    const own = user === undefined ? undefined : this.#users.get(user);
    if (own !== undefined) this.#admit(own, FREE_FAILURES);
    const shared = this.#addresses.get(address);
    if (shared === undefined) return;
    const now = this.#clock.monotonic();
    const untried = own === undefined || own.failures === 0;
    if (shared.refusedUntil > now && untried && shared.spareAt <= now) {
      shared.spareAt = now + SPARE_MS;
      return;
    }
    this.#admit(shared, ADDRESS_AT_ONCE);
  }

  #admit(count: Count, atOnce: number): void {
    const waitMs = count.refusedUntil - this.#clock.monotonic();
    const room = Math.max(1, atOnce - count.failures);
    if (waitMs <= 0 && count.pending < room) return;
    const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1_000));
    throw new RestError([{ code: 'tooManyRequests', subject: '' }], { retryAfterSeconds });
  }

  /** The counts that a try belongs to, made where there are none. */
  #countsOf(user: string | undefined, address: string, pair: Count | undefined): readonly Count[] {
    if (pair !== undefined) return [pair];
    const own = user === undefined ? [] : [present(this.#users, user)];
    return [...own, present(this.#addresses, address)];
  }

  #punish(count: Count): void {
    count.failures += 1;
    const over = count.failures - FREE_FAILURES;
    if (over >= 0) count.refusedUntil = this.#clock.monotonic() + Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(over, 10));
  }

  #keep(user: string | undefined, address: string, pair: Count | undefined, counts: readonly Count[]): void {
    if (pair !== undefined) {
      this.#pairs.set(JSON.stringify([user, address]), pair, KEEP_MS);
      return;
    }
    const shared = counts.at(-1);
    const own = user === undefined ? undefined : counts[0];
    if (user !== undefined && own !== undefined) this.#users.set(user, own, KEEP_MS);
    if (shared !== undefined) this.#addresses.set(address, shared, KEEP_MS);
  }
}

function newCount(): Count {
  return { failures: 0, pending: 0, refusedUntil: 0, spareAt: 0 };
}

function present(counts: BoundedCache<Count>, key: string): Count {
  const count = counts.get(key) ?? newCount();
  counts.set(key, count, KEEP_MS);
  return count;
}

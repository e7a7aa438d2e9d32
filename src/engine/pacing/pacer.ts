/**
 * Hands out the bytes per second of one far side, piece by piece, to the tasks that want to send. Guarantees: what all
 * tasks send together stays within the far side's rate and what each sends within its own; tasks that want more than
 * there is get equal parts, however many streams each has; what one does not use goes to those who can. A piece belongs
 * to whoever got it, whether or not its bytes arrive.
 */
import { Alarm } from '../../lib/alarm.ts';
import type { Clock } from '../../lib/clock.ts';
import { Meter } from '../../lib/meter.ts';

/** Largest piece handed out at once, and the part of a second's worth that it may be. Bytes. */
const LARGEST_PIECE = 64 * 1024;
const PIECES_PER_SECOND = 20;
/** A task that did not ask for a while, its streams busy with other things, makes up for so much. Seconds' worth. */
const CATCH_UP = 0.25;

/** Somebody wants to send so many bytes; `grant` is called when they may go, which may be at once. */
export interface Ask {
  readonly bytes: number;
  readonly grant: () => void;
}

/** One task as a pacer sees it. */
export class PayloadShare {
  readonly meter = new Meter();
  readonly asks = new Set<Ask>();
  /** Bytes given to it, in the account by which parts are kept equal. */
  account = 0;
}

export class Pacer {
  readonly #clock: Clock;
  readonly #meter = new Meter();
  readonly #alarm: Alarm;
  /** Those who want to send. */
  readonly #shares = new Set<PayloadShare>();
  /** The account of whoever was served last: where newcomers begin. */
  #account = 0;
  #serving = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.#serve());
  }

  /** Bytes per second; infinity = unlimited. */
  get rate(): number {
    return this.#meter.rate;
  }

  setRate(rate: number): void {
    if (rate === this.#meter.rate) return;
    this.#meter.setRate(rate);
    this.#serve();
  }

  /** Bytes that `share` may ask for at once; infinity = nothing holds it back. */
  pieceBytes(share: PayloadShare): number {
    const rate = Math.min(this.#meter.rate, share.meter.rate);
    if (rate === Number.POSITIVE_INFINITY) return rate;
    return Math.max(1, Math.min(LARGEST_PIECE, Math.floor(rate / PIECES_PER_SECOND)));
  }

  ask(share: PayloadShare, ask: Ask): void {
    share.asks.add(ask);
    this.#shares.add(share);
    this.#serve();
  }

  /** The bytes are not wanted any more. */
  withdraw(share: PayloadShare, ask: Ask): void {
    share.asks.delete(ask);
    if (share.asks.size === 0) this.#shares.delete(share);
    if (this.#shares.size === 0) this.#alarm.clear();
  }

  #serve(): void {
    // A grant may ask for the next piece at once.
    if (this.#serving) return;
    this.#serving = true;
    try {
      const now = this.#clock.monotonic();
      let share = this.#due(now);
      while (share !== undefined) {
        this.#give(share, now);
        share = this.#due(now);
      }
    } finally {
      this.#serving = false;
    }
    this.#wakeUp();
  }

  /** Of those who may send now the one that got least. */
  #due(now: number): PayloadShare | undefined {
    if (this.#meter.next > now) return undefined;
    let least: PayloadShare | undefined;
    for (const share of this.#shares)
      if (share.meter.next <= now && (least === undefined || share.account < least.account)) least = share;
    return least;
  }

  #give(share: PayloadShare, now: number): void {
    const [ask] = share.asks;
    if (ask === undefined) return;
    share.asks.delete(ask);
    if (share.asks.size === 0) this.#shares.delete(share);
    this.#account = Math.max(this.#account, share.account);
    share.account = Math.max(share.account, this.#account - this.#mostBehind()) + ask.bytes;
    share.meter.spend(ask.bytes, now);
    this.#meter.spend(ask.bytes, now);
    ask.grant();
  }

  /** Without a limit of the far side nobody takes anything from another. */
  #mostBehind(): number {
    return this.#meter.rate === Number.POSITIVE_INFINITY ? 0 : CATCH_UP * this.#meter.rate;
  }

  #wakeUp(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const share of this.#shares) next = Math.min(next, share.meter.next);
    if (next === Number.POSITIVE_INFINITY) this.#alarm.clear();
    else this.#alarm.set(Math.max(next, this.#meter.next));
  }
}

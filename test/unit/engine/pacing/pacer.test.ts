import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Ask, Pacer, PayloadShare } from '../../../../src/engine/pacing/pacer.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { pass } from './simulation.ts';

const KB = 1_000;
const MB = 1_000_000;

/** A task whose streams want all they can get, and what it got when. */
class Sender {
  readonly share = new PayloadShare();
  readonly #clock: FakeClock;
  readonly #pacer: Pacer;
  readonly #got: { readonly at: number; readonly bytes: number }[] = [];
  readonly #asks = new Set<Ask>();
  #stopped = false;

  constructor(clock: FakeClock, pacer: Pacer, rate: number) {
    this.#clock = clock;
    this.#pacer = pacer;
    this.share.meter.setRate(rate);
  }

  /** `turnaround` = milliseconds that a stream needs between a piece and the next one. */
  start(streams: number, turnaround = 0): void {
    this.#stopped = false;
    for (let stream = 0; stream < streams; stream += 1) this.#ask(turnaround);
  }

  stop(): void {
    this.#stopped = true;
    for (const ask of this.#asks) this.#pacer.withdraw(this.share, ask);
    this.#asks.clear();
  }

  /** Bytes per second in each full 10 s of the time from `from` to `to`, in seconds. */
  rates(began: number, from: number, to: number): number[] {
    const rates: number[] = [];
    for (let second = from; second + 10 <= to; second += 1) rates.push(this.bytes(began, second, second + 10) / 10);
    return rates;
  }

  bytes(began: number, from: number, to: number): number {
    return this.#got
      .filter(({ at }) => at > began + from * 1_000 && at <= began + to * 1_000)
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get largestGap(): number {
    return Math.max(...this.#got.map(({ at }, index) => at - (this.#got[index - 1]?.at ?? at)));
  }

  #ask(turnaround: number): void {
    if (this.#stopped) return;
    const bytes = Math.min(this.#pacer.pieceBytes(this.share), 64 * 1024);
    const grant = (): void => {
      this.#asks.delete(ask);
      this.#got.push({ at: this.#clock.monotonic(), bytes });
      if (turnaround === 0) queueMicrotask(() => this.#ask(turnaround));
      else void this.#clock.sleep(turnaround).then(() => this.#ask(turnaround));
    };
    const ask: Ask = { bytes, grant };
    this.#asks.add(ask);
    this.#pacer.ask(this.share, ask);
  }
}

function scene(bandwidth: number, ...rates: readonly number[]) {
  const clock = new FakeClock();
  const pacer = new Pacer(clock);
  pacer.setRate(bandwidth);
  return { clock, pacer, began: clock.monotonic(), senders: rates.map((rate) => new Sender(clock, pacer, rate)) };
}

const UNLIMITED = Number.POSITIVE_INFINITY;

function assertNear(actual: readonly number[], wanted: number, what: string): void {
  assert.ok(actual.length > 0, `${what}: nothing was measured`);
  for (const rate of actual)
    assert.ok(Math.abs(rate - wanted) <= wanted * 0.05, `${what}: ${rate} bytes/s is not within 5 % of ${wanted}`);
}

const LIMITS: readonly {
  readonly name: string;
  readonly bandwidth: number;
  readonly rate: number;
  readonly streams: number;
  readonly step: number;
}[] = [
  { name: 'one stream of a limited task', bandwidth: UNLIMITED, rate: MB, streams: 1, step: 5 },
  { name: 'eight streams of a limited task', bandwidth: UNLIMITED, rate: MB, streams: 8, step: 5 },
  { name: 'a task to a limited far side', bandwidth: MB, rate: UNLIMITED, streams: 4, step: 5 },
  { name: 'the smaller of two limits', bandwidth: 3 * MB, rate: MB, streams: 4, step: 5 },
  { name: 'a thousand bytes per second', bandwidth: UNLIMITED, rate: KB, streams: 8, step: 5 },
  { name: 'one byte per second', bandwidth: UNLIMITED, rate: 1, streams: 2, step: 50 },
  { name: 'a hundred megabytes per second', bandwidth: UNLIMITED, rate: 100 * MB, streams: 1, step: 5 },
  { name: 'timers that ring 100 ms late', bandwidth: UNLIMITED, rate: MB, streams: 2, step: 100 },
];

for (const { name, bandwidth, rate, streams, step } of LIMITS)
  test(`${name}: within 5 % in all 10 s, and no burst at first`, async () => {
    const { clock, began, senders } = scene(bandwidth, rate);
    const [sender] = senders;
    assert.ok(sender);
    sender.start(streams);
    const wanted = Math.min(bandwidth, rate);
    await pass(clock, 25_000, step);
    const first = sender.bytes(began, 0, 1);
    assert.ok(first <= wanted * 1.05 + 1, `${first} bytes in the first second`);
    assert.ok(first >= wanted * 0.8, `only ${first} bytes in the first second`);
    assertNear(sender.rates(began, 0, 25), wanted, name);
    sender.stop();
    assert.equal(clock.sleeping, 0, 'no timer is left');
  });

test('a long pause is not made up for by a burst', async () => {
  const { clock, began, senders } = scene(UNLIMITED, MB);
  senders[0]?.start(4);
  await pass(clock, 2_000);
  senders[0]?.stop();
  await pass(clock, 58_000, 1_000);
  senders[0]?.start(4);
  await pass(clock, 1_000);
  const burst = senders[0]?.bytes(began, 60, 61) ?? 0;
  assert.ok(burst <= 1.05 * MB, `${burst} bytes in the first second`);
});

test('two tasks get equal parts of a far side, however many streams each has', async () => {
  const { clock, began, senders } = scene(MB, UNLIMITED, UNLIMITED);
  const [one, many] = senders;
  one?.start(1);
  many?.start(16);
  await pass(clock, 20_000);
  assertNear(one?.rates(began, 0, 20) ?? [], MB / 2, 'one stream');
  assertNear(many?.rates(began, 0, 20) ?? [], MB / 2, 'sixteen streams');
});

test('a task whose only stream is busy between two pieces still gets its part', async () => {
  const { clock, began, senders } = scene(MB, UNLIMITED, UNLIMITED);
  const [slow, many] = senders;
  slow?.start(1, 30);
  many?.start(16);
  await pass(clock, 20_000);
  assertNear(slow?.rates(began, 0, 20) ?? [], MB / 2, 'the task with one busy stream');
});

test('what a task cannot use goes to the others, and comes back when it can', async () => {
  const { clock, began, senders } = scene(MB, 100 * KB, UNLIMITED, UNLIMITED);
  const [limited, one, other] = senders;
  limited?.start(4);
  one?.start(4);
  other?.start(4);
  await pass(clock, 12_000);
  assertNear(limited?.rates(began, 0, 12) ?? [], 100 * KB, 'a task with a smaller limit of its own');
  assertNear(one?.rates(began, 0, 12) ?? [], 450 * KB, 'a task that shares the rest');
  one?.stop();
  limited?.stop();
  await pass(clock, 12_000);
  assertNear(other?.rates(began, 12, 24) ?? [], MB, 'the only one left');
  one?.start(1);
  await pass(clock, 12_000);
  assertNear(one?.rates(began, 24, 36) ?? [], MB / 2, 'the one that came back');
  assertNear(other?.rates(began, 24, 36) ?? [], MB / 2, 'the one that had all');
});

test('a changed limit counts at once, for those who wait, too', async () => {
  const { clock, pacer, began, senders } = scene(KB, UNLIMITED);
  const [sender] = senders;
  sender?.start(4);
  await pass(clock, 5_000);
  pacer.setRate(MB);
  await pass(clock, 11_000);
  assertNear(sender?.rates(began, 5, 16) ?? [], MB, 'the new limit');
});

test('pieces are small enough that no stream of a slow task stands still for long', async () => {
  const { clock, senders } = scene(UNLIMITED, KB);
  senders[0]?.start(8);
  await pass(clock, 10_000);
  assert.ok((senders[0]?.largestGap ?? 0) <= 100, `${senders[0]?.largestGap} ms without a piece`);
});

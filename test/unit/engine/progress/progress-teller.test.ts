import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SelectionCount } from '../../../../src/engine/ports/source.ts';
import { ProgressTeller } from '../../../../src/engine/progress/progress-teller.ts';
import type { FarSideProgress } from '../../../../src/engine/run-types.ts';
import { TallyCounter } from '../../../../src/engine/tally.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { printedSeed, seededRandom } from '../../../support/seed.ts';

function telling() {
  const clock = new FakeClock();
  const told: FarSideProgress[] = [];
  let tally = new TallyCounter().snapshot();
  const source: { counted: SelectionCount | undefined } = { counted: undefined };
  const teller = new ProgressTeller({
    clusterId: 'id',
    clusterName: 'east',
    clock,
    counted: () => source.counted,
    tell: (progress) => void told.push(progress),
  });
  const count = (bytes: number): void => {
    const { success, totalBytes, sentBytes } = tally;
    tally = { ...tally, success: success + 1, totalBytes: totalBytes + bytes, sentBytes: sentBytes + bytes };
    teller.unitsCounted(tally);
  };
  /** Lets a timer that has rung be heard. */
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await Promise.resolve();
    await Promise.resolve();
  };
  return { clock, told, source, teller, count, advance };
}

test('what moves is told at once, then four times a second, and the last of it, too', async () => {
  const { told, teller, count, advance, clock } = telling();
  teller.payloadSent(1);
  assert.equal(told.length, 1);
  for (let step = 0; step < 100; step += 1) {
    teller.payloadSent(10);
    await advance(10);
  }
  assert.equal(told.length, 1 + 4);
  assert.equal(told.at(-1)?.payloadBytes, 1 + 1_000);
  count(5);
  assert.equal(told.at(-1)?.tally.success, 0, 'not yet');
  await advance(250);
  assert.equal(told.at(-1)?.tally.success, 1);
  await advance(10_000);
  assert.equal(told.length, 6, 'nothing moved');
  assert.equal(clock.sleeping, 0);
});

test('the end is told at once, and nothing after it', async () => {
  const { told, teller, count, advance, clock } = telling();
  teller.payloadSent(1);
  count(5);
  teller.end();
  assert.equal(told.length, 2);
  assert.equal(told.at(-1)?.tally.success, 1);
  assert.equal(clock.sleeping, 0);
  teller.payloadSent(1);
  teller.end();
  await advance(1_000);
  assert.equal(told.length, 2);
});

test('a total is absent until the source was counted, and grows by what is met beside it', async () => {
  const { told, source, teller, count, advance } = telling();
  count(10);
  assert.ok(!('total' in (told[0] ?? {})));
  source.counted = { units: 3, bytes: 30 };
  await advance(250);
  teller.moved();
  assert.deepEqual(told.at(-1)?.total, { units: 3, bytes: 30 });
  teller.foresee(2, 5);
  teller.end();
  assert.deepEqual(told.at(-1)?.total, { units: 5, bytes: 35 });
});

test('done and payload never fall, and a total is never less than what is done', async () => {
  const random = seededRandom(printedSeed('progress of a far side'));
  const { told, source, teller, count, advance } = telling();
  for (let step = 0; step < 1_000; step += 1) {
    const what = random.next();
    if (what < 0.4) count(Math.floor(random.next() * 100));
    else if (what < 0.7) teller.payloadSent(Math.floor(random.next() * 100));
    else if (what < 0.8) teller.foresee(1, 10);
    else if (what < 0.82) source.counted ??= { units: 20, bytes: 100 };
    else await advance(Math.floor(random.next() * 400));
  }
  teller.end();
  assert.ok(told.length > 20, `${told.length} tellings`);
  for (const [index, { tally, total, payloadBytes }] of told.entries()) {
    const before = told[index - 1];
    assert.ok(tally.success >= (before?.tally.success ?? 0));
    assert.ok(payloadBytes >= (before?.payloadBytes ?? 0));
    if (before?.total !== undefined) assert.ok(total !== undefined && total.units >= before.total.units);
    if (total !== undefined) assert.ok(total.units >= tally.success && total.bytes >= tally.totalBytes);
  }
});

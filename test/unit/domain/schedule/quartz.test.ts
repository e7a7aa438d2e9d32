import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextTick, parseCron } from '../../../../src/domain/schedule/schedule.ts';
import { compareWithQuartz } from '../../../support/quartz/compare.ts';
import { CLOCK_CHANGES, REFUSALS } from '../../../support/quartz/differences.ts';
import { readRecorded } from '../../../support/quartz/recorded.ts';

/** The answers were recorded from the real Quartz (test/support/quartz/record.ts). */
test('thousands of expressions in several zones fire when Quartz says, or are refused for a listed reason', async () => {
  const { same, refusedByBoth, refusedByUs, clockChanges, wrong } = compareWithQuartz(await readRecorded());
  assert.deepEqual(wrong, []);
  assert.ok(same > 8_000, `${same} times the same`);
  assert.ok(refusedByBoth > 300, `${refusedByBoth} refused by both`);
  assert.ok(clockChanges > 5 && clockChanges < same / 100, `${clockChanges} times otherwise on days of clock change`);
  const refused = refusedByUs.reduce((sum, count) => sum + count, 0);
  assert.ok(refused < refusedByBoth, `${refused} refused by us only`);
});

for (const { what, expression, zone, after, ours, quartz } of CLOCK_CHANGES) {
  test(`${what}, we do not: ${expression} in ${zone}`, () => {
    assert.notEqual(ours, quartz);
    assert.equal(nextTick(parseCron(expression, zone), new Date(after))?.toISOString(), ours);
  });
}

for (const [place, { why, examples }] of REFUSALS.entries()) {
  for (const expression of examples) {
    test(`what Quartz takes and misreads is refused for reason ${place + 1}: ${expression}`, () => {
      assert.throws(() => parseCron(expression, 'UTC'), { code: 'InvalidCron', message: why });
    });
  }
}

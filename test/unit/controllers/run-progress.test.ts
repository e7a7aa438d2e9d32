import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunProgress, type SideProgress } from '../../../src/controllers/replica-task/run-progress.ts';
import type { FarSideProgress } from '../../../src/engine/run-types.ts';
import { TallyCounter } from '../../../src/engine/tally.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const MB = 1_000_000;

function following() {
  const clock = new FakeClock();
  const reports: (readonly SideProgress[])[] = [];
  const progress = new RunProgress(clock, (sides) => void reports.push(sides));
  const advance = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1_000);
      for (let turn = 0; turn < 4; turn += 1) await Promise.resolve();
    }
  };
  return { clock, reports, progress, advance };
}

function side(clusterId: string, payloadBytes: number, fields: Partial<FarSideProgress> = {}): FarSideProgress {
  return { clusterId, clusterName: clusterId, tally: new TallyCounter().snapshot(), payloadBytes, ...fields };
}

test('far sides are reported together, each with its own rate, once a second while something is new', async () => {
  const { clock, reports, progress, advance } = following();
  const total = { units: 1, bytes: 100 * MB };
  for (let second = 0; second <= 5; second += 1) {
    progress.take(side('east', second * MB, { total }));
    progress.take(side('west', second * 2 * MB, { total }));
    clock.advance(0);
    await advance(1);
  }
  const last = reports.at(-1) ?? [];
  assert.deepEqual(
    last.map(({ clusterId, bytesPerSecond }) => [clusterId, bytesPerSecond]),
    [
      ['east', MB],
      ['west', 2 * MB],
    ],
  );
  assert.ok((last[0]?.remainingSeconds ?? 0) > (last[1]?.remainingSeconds ?? 0));
  assert.ok(reports.length <= 7, `${reports.length} reports`);
  progress.end();
});

test('a far side that stands still loses its rate, and is not reported any more', async () => {
  const { clock, reports, progress, advance } = following();
  progress.take(side('east', 0));
  clock.advance(0);
  await advance(1);
  progress.take(side('east', 10 * MB));
  await advance(3);
  const rate = reports.at(-1)?.[0]?.bytesPerSecond ?? 0;
  assert.ok(rate > MB, `${rate}`);
  await advance(20);
  assert.equal(reports.at(-1)?.[0]?.bytesPerSecond, undefined);
  const { length } = reports;
  await advance(60);
  assert.equal(reports.length, length);
  progress.end();
});

test('it waits for a first word, keeps the last one of each far side, and leaves no timer behind', async () => {
  const { clock, reports, progress, advance } = following();
  await advance(5);
  assert.equal(clock.sleeping + reports.length, 0);
  progress.take(side('east', 1));
  progress.take(side('east', 2));
  assert.equal(progress.latest('east')?.payloadBytes, 2);
  assert.equal(progress.latest('west'), undefined);
  await advance(1);
  progress.end();
  assert.equal(clock.sleeping, 0);
  const { length } = reports;
  assert.equal(length > 0, true);
  await advance(5);
  assert.equal(reports.length, length);
});

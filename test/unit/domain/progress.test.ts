import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  activeProgress,
  bytesText,
  durationText,
  endedProgress,
  paceOf,
  type Sample,
  type SideState,
  takenOver,
  withSample,
} from '../../../src/domain/progress.ts';

const MIB = 1024 * 1024;
const NOTHING = {
  success: 0,
  unchanged: 0,
  conflict: 0,
  failed: 0,
  quarantined: 0,
  notTried: 0,
  totalBytes: 0,
  sentBytes: 0,
};

function side(done: number, fields: Partial<SideState['tally']> & Partial<Omit<SideState, 'tally'>> = {}): SideState {
  const { total, payloadBytes, ...counts } = fields;
  const tally = { ...NOTHING, success: done, ...counts };
  return { tally, payloadBytes: payloadBytes ?? tally.sentBytes, ...(total === undefined ? {} : { total }) };
}

/** Looked at every second; the last look is at the second of the last state. */
function watched(states: readonly SideState[]): { readonly samples: readonly Sample[]; readonly last: SideState } {
  let samples: readonly Sample[] = [];
  for (const [second, state] of states.entries()) samples = withSample(samples, second * 1_000, state);
  return { samples, last: states.at(-1) ?? side(0) };
}

function pace(...states: readonly SideState[]): ReturnType<typeof paceOf> {
  const { samples, last } = watched(states);
  return paceOf(samples, last);
}

test('a single upload shows its rate, and the time that its bytes still need', () => {
  const total = { units: 1, bytes: 100 * MIB };
  const states = Array.from({ length: 6 }, (_, second) => side(0, { total, payloadBytes: second * 5 * MIB }));
  assert.deepEqual(pace(...states), { bytesPerSecond: 5 * MIB, remainingSeconds: 15 });
});

test('a rate is about the last seconds, not about the whole run', () => {
  const states = Array.from({ length: 40 }, (_, second) =>
    side(0, { payloadBytes: Math.min(second, 20) * MIB + Math.max(0, second - 20) * 10 * MIB }),
  );
  const { samples, last } = watched(states);
  assert.equal(samples.length, 13, 'no more is kept than the window holds');
  assert.equal(paceOf(samples, last).bytesPerSecond, 10 * MIB);
});

test('what has stood still for the whole window has neither rate nor end; it falls until then', () => {
  const total = { units: 10, bytes: 100 * MIB };
  const still = side(2, { total, totalBytes: 20 * MIB, sentBytes: 20 * MIB });
  const begun = [side(0, { total }), ...Array.from({ length: 6 }, () => still)];
  const rate = pace(...begun).bytesPerSecond ?? 0;
  const later = pace(...begun, still, still).bytesPerSecond ?? 0;
  assert.ok(rate > later && later > 0, `${rate} then ${later}`);
  assert.deepEqual(pace(...begun, ...Array.from({ length: 13 }, () => still)), {});
});

test('less than a second tells nothing', () => {
  const samples = withSample(withSample([], 0, side(0)), 999, side(5, { sentBytes: MIB }));
  assert.deepEqual(paceOf(samples, side(5)), {});
});

const total = { units: 1_000, bytes: 100 * MIB };
const remaining: readonly (readonly [what: string, now: SideState, seconds: number | undefined])[] = [
  ['small files: their number decides', side(100, { total, totalBytes: 50 * MIB, sentBytes: 50 * MIB }), 90],
  ['a few large files: their bytes decide', side(900, { total, totalBytes: 10 * MIB, sentBytes: 10 * MIB }), 90],
  ['nothing is done, but bytes are on their way', side(0, { total, payloadBytes: 20 * MIB }), 40],
  ['unchanged files of no size', side(500, { total: { units: 1_000, bytes: 0 }, unchanged: 0 }), 10],
  ['the total is not known', side(100, { totalBytes: MIB, sentBytes: MIB }), undefined],
  ['all is done', side(1_000, { total, totalBytes: 100 * MIB }), undefined],
  ['it would take years', side(1, { total: { units: 1e12, bytes: 0 } }), undefined],
];
for (const [what, now, seconds] of remaining)
  test(`remaining time: ${what}`, () => {
    const nothing = side(0, now.total === undefined ? {} : { total: now.total });
    const looks = [...Array.from({ length: 10 }, () => nothing), now];
    assert.equal(pace(...looks).remainingSeconds, seconds);
  });

test('what is sent once more is no work done twice', () => {
  const before = side(0, { total, payloadBytes: 10 * MIB });
  const after = side(1, { total, totalBytes: 5 * MIB, sentBytes: 10 * MIB, payloadBytes: 10 * MIB });
  const { samples } = watched([before, after, after]);
  assert.deepEqual(
    samples.map(({ bytes }) => bytes / MIB),
    [10, 5, 5],
  );
  assert.deepEqual(paceOf(samples, after), { remainingSeconds: 1_998 });
});

const running = (done: number, more: object = {}): Parameters<typeof activeProgress>[0][number] => ({
  tally: { ...NOTHING, unchanged: done },
  ...more,
});
const summaries: readonly (readonly [what: string, sides: Parameters<typeof activeProgress>[0], text: string])[] = [
  ['nothing is known', [], '0'],
  ['the total is not known', [running(800, { bytesPerSecond: 5 * MIB })], '800, 5.0 MiB/s'],
  [
    'all is known',
    [running(800, { total: { units: 1_200, bytes: 9 }, bytesPerSecond: 5 * MIB, remainingSeconds: 90 })],
    '800/1200, 5.0 MiB/s, 1m30s left',
  ],
  ['nothing moves', [running(0, { total: { units: 3, bytes: 0 } })], '0/3'],
  [
    'two far sides: rates are added, the slower one decides the end',
    [
      running(10, { total: { units: 20, bytes: 0 }, bytesPerSecond: 1_000, remainingSeconds: 5 }),
      running(4, { total: { units: 20, bytes: 0 }, bytesPerSecond: 500, remainingSeconds: 61 }),
    ],
    '14/40, 1.5 KiB/s, 1m1s left',
  ],
  ['one of two totals is not known', [running(1, { total: { units: 5, bytes: 0 } }), running(1)], '2'],
  [
    'some failed',
    [{ tally: { ...NOTHING, success: 5, failed: 3, notTried: 2 }, total: { units: 20, bytes: 0 } }],
    '10/20, 3 failed, 2 not tried',
  ],
];
for (const [what, sides, text] of summaries)
  test(`the summary of an active run when ${what}`, () => {
    assert.equal(activeProgress(sides).summary, text);
  });

test('a summary fits into its column whatever the numbers', () => {
  const most = Number.MAX_SAFE_INTEGER;
  const tally = { ...NOTHING, failed: most, notTried: most };
  const { summary = '' } = activeProgress([
    { tally, total: { units: most, bytes: most }, bytesPerSecond: most, remainingSeconds: most },
  ]);
  assert.ok(summary.length <= 128, summary);
});

test('a run that has ended shows what it did, and an aborted one no total', () => {
  const sides = [{ tally: { ...NOTHING, success: 1_190, failed: 3, conflict: 7, quarantined: 2 } }];
  const { summary, total: all, done, quarantined } = endedProgress('FAILED', sides);
  assert.deepEqual([summary, all, done, quarantined], ['1200/1200, 3 failed', 1_200, 1_200, 2]);
  assert.equal(endedProgress('SUCCESS', []).summary, '0/0');
  assert.equal(endedProgress('ABORTED', sides).summary, '1200, aborted, 3 failed');
  assert.equal(endedProgress('ABORTED', sides).total, undefined);
});

test('a run that was taken over does not begin at zero', () => {
  const before = activeProgress([
    {
      tally: { ...NOTHING, success: 7, failed: 1 },
      total: { units: 10, bytes: 0 },
      bytesPerSecond: 5,
      remainingSeconds: 9,
    },
  ]);
  const idle = takenOver(before, undefined);
  assert.equal(idle.summary, '8/10, 1 failed');
  assert.deepEqual([idle.bytesPerSecond, idle.remainingSeconds], [undefined, undefined]);
  const behind = takenOver(
    idle,
    activeProgress([running(2, { total: { units: 12, bytes: 0 }, bytesPerSecond: 2_048 })]),
  );
  assert.deepEqual([behind.done, behind.success, behind.total], [8, 7, 12]);
  assert.equal(behind.summary, '8/12, 1 failed, 2.0 KiB/s');
  const ahead = activeProgress([running(9, { total: { units: 12, bytes: 0 } })]);
  assert.equal(takenOver(behind, ahead), ahead);
  const gone = takenOver(behind, activeProgress([running(0, { total: { units: 5, bytes: 0 } })]));
  assert.equal(gone.total, 8, 'a total is never less than what is done');
});

test('bytes and times as people write them', () => {
  const bytes = [0, 1, 1_023, 1_024, 1_536, 1_048_523, 1_048_575, MIB, 5 * MIB, 123.44 * MIB, 2 ** 40, 2 ** 60];
  assert.deepEqual(bytes.map(bytesText), [
    '0 B',
    '1 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '1023.9 KiB',
    '1.0 MiB',
    '1.0 MiB',
    '5.0 MiB',
    '123.4 MiB',
    '1.0 TiB',
    '1024.0 PiB',
  ]);
  const seconds = [0, 1, 59, 60, 90, 3_599, 3_600, 3_660, 7_500, 86_400, 273_600, 90_059];
  assert.deepEqual(seconds.map(durationText), [
    '0s',
    '1s',
    '59s',
    '1m',
    '1m30s',
    '59m59s',
    '1h',
    '1h1m',
    '2h5m',
    '1d',
    '3d4h',
    '1d1h',
  ]);
});

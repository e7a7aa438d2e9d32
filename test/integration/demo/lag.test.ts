import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bars, kindTable, lagTable, percentile } from '../../demo/realtime/lag.ts';

test('a percentile is the smallest value that so many are not above', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(
    [50, 99, 100].map((percent) => percentile(hundred, percent)),
    [50, 99, 100],
  );
  assert.equal(percentile([7], 50), 7);
  assert.equal(percentile([], 99), 0);
});

test('there is a bar for the worst lag of each second, and none where nothing arrived', () => {
  const arrived = [
    { what: 'upload', at: 10, lagMs: 3 },
    { what: 'upload', at: 2_000, lagMs: 90 },
    { what: 'upload', at: 2_999, lagMs: 60 },
    { what: 'upload', at: 3_000, lagMs: 1_000_000 },
  ];
  assert.equal(bars(arrived), '▁ ▂█');
  assert.equal(bars([]), '');
});

test('the table has a row for each far side', () => {
  const arrived = new Map([
    ['near', [{ what: 'upload', at: 0, lagMs: 10.4 }]],
    ['far', []],
  ]);
  assert.equal(
    lagTable(arrived, (name) => name === 'near'),
    [
      'FAR SIDE   EVENTS   LAG P50   LAG P99   WORST   EQUAL',
      'near       1        10 ms     10 ms     10 ms   yes',
      'far        0        0 ms      0 ms      0 ms    NO',
    ].join('\n'),
  );
});

test('the table of kinds counts a write once, however many far sides it has arrived at', () => {
  const upload = { what: 'upload', at: 0, lagMs: 1 };
  const arrived = new Map([
    ['near', [upload, upload, { ...upload, what: 'delete' }]],
    ['far', [upload, { ...upload, lagMs: 9 }, { ...upload, what: 'delete', lagMs: 3 }]],
  ]);
  const rows = [
    'WRITE    EVENTS   LAG P50   WORST',
    'upload   2        1 ms      9 ms',
    'delete   1        1 ms      3 ms',
  ];
  assert.equal(kindTable(arrived), rows.join('\n'));
});

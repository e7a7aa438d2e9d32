import assert from 'node:assert/strict';
import { test } from 'node:test';
import { machineText, tableText } from '../../../src/cli/output.ts';
import { bytesText, columnsOf, lagText, spanText, whenText } from '../../../src/cli/text.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');

const TEXTS: readonly (readonly [made: string, expected: string])[] = [
  [spanText(0), '0s'],
  [spanText(59_999), '59s'],
  [spanText(150_000), '2m30s'],
  [spanText(12 * 60_000 + 5_000), '12m'],
  [spanText(26 * 3_600_000), '1d2h'],
  [whenText(undefined, NOW), ''],
  [whenText('2026-11-23T11:55:00Z', NOW), '5m ago'],
  [whenText(new Date(NOW + 7_200_000), NOW), 'in 2h'],
  [whenText(new Date(NOW + 10), NOW), 'now'],
  [bytesText(0), '0 B'],
  [bytesText(1_023), '1023 B'],
  [bytesText(1_536), '1.5 KiB'],
  [bytesText(5 * 1_024 ** 3), '5.0 GiB'],
  [lagText(850), '850ms'],
  [lagText(1_240), '1.2s'],
  [lagText(90_000), '1m30s'],
];

for (const [made, expected] of TEXTS)
  test(`${expected === '' ? 'nothing' : expected} is told so`, () => assert.equal(made, expected));

test('columns are as wide as their longest cell, and control characters of others reach no terminal', () => {
  const columns = [
    { title: 'NAME', text: ({ name }: { readonly name: string }) => name },
    { title: 'N', text: () => '1' },
  ];
  const text = tableText(columns, [{ name: 'a' }, { name: '发布\u001b[2J\nx' }]);
  assert.equal(text, 'NAME         N\na            1\n发布 [2J x   1\n');
});

test('a terminal that does not say how wide it is gets lines all the same', () => {
  assert.deepEqual([{}, { columns: 0 }, { columns: 120 }].map(columnsOf), [80, 80, 120]);
});

test('JSON and YAML hold the same: dates as text, nothing undefined', () => {
  const data = { at: new Date(NOW), none: undefined, list: [1] };
  assert.equal(machineText('json', data), '{\n  "at": "2026-11-23T12:00:00.000Z",\n  "list": [\n    1\n  ]\n}\n');
  assert.equal(machineText('yaml', data), 'at: 2026-11-23T12:00:00.000Z\nlist:\n  - 1\n');
});

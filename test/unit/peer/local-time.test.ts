import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { localTime } from '../../../src/peer/local-time.ts';

suite('local time', () => {
  const shown = [
    ['UTC', '2026-11-22T14:15:57.067Z', '2026-11-22T14:15:57.067', '+0000'],
    ['UTC', '2026-11-22T14:28:15.990Z', '2026-11-22T14:28:15.99', '+0000'],
    ['UTC', '2026-11-22T14:28:15.000Z', '2026-11-22T14:28:15', '+0000'],
    ['UTC', '2026-11-22T14:28:10.100Z', '2026-11-22T14:28:10.1', '+0000'],
    ['+08:00', '2026-11-22T20:00:00.000Z', '2026-11-23T04:00:00', '+0800'],
    ['Asia/Shanghai', '2026-12-31T16:00:00.001Z', '2027-01-01T00:00:00.001', '+0800'],
    ['America/St_Johns', '2026-01-01T00:00:00.000Z', '2025-12-31T20:30:00', '-0330'],
    ['Europe/Berlin', '2026-07-01T00:00:00.000Z', '2026-07-01T02:00:00', '+0200'],
  ] as const;
  for (const [zone, instant, local, offset] of shown)
    test(`${instant} is ${local} at ${zone}`, () => {
      const time = localTime(zone, false);
      assert.equal(time.format(new Date(instant)), local);
      assert.equal(time.offset(new Date(instant)), offset);
      assert.equal(time.parse(local)?.toISOString(), instant);
    });

  const read = [
    ['the first pass of a fold', 'Europe/Berlin', '2026-10-25T02:30:00', '2026-10-25T00:30:00.000Z'],
    [
      'a gap as if the clock had not been put forward',
      'Europe/Berlin',
      '2026-03-29T02:30:00',
      '2026-03-29T01:30:00.000Z',
    ],
    ['an offset', 'UTC', '2026-01-01T00:00:00+08:00', '2025-12-31T16:00:00.000Z'],
    ['Z', 'Asia/Shanghai', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['nanoseconds', 'UTC', '2026-11-22T14:52:51.552969092', '2026-11-22T14:52:51.552Z'],
    ['a time without seconds', 'UTC', '2026-11-22T14:52', '2026-11-22T14:52:00.000Z'],
  ] as const;
  for (const [what, zone, local, instant] of read)
    test(`reads ${what}`, () => assert.equal(localTime(zone, false).parse(local)?.toISOString(), instant));

  test('an offset is ignored where real servers ignore it', () =>
    assert.equal(localTime('UTC', true).parse('2026-01-01T00:00:00+08:00')?.toISOString(), '2026-01-01T00:00:00.000Z'));

  for (const text of [
    '',
    'yesterday',
    '2026-02-30T00:00:00',
    '2026-01-01',
    '2026-01-01T24:00:00',
    '2026-13-01T00:00:00',
  ])
    test(`"${text}" is no date`, () => assert.equal(localTime('UTC', false).parse(text), undefined));

  test('an unknown zone is refused', () => assert.throws(() => localTime('Mars/Olympus', false), RangeError));
});

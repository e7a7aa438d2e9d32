import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import {
  fixedZone,
  fromLocalTime,
  localTime,
  toLocalTime,
  UnknownZoneError,
  zoneOf,
} from '../../../src/lib/local-time.ts';

const PAIRS: readonly (readonly [string, string, string, string])[] = [
  ['UTC', 'UTC', '2026-11-22T14:15:57.067Z', '2026-11-22T14:15:57.067'],
  ['an offset', '+08:00', '2026-11-22T18:15:57.067Z', '2026-11-23T02:15:57.067'],
  ['an offset as bk-repo heads its answers', '-0330', '2026-01-01T00:00:00.000Z', '2025-12-31T20:30:00.000'],
  ['a zone without clock changes', 'Asia/Shanghai', '2020-02-29T16:00:00.001Z', '2020-03-01T00:00:00.001'],
  ['winter time', 'Europe/Berlin', '2026-01-15T11:00:00.500Z', '2026-01-15T12:00:00.500'],
  ['summer time', 'Europe/Berlin', '2026-07-15T10:00:00.500Z', '2026-07-15T12:00:00.500'],
  ['the instant before a gap', 'Europe/Berlin', '2026-03-29T00:59:59.999Z', '2026-03-29T01:59:59.999'],
  ['the instant after a gap', 'Europe/Berlin', '2026-03-29T01:00:00.000Z', '2026-03-29T03:00:00.000'],
  ['the first pass of a fold', 'Europe/Berlin', '2026-10-25T00:30:00.000Z', '2026-10-25T02:30:00.000'],
  ['west of Greenwich', 'America/New_York', '2026-11-01T07:30:00.000Z', '2026-11-01T02:30:00.000'],
  ['before the epoch', 'Asia/Shanghai', '1969-12-31T23:59:59.250Z', '1970-01-01T07:59:59.250'],
];

for (const [what, zoneName, instant, local] of PAIRS) {
  test(`converts ${what} both ways`, () => {
    const zone = zoneOf(zoneName);
    assert.equal(toLocalTime(new Date(instant), zone), local);
    assert.equal(fromLocalTime(local, zone)?.toISOString(), instant);
  });
}

test('both passes of a fold have the same local time, which means the first', () => {
  const zone = zoneOf('Europe/Berlin');
  assert.equal(toLocalTime(new Date('2026-10-25T01:30:00Z'), zone), '2026-10-25T02:30:00.000');
  assert.equal(fromLocalTime('2026-10-25T02:30:00.000', zone)?.toISOString(), '2026-10-25T00:30:00.000Z');
});

test('a local time inside a gap moves forward by the gap', () => {
  const instant = fromLocalTime('2026-03-29T02:30:00', zoneOf('Europe/Berlin'));
  assert.equal(instant?.toISOString(), '2026-03-29T01:30:00.000Z');
});

for (const [text, expected] of [
  ['2026-11-22T14:15:57.067077326', '2026-11-22T14:15:57.067Z'],
  ['2026-11-22T14:15:57', '2026-11-22T14:15:57.000Z'],
  ['2026-11-22T14:15', '2026-11-22T14:15:00.000Z'],
  ['2026-11-22T14:15:57+08:00', '2026-11-22T14:15:57.000Z'],
  ['2026-11-22', undefined],
  ['2026-13-22T14:15:57', undefined],
  ['yesterday', undefined],
] as const) {
  test(`reads ${text} as ${expected ?? 'nothing'}`, () => {
    assert.equal(fromLocalTime(text, zoneOf('Z'))?.toISOString(), expected);
  });
}

test('knows offsets and refuses what is neither zone nor offset', () => {
  assert.equal(fixedZone('+0000')?.name, '+00:00');
  assert.equal(fixedZone('+2500'), undefined);
  assert.throws(() => zoneOf('Mars/Olympus'), UnknownZoneError);
  assert.throws(() => zoneOf('+99:00'), UnknownZoneError);
});

suite('the dates of a server', () => {
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
      const time = localTime(zoneOf(zone), 'counts');
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
    test(`reads ${what}`, () => assert.equal(localTime(zoneOf(zone), 'counts').parse(local)?.toISOString(), instant));

  test('an offset is ignored where real servers ignore it', () =>
    assert.equal(
      localTime(zoneOf('UTC'), 'ignored').parse('2026-01-01T00:00:00+08:00')?.toISOString(),
      '2026-01-01T00:00:00.000Z',
    ));

  for (const text of [
    '',
    'yesterday',
    '2026-02-30T00:00:00',
    '2026-01-01',
    '2026-01-01T24:00:00',
    '2026-13-01T00:00:00',
    '2026-01-01T00:00:00+99:00',
  ])
    test(`"${text}" is no date`, () => assert.equal(localTime(zoneOf('UTC'), 'counts').parse(text), undefined));
});

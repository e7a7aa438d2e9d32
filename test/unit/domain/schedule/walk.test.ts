/** Ten years of ticks, against a walk from minute to minute that knows nothing of how the ticks are found. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTicks, newestTick, nextTick, parseCron } from '../../../../src/domain/schedule/schedule.ts';
import { zoneOf } from '../../../../src/lib/local-time.ts';
import { printedSeed, seededRandom } from '../../../support/seed.ts';

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAY = 86_400_000;
const FROM = Date.UTC(2026, 10, 22);
const TO = Date.UTC(2036, 10, 22);

/** The five fields by hand; `fixed` = hours named one by one. */
interface Plain {
  readonly expression: string;
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly fits: (day: Date) => boolean;
  readonly fixed: boolean;
}

const ALL_HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const PLAINS: readonly Plain[] = [
  { expression: '30 2 * * *', minutes: [30], hours: [2], fits: () => true, fixed: true },
  { expression: '*/20 0,2,3 * * *', minutes: [0, 20, 40], hours: [0, 2, 3], fits: () => true, fixed: true },
  { expression: '15 * * * *', minutes: [15], hours: ALL_HOURS, fits: () => true, fixed: false },
  {
    expression: '10,50 1-3 * * 0',
    minutes: [10, 50],
    hours: [1, 2, 3],
    fits: (day) => day.getUTCDay() === 0,
    fixed: false,
  },
  {
    expression: '0 0 29 2 *',
    minutes: [0],
    hours: [0],
    fits: (day) => day.getUTCMonth() === 1 && day.getUTCDate() === 29,
    fixed: true,
  },
  {
    expression: '59 23 31 12 *',
    minutes: [59],
    hours: [23],
    fits: (day) => day.getUTCMonth() === 11 && day.getUTCDate() === 31,
    fixed: true,
  },
  {
    expression: '45 1 13 * FRI',
    minutes: [45],
    hours: [1],
    fits: (day) => day.getUTCDate() === 13 || day.getUTCDay() === 5,
    fixed: true,
  },
];

const random = seededRandom(printedSeed('ten years'));

for (const name of ['Europe/Berlin', 'Australia/Lord_Howe']) {
  const zone = zoneOf(name);
  // Of all quarters of an hour: no clock of these zones is changed at another time.
  const offsets = Array.from({ length: (TO - FROM) / QUARTER + 1 }, (_, index) =>
    zone.offsetAt(FROM + index * QUARTER),
  );
  for (const plain of PLAINS) {
    test(`ten years of ${plain.expression} in ${name} are those of a walk from minute to minute`, () => {
      const schedule = parseCron(plain.expression, name);
      const walked = walk(plain, offsets);
      const after = new Date(FROM - 1);
      assert.equal(countTicks(schedule, after, new Date(TO - 1), Infinity), walked.length);
      for (const instant of instants(offsets)) {
        const place = walked.findIndex((tick) => tick > instant);
        const next = place < 0 ? undefined : walked[place];
        if (next !== undefined) assert.equal(nextTick(schedule, new Date(instant))?.getTime(), next);
        const newest = place < 0 ? walked.at(-1) : walked[place - 1];
        assert.equal(newestTick(schedule, after, new Date(instant))?.getTime(), newest);
      }
    });
  }
}

function walk({ minutes, hours, fits, fixed }: Plain, offsets: readonly number[]): number[] {
  const wanted = new Uint8Array(1_440);
  for (const hour of hours) for (const minute of minutes) wanted[hour * 60 + minute] = 1;
  const days = new Map<number, boolean>();
  const isTime = (local: number): boolean => {
    if (wanted[(local / MINUTE) % 1_440] !== 1) return false;
    const day = Math.floor(local / DAY);
    const known = days.get(day) ?? fits(new Date(day * DAY));
    days.set(day, known);
    return known;
  };
  const ticks: number[] = [];
  let latest = FROM + (offsets[0] ?? 0) - MINUTE;
  for (let instant = FROM; instant < TO; instant += MINUTE) {
    const local = instant + (offsets[Math.floor((instant - FROM) / QUARTER)] ?? 0);
    let isTick = isTime(local);
    if (fixed && local <= latest) isTick = false;
    for (let left = latest + MINUTE; fixed && left < local; left += MINUTE) isTick ||= isTime(left);
    if (isTick) ticks.push(instant);
    latest = Math.max(latest, local);
  }
  return ticks;
}

/** Some at random, and some about each clock change. */
function instants(offsets: readonly number[]): number[] {
  const anywhere = Array.from({ length: 60 }, () => FROM + random.below(TO - FROM));
  const changes = offsets.flatMap((offset, index) => (index > 0 && offset !== offsets[index - 1] ? [index] : []));
  const near = changes.flatMap((index) =>
    [-1_440, -90, -60, -31, -1, 0, 1, 29, 60, 90].map((minutes) => FROM + index * QUARTER + minutes * MINUTE),
  );
  return [...anywhere, ...near.filter((instant) => instant >= FROM && instant < TO)];
}

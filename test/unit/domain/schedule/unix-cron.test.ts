import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CronExpressionParser } from 'cron-parser';
import { nextTick, parseCron } from '../../../../src/domain/schedule/schedule.ts';
import { printedSeed, type SeededRandom, seededRandom } from '../../../support/seed.ts';

const EXPRESSIONS = 500;
/** They change no clocks in these years. */
const ZONES = ['UTC', 'Asia/Shanghai', 'Asia/Kathmandu', 'America/Phoenix'];
const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const DAYS = 'SUN MON TUE WED THU FRI SAT'.split(' ');

test('five fields fire as another evaluator of Unix cron says', () => {
  const random = seededRandom(printedSeed('five fields'));
  let compared = 0;
  while (compared < EXPRESSIONS) {
    const expression = randomExpression(random);
    const zone = random.pick(ZONES);
    const after = new Date(Date.UTC(2020 + random.below(30), 0, 1) + random.below(365 * 86_400) * 1_000);
    const other = otherEvaluator(expression, zone, after);
    if (other === undefined) continue;
    compared++;
    const schedule = parseCron(expression, zone);
    let tick: Date | undefined = after;
    for (let ticks = 0; ticks < 3; ticks++) {
      tick = nextTick(schedule, tick ?? after);
      assert.equal(tick?.toISOString(), other().toISOString(), `${expression} in ${zone} after ${after.toISOString()}`);
    }
  }
});

/** undefined = it does not take a list that has a value twice. */
function otherEvaluator(expression: string, tz: string, currentDate: Date): (() => Date) | undefined {
  try {
    const parsed = CronExpressionParser.parse(expression, { currentDate, tz });
    return () => parsed.next().toDate();
  } catch (error) {
    if (error instanceof Error && error.message.includes('duplicate values')) return undefined;
    throw error;
  }
}

function randomExpression(random: SeededRandom): string {
  const dayOfMonth = random.below(2) === 0 ? '*' : list(random, 1, 28);
  const dayOfWeek = random.below(2) === 0 ? '*' : list(random, 0, 7, DAYS);
  return [list(random, 0, 59), list(random, 0, 23), dayOfMonth, list(random, 1, 12, MONTHS), dayOfWeek].join(' ');
}

function list(random: SeededRandom, min: number, max: number, names: readonly string[] = []): string {
  const step = 1 + random.below(Math.min(max, 12));
  // Beside a restricted day field such a step is refused.
  if (random.below(5) === 0) return names === DAYS || max === 28 ? '*' : random.pick(['*', `*/${step}`]);
  return Array.from({ length: 1 + random.below(3) }, () => {
    const [one, other] = [min + random.below(max - min + 1), min + random.below(max - min + 1)];
    const [from, to] = [Math.min(one, other), Math.max(one, other)];
    const name = (value: number): string => names[value - (names === MONTHS ? 1 : 0)] ?? String(value);
    return random.pick([
      `${from}`,
      name(from),
      `${from}-${to}`,
      to < 7 ? `${name(from)}-${name(to)}` : `${from}`,
      `${from}-${to}/${step}`,
    ]);
  }).join(',');
}

const NICKNAMES: readonly (readonly [string, string, string])[] = [
  ['@hourly', '2026-11-22T10:30:00Z', '2026-11-22T11:00:00.000Z'],
  ['@daily', '2026-11-22T10:30:00Z', '2026-11-23T00:00:00.000Z'],
  ['@Midnight', '2026-11-22T10:30:00Z', '2026-11-23T00:00:00.000Z'],
  ['@weekly', '2026-11-23T10:30:00Z', '2026-11-29T00:00:00.000Z'],
  ['@monthly', '2026-11-22T10:30:00Z', '2026-12-01T00:00:00.000Z'],
  ['@yearly', '2026-11-22T10:30:00Z', '2027-01-01T00:00:00.000Z'],
  [' @annually ', '2026-11-22T10:30:00Z', '2027-01-01T00:00:00.000Z'],
];

const FIELDS: readonly (readonly [what: string, expression: string, after: string, next: string])[] = [
  ['both days restricted: the weekday', '0 0 13 * 5', '2026-11-22T00:00:00Z', '2026-11-27T00:00:00.000Z'],
  ['both days restricted: the day of month', '0 0 13 * 5', '2026-12-11T00:00:00Z', '2026-12-13T00:00:00.000Z'],
  ['7 is Sunday', '0 0 * * 7', '2026-11-23T00:00:00Z', '2026-11-29T00:00:00.000Z'],
  ['a range up to 7', '0 0 * * 6-7', '2026-11-28T00:00:00Z', '2026-11-29T00:00:00.000Z'],
  ['*/1 is *', '0 0 */1 * 1', '2026-11-23T00:00:00Z', '2026-11-30T00:00:00.000Z'],
  ['names, blanks and tabs', ' 0  0\t1 feb Mon\n', '2027-01-02T00:00:00Z', '2027-02-01T00:00:00.000Z'],
  ['a step after names', '0 0 * * MON-FRI/2', '2026-11-23T00:00:00Z', '2026-11-25T00:00:00.000Z'],
  ['29 February', '0 0 29 2 *', '2026-11-22T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ['no 29 February in 2100', '0 0 29 2 *', '2096-02-28T00:00:00Z', '2096-02-29T00:00:00.000Z'],
  ["the year's end", '59 23 31 12 *', '2026-12-31T23:58:59.999Z', '2026-12-31T23:59:00.000Z'],
  ['the day after the year', '59 23 31 12 *', '2026-12-31T23:59:00.000Z', '2027-12-31T23:59:00.000Z'],
  ['leading zeros', '05 08 * * *', '2026-11-22T00:00:00Z', '2026-11-22T08:05:00.000Z'],
];

for (const [expression, after, next] of NICKNAMES) {
  test(`${expression} fires next at ${next} after ${after}`, () => {
    assert.equal(nextTick(parseCron(expression, 'UTC'), new Date(after))?.toISOString(), next);
  });
}
for (const [what, expression, after, next] of FIELDS) {
  test(`${what}: ${JSON.stringify(expression)} fires at ${next}`, () => {
    assert.equal(nextTick(parseCron(expression, 'UTC'), new Date(after))?.toISOString(), next);
  });
}

test('after 29 February 2096 there is none until 2104, and with it no tick', () => {
  assert.equal(nextTick(parseCron('0 0 29 2 *', 'UTC'), new Date('2096-02-29T00:00:00Z')), undefined);
});

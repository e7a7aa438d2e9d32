/** Random expressions over the whole grammar of Quartz, right ones and wrong ones, and instants worth asking about. */
import { zoneOf } from '../../../src/lib/local-time.ts';
import type { SeededRandom } from '../seed.ts';
import type { Question } from './quartz.ts';

/** Zones whose rules are settled, so that every database of zones has the same; both hemispheres, odd offsets. */
export const ZONES = [
  'UTC',
  'Asia/Shanghai',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
  'America/St_Johns',
] as const;

const DAY = 86_400_000;
const MONTHS = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const DAYS = 'SUN MON TUE WED THU FRI SAT'.split(' ');

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const SIXTY: Bounds = { min: 0, max: 59 };
const HOURS: Bounds = { min: 0, max: 23 };
const DAYS_OF_MONTH: Bounds = { min: 1, max: 31 };
const MONTHS_OF_YEAR: Bounds = { min: 1, max: 12, names: MONTHS };
const DAYS_OF_WEEK: Bounds = { min: 1, max: 7, names: DAYS };
const YEARS: Bounds = { min: 1970, max: 2099 };

export function randomQuestion(random: SeededRandom): Question {
  const right = randomExpression(random);
  const expression = random.below(6) === 0 ? damaged(random, right) : right;
  const zone = random.pick(ZONES);
  return { expression, zone, after: [randomInstant(random), randomInstant(random), beforeClockChange(random, zone)] };
}

function randomExpression(random: SeededRandom): string {
  const byMonth = random.below(2) === 0;
  const fields = [
    random.below(3) > 0 ? '0' : list(random, SIXTY),
    list(random, SIXTY),
    random.below(4) === 0 ? String(random.below(4)) : list(random, HOURS),
    byMonth ? dayOfMonth(random) : '?',
    random.below(3) > 0 ? '*' : list(random, MONTHS_OF_YEAR),
    byMonth ? '?' : dayOfWeek(random),
    ...(random.below(4) === 0 ? [list(random, YEARS)] : []),
  ];
  const text = fields.join(random.below(20) === 0 ? '  ' : ' ');
  return random.below(10) === 0 ? text.toLowerCase() : text;
}

function dayOfMonth(random: SeededRandom): string {
  const day = 1 + random.below(31);
  const forms = ['L', 'LW', `L-${random.below(31)}`, `L-${random.below(31)}W`, `${day}W`, `${day}W`];
  return random.below(2) === 0 ? random.pick(forms) : list(random, DAYS_OF_MONTH);
}

function dayOfWeek(random: SeededRandom): string {
  const day = random.below(2) === 0 ? random.pick(DAYS) : String(1 + random.below(7));
  const forms = ['L', `${day}L`, `${day}#${1 + random.below(5)}`, `${day}#${1 + random.below(5)}`];
  return random.below(2) === 0 ? random.pick(forms) : list(random, DAYS_OF_WEEK);
}

function list(random: SeededRandom, bounds: Bounds): string {
  const length = random.below(3) === 0 ? 1 + random.below(4) : 1;
  return Array.from({ length }, () => entry(random, bounds)).join(',');
}

function entry(random: SeededRandom, bounds: Bounds): string {
  const { min, max, names } = bounds;
  const number = (): number => (bounds === YEARS ? 2000 + random.below(80) : min + random.below(max - min + 1));
  const form = random.below(8);
  const stepped = form === 3 || form === 4;
  const name = names !== undefined && random.below(stepped ? 20 : 2) === 0;
  const value = (): string =>
    name ? random.pick(names) : String(number()).padStart(random.below(9) === 0 ? 2 : 1, '0');
  const step = 1 + random.below(random.below(4) === 0 ? max + 2 : Math.min(10, max));
  switch (form) {
    case 0:
      return '*';
    case 1:
      return `${random.below(5) === 0 ? '' : '*'}/${step}`;
    case 2:
      return `${value()}-${value()}`;
    case 3:
      return `${value()}-${value()}/${step}`;
    case 4:
      return `${value()}/${step}`;
    default:
      return value();
  }
}

const PIECES = ['L', 'W', '#', '?', '/', '-', ',', '*', '0', '7', '60', '99', 'MON', 'JAN', 'X', 'LW', ' ', '/0', '-1'];

function damaged(random: SeededRandom, expression: string): string {
  const at = random.below(expression.length + 1);
  switch (random.below(4)) {
    case 0:
      return `${expression.slice(0, at)}${expression.slice(at + 1)}`;
    case 1:
      return `${expression} ${random.pick(['*', '2030', '?', 'foo'])}`;
    case 2:
      return expression.split(' ').slice(random.below(2)).slice(0, -1).join(' ');
    default:
      return `${expression.slice(0, at)}${random.pick(PIECES)}${expression.slice(at)}`;
  }
}

const EDGES = ['02-28T12:00', '02-29T00:00', '03-01T00:00', '12-31T23:59', '01-01T00:00', '06-30T23:59', '10-31T23:59'];

/** Within the three days before a clock change of the zone, where its clock is changed in that year. */
function beforeClockChange(random: SeededRandom, zoneName: string): number {
  const zone = zoneOf(zoneName);
  const start = Date.UTC(2008 + random.below(50), 0, 1);
  const changed = (day: number): boolean => zone.offsetAt(start + day * DAY) !== zone.offsetAt(start + (day + 1) * DAY);
  const changes = Array.from({ length: 365 }, (_, day) => day).filter(changed);
  const day = changes.length > 0 ? random.pick(changes) : random.below(365);
  return (start + (day - 2) * DAY) / 1_000 + random.below((3 * DAY) / 1_000);
}

/** A second in the years 2000 to 2059. */
function randomInstant(random: SeededRandom): number {
  const year = 2000 + random.below(60);
  if (random.below(3) > 0) return Date.UTC(year, 0, 1) / 1_000 + random.below(365 * 86_400);
  return Date.parse(`${year}-${random.pick(EDGES)}:59Z`) / 1_000 + random.below(86_400);
}

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { type Attempt, Throttle } from '../../../../src/rest/auth/throttle.ts';
import { RestError } from '../../../../src/rest/codes.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const MINUTE = 60_000;
let clock: FakeClock;
let throttle: Throttle;
let serial: number;

beforeEach(() => {
  clock = new FakeClock();
  throttle = new Throttle(clock);
  serial = 0;
});

/** A name, or an address, that nobody used before. */
function fresh(): string {
  serial += 1;
  return `fresh ${serial}`;
}

/** Seconds after which to come again, undefined = it may be checked. */
function begin(user: string | undefined, address: string): Attempt | number {
  try {
    return throttle.begin(user, address);
  } catch (error) {
    assert.ok(error instanceof RestError && error.complaints[0].code === 'tooManyRequests', String(error));
    return error.retryAfterSeconds ?? Number.NaN;
  }
}

function started(user: string | undefined, address: string): Attempt {
  const attempt = begin(user, address);
  assert.ok(typeof attempt === 'object', `refused for ${JSON.stringify(attempt)} s`);
  return attempt;
}

function fail(user: string | undefined, address: string, times = 1): void {
  for (let count = 0; count < times; count++) started(user, address).failed();
}

test('a name is refused from wherever it is tried after five failures, twice as long after each further one', () => {
  for (let count = 0; count < 5; count++) fail('ann', fresh());
  const waits: number[] = [];
  for (let count = 0; count < 8; count++) {
    const wait = begin('ann', fresh());
    assert.ok(typeof wait === 'number');
    waits.push(wait);
    clock.advance(wait * 1_000 - 1);
    assert.equal(begin('ann', fresh()), 1, 'what is refused does not count');
    clock.advance(1);
    fail('ann', fresh());
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
});

test('an address is refused after five failures of different names, but for one new name a second', () => {
  for (let count = 0; count < 5; count++) fail(fresh(), 'nat');
  started(fresh(), 'nat').undecided();
  assert.equal(begin(fresh(), 'nat'), 1);
  assert.equal(begin(undefined, 'nat'), 1);
  started(fresh(), 'elsewhere').undecided();
});

test('a success makes the failures of the name nothing, not those of the address', () => {
  fail('ann', 'nat', 4);
  started('ann', 'nat').succeeded();
  fail('ann', 'elsewhere', 4);
  started('ann', 'elsewhere').undecided();
  fail(fresh(), 'nat');
  started(fresh(), 'nat').undecided();
  assert.equal(begin(fresh(), 'nat'), 1);
});

test('who was right from an address is judged there by own failures, for a quarter of an hour', () => {
  started('ann', 'home').succeeded();
  for (let count = 0; count < 9; count++) {
    clock.advance(MINUTE);
    fail('ann', fresh());
    clock.advance(MINUTE / 6);
    fail(fresh(), 'home');
  }
  clock.advance(1_000);
  assert.ok(typeof begin('ann', fresh()) === 'number');
  fail('ann', 'home', 4);
  started('ann', 'home').failed();
  assert.equal(begin('ann', 'home'), 1);
  clock.advance(15 * MINUTE);
  started('ann', 'home').undecided();
});

test('failures are forgotten a quarter of an hour after the last one', () => {
  fail('ann', 'nat', 4);
  clock.advance(15 * MINUTE - 1);
  fail('ann', 'nat');
  assert.equal(begin('ann', fresh()), 1);
  clock.advance(15 * MINUTE);
  fail('ann', 'nat', 4);
  started('ann', 'nat').undecided();
});

test('tries that are being checked count as failures until it is known', () => {
  const names = Array.from({ length: 5 }, () => started('ann', fresh()));
  assert.equal(begin('ann', fresh()), 1);
  names[0]?.undecided();
  started('ann', fresh()).undecided();
  const shared = Array.from({ length: 8 }, () => started(fresh(), 'nat'));
  assert.equal(begin(fresh(), 'nat'), 1);
  shared[0]?.succeeded();
  started(fresh(), 'nat').undecided();
});

test('tokens name nobody, so only their address counts', () => {
  fail(undefined, 'nat', 5);
  started(undefined, 'nat').undecided();
  assert.equal(begin(undefined, 'nat'), 1);
  started(undefined, 'elsewhere').undecided();
});

test('ten thousand names and addresses are kept, and the oldest makes room', () => {
  fail('ann', 'nat', 5);
  for (let count = 0; count < 9_999; count++) fail(fresh(), fresh());
  assert.equal(begin('ann', fresh()), 1);
  fail(fresh(), fresh());
  started('ann', fresh()).undecided();
  started('ann', 'nat').undecided();
});

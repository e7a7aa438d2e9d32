import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProbeBook } from '../../../src/controllers/cluster/probe-book.ts';
import { StatusBudget } from '../../../src/controllers/replica-task/status-budget.ts';
import { FakeClock } from '../../support/fake-clock.ts';

test('progress of one task is written at most every two seconds', () => {
  const clock = new FakeClock();
  const budget = new StatusBudget(clock);
  assert.equal(budget.progressInMs('a'), 0);
  budget.written('a');
  assert.equal(budget.progressInMs('a'), 2_000);
  assert.equal(budget.progressInMs('b'), 0);
  clock.advance(2_000);
  assert.equal(budget.progressInMs('a'), 0);
});

test('progress of all tasks shares ten writes a second, and transitions go first', () => {
  const clock = new FakeClock();
  const budget = new StatusBudget(clock);
  for (let task = 0; task < 10; task += 1) budget.written(`transition-${task}`);
  assert.equal(budget.progressInMs('a'), 100);
  for (let task = 0; task < 5; task += 1) budget.written(`more-${task}`);
  assert.equal(budget.progressInMs('a'), 600);
  clock.advance(600);
  assert.equal(budget.progressInMs('a'), 0);
});

const OBJECT = { uid: 'uid', generation: 1 };
const well = { verdict: { reason: 'Healthy', message: '' }, probe: undefined };
const unwell = { verdict: { kind: 'failing', reason: 'Down', message: '' }, probe: undefined } as const;

test('a healthy far side is probed at its interval, a changed object at once', () => {
  const clock = new FakeClock();
  const book = new ProbeBook(clock, () => 0);
  book.put('a', OBJECT, well, 60_000);
  clock.advance(59_999);
  assert.equal(book.current('a', OBJECT), well);
  assert.equal(book.dueInMs('a'), 1);
  assert.equal(book.current('a', { ...OBJECT, generation: 2 }), undefined);
  assert.equal(book.current('a', { ...OBJECT, uid: 'other' }), undefined);
  assert.equal(book.current('a', { ...OBJECT, credentials: 'changed' }), undefined);
  clock.advance(1);
  assert.equal(book.current('a', OBJECT), undefined);
});

test('an unwell far side is probed sooner, ever less often, and never less than every minute', () => {
  const clock = new FakeClock();
  const book = new ProbeBook(clock, () => 0);
  const waits = Array.from({ length: 9 }, () => {
    book.put('a', OBJECT, unwell, 3_600_000);
    const wait = book.dueInMs('a');
    clock.advance(wait);
    return Math.round(wait);
  });
  assert.deepEqual(waits, [2_000, 3_200, 5_120, 8_192, 13_107, 20_972, 33_554, 53_687, 60_000]);
  book.put('a', OBJECT, well, 1_000);
  book.put('a', OBJECT, unwell, 1_000);
  assert.equal(book.dueInMs('a'), 1_000, 'no longer than the interval');
});

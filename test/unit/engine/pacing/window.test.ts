import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Window } from '../../../../src/engine/pacing/window.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { seededRandom } from '../../../support/seed.ts';

/** What a far side gets done in a second with so many requests at once. */
type FarSide = (atOnce: number) => number;

const growing: FarSide = (atOnce) => atOnce * 20;
const upTo =
  (most: number): FarSide =>
  (atOnce) =>
    Math.min(atOnce, most) * 20;
const collapsing: FarSide = (atOnce) => (atOnce <= 6 ? atOnce * 20 : 720 / atOnce);

/** Lets answers come for so many seconds; gives the sizes that the window had. */
function work(window: Window, clock: FakeClock, farSide: FarSide, seconds: number, noise = () => 1): number[] {
  const sizes: number[] = [];
  const until = clock.monotonic() + seconds * 1_000;
  while (clock.monotonic() < until) {
    clock.advance((1_000 / farSide(window.size)) * noise());
    window.wasFull();
    window.answered(0);
    sizes.push(window.size);
  }
  return sizes;
}

/** One epoch, with a third more answers than the one before. */
function quickened(epoch: number, clock: FakeClock, answer: () => void): void {
  const answers = Math.round(40 * 1.3 ** epoch);
  for (let count = 0; count < answers; count += 1) {
    clock.advance(1_001 / answers);
    answer();
  }
}

test('it begins in the lower middle and grows one by one while more gets done, up to the limit', () => {
  const clock = new FakeClock();
  const window = new Window(12, clock);
  assert.equal(window.size, 4);
  const sizes = work(window, clock, growing, 30);
  assert.equal(window.size, 12);
  assert.equal(Math.max(...sizes), 12);
  for (const [index, size] of sizes.entries()) assert.ok(size - (sizes[index - 1] ?? size) <= 1, 'one by one');
});

test('it does not begin above the limit', () => {
  assert.equal(new Window(2, new FakeClock()).size, 2);
});

test('it stays where the far side gets no more done', () => {
  const clock = new FakeClock();
  const window = new Window(64, clock);
  const sizes = work(window, clock, upTo(10), 300);
  assert.ok(Math.max(...sizes) <= 11, `grew to ${Math.max(...sizes)}`);
  assert.ok(window.size >= 10, `ended at ${window.size}`);
});

for (const seed of [1, 2, 3, 4, 5])
  test(`with answers of very different lengths it stays near what the far side can take (seed ${seed})`, () => {
    const clock = new FakeClock();
    const random = seededRandom(seed);
    const window = new Window(64, clock);
    const sizes = work(window, clock, upTo(10), 600, () => 0.2 + 1.6 * random.next());
    const later = sizes.slice(sizes.length / 4);
    const mean = later.reduce((sum, size) => sum + size, 0) / later.length;
    assert.ok(mean >= 8 && mean <= 12, `${mean} on average`);
  });

test('where more at once gets less done it goes back', () => {
  const clock = new FakeClock();
  const window = new Window(64, clock);
  const sizes = work(window, clock, collapsing, 120);
  assert.ok(Math.max(...sizes) <= 7);
  assert.ok(window.size <= 7 && window.size >= 5, `ended at ${window.size}`);
});

test('a far side whose turns are not all used says nothing about more of them', () => {
  const clock = new FakeClock();
  const window = new Window(16, clock);
  // More and more gets done, because more and more is asked for.
  for (let epoch = 0; epoch < 10; epoch += 1) quickened(epoch, clock, () => window.answered(0));
  assert.equal(window.size, 4);
});

test('it is halved once for all that were under way together, and never below one', () => {
  const clock = new FakeClock();
  const window = new Window(16, clock);
  work(window, clock, growing, 60);
  assert.equal(window.size, 16);
  const together = Array.from({ length: 16 }, () => window.begin());
  assert.deepEqual(
    together.map((ticket) => window.congested(ticket)),
    together.map((_, index) => index === 0),
  );
  assert.equal(window.size, 8);
  for (const wanted of [4, 2, 1, 1]) {
    window.congested(window.begin());
    assert.equal(window.size, wanted);
  }
  work(window, clock, growing, 60);
  assert.equal(window.size, 16, 'it grows again');
});

test('uploads count by their size', () => {
  const clock = new FakeClock();
  const window = new Window(8, clock);
  // Ever more answers, but of ever smaller blobs: less gets done.
  for (let epoch = 0; epoch < 10; epoch += 1)
    quickened(epoch, clock, () => {
      window.wasFull();
      window.answered((1024 * 1024 * 1024) / 2 ** epoch);
    });
  assert.ok(window.size <= 5, `grew to ${window.size}`);
});

test('a changed limit counts at once', () => {
  const clock = new FakeClock();
  const window = new Window(16, clock);
  work(window, clock, growing, 60);
  window.setMost(3);
  assert.equal(window.size, 3);
  window.setMost(6);
  work(window, clock, growing, 60);
  assert.equal(window.size, 6);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Marker } from '../../../../src/engine/follow/marker.ts';
import type { DirtyKey, FollowState, Mark } from '../../../../src/engine/ports/follow-journal.ts';

const SIGNAL = new AbortController().signal;
const AT = new Date('2026-11-22T10:00:00Z');

function key(name: string): DirtyKey {
  return { repoName: 'generic', kind: 'path', name };
}

function marker(state: Partial<FollowState> = {}) {
  const marks: Mark[] = [];
  const journal = {
    state: { epoch: 1, farSides: [], lastSeq: 0, ...state },
    mark: async (some: readonly Mark[]): Promise<void> => void marks.push(...some),
  };
  const subject = new Marker(journal);
  const mark = (...names: string[]): Promise<void> =>
    subject.mark(
      names.map((name) => ({ key: key(name), at: AT })),
      SIGNAL,
    );
  return { subject, marks, mark, names: () => marks.map((one) => one.key.name) };
}

test('a key that waits for all far sides is marked once, however often it changes', async () => {
  const { subject, mark, names } = marker();
  await mark('/a', '/b', '/a');
  await mark('/a', '/c');
  assert.deepEqual(names(), ['/a', '/b', '/c']);
  assert.ok(subject.durable > 0);
});

test('a key that a far side has taken is marked anew when it changes again', async () => {
  const { subject, marks, mark, names } = marker();
  await mark('/a', '/b');
  subject.taken(marks[0]?.seq ?? 0);
  await mark('/a', '/b');
  assert.deepEqual(names(), ['/a', '/b', '/a']);
});

test('while far sides take nothing it does not remember ever more keys: those forgotten are marked again', async () => {
  const { mark, names } = marker();
  const many = Array.from({ length: 50_000 }, (_, index) => `/${index}`);
  await mark('/first', '/second', ...many);
  const before = names().length;
  await mark('/first', '/49999', '/2');
  assert.deepEqual(names().slice(before), ['/first']);
});

test('marks follow on those of earlier epochs, also when the clock of nobody is to be trusted', async () => {
  const before = 5 * 2 ** 33 + 77;
  const { subject, marks, mark } = marker({ epoch: 6, lastSeq: before });
  assert.equal(subject.durable, before);
  await mark('/a');
  assert.ok((marks[0]?.seq ?? 0) > before);
  const sameEpoch = marker({ epoch: 1, lastSeq: 9 * 2 ** 33 });
  await sameEpoch.mark('/a');
  assert.ok((sameEpoch.marks[0]?.seq ?? 0) > 9 * 2 ** 33);
});

test('nobody hears of marks before they are durable', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const subject = new Marker({ state: { epoch: 1, farSides: [], lastSeq: 0 }, mark: () => promise });
  let heard = false;
  subject.onNext(() => {
    heard = true;
  });
  const marking = subject.mark([{ key: key('/a'), at: AT }], SIGNAL);
  await Promise.resolve();
  assert.deepEqual([heard, subject.durable], [false, 0]);
  resolve();
  await marking;
  assert.ok(heard && subject.durable > 0);
});

test('a key whose mark could not be written is marked when it is told again', async () => {
  const marks: Mark[] = [];
  let isBroken = true;
  const subject = new Marker({
    state: { epoch: 1, farSides: [], lastSeq: 0 },
    mark: async (some) => {
      if (isBroken) throw new Error('broken off');
      marks.push(...some);
    },
  });
  await assert.rejects(subject.mark([{ key: key('/a'), at: AT }], SIGNAL));
  isBroken = false;
  await subject.mark([{ key: key('/a'), at: AT }], SIGNAL);
  assert.deepEqual(
    marks.map(({ key: { name } }) => name),
    ['/a'],
  );
});

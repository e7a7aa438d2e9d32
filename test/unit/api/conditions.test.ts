import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Condition,
  type ConditionInput,
  getCondition,
  MAX_MESSAGE,
  removeCondition,
  sanitiseText,
  setCondition,
  timestamp,
} from '../../../src/api/conditions.ts';

const T1 = new Date('2026-11-22T08:30:00.987Z');
const T2 = new Date('2026-11-22T09:00:00Z');

function ready(patch: Partial<ConditionInput> = {}): ConditionInput {
  return { type: 'Ready', status: 'True', observedGeneration: 1, reason: 'Accepted', message: 'all is well', ...patch };
}

test('a new condition is appended with the present time in whole seconds', () => {
  const other = setCondition(undefined, ready({ type: 'Synced' }), T1);
  const list = setCondition(other, ready(), T2);
  assert.deepEqual(
    list.map(({ type }) => type),
    ['Synced', 'Ready'],
  );
  assert.equal(getCondition(list, 'Synced')?.lastTransitionTime, '2026-11-22T08:30:00Z');
});

test('lastTransitionTime moves with status only; reason, message and generation always follow', () => {
  const before = setCondition(undefined, ready(), T1);
  const same = setCondition(before, ready({ reason: 'Probed', message: 'still well', observedGeneration: 2 }), T2);
  assert.deepEqual(getCondition(same, 'Ready'), {
    ...ready(),
    reason: 'Probed',
    message: 'still well',
    observedGeneration: 2,
    lastTransitionTime: timestamp(T1),
  });
  const changed = setCondition(same, ready({ status: 'False' }), T2);
  assert.equal(getCondition(changed, 'Ready')?.lastTransitionTime, timestamp(T2));
});

test('a condition keeps its place, and the given list is not changed', () => {
  const before: readonly Condition[] = Object.freeze(
    ['A', 'Ready', 'B'].map((type) => Object.freeze({ ...ready({ type }), lastTransitionTime: timestamp(T1) })),
  );
  const after = setCondition(before, ready({ status: 'Unknown' }), T2);
  assert.deepEqual(
    after.map(({ type }) => type),
    ['A', 'Ready', 'B'],
  );
  assert.equal(getCondition(before, 'Ready')?.status, 'True');
});

test('setting what is there already gives an equal list', () => {
  const before = setCondition(undefined, ready(), T1);
  assert.deepEqual(setCondition(before, ready(), T2), before);
});

test('a removed condition is gone, and removing one that is not there changes nothing', () => {
  const list = setCondition(setCondition(undefined, ready(), T1), ready({ type: 'Stalled' }), T1);
  assert.equal(getCondition(removeCondition(list, 'Stalled'), 'Stalled'), undefined);
  assert.deepEqual(removeCondition(list, 'Running'), list);
  assert.deepEqual(removeCondition(undefined, 'Running'), []);
});

const TEXTS: readonly (readonly [string, string, string])[] = [
  ['credentials in a URL', 'GET https://user:pa:ss@host/x failed', 'GET https://host/x failed'],
  ['credentials in two URLs', 'mongodb://a:b@h1 and http://c:d@h2', 'mongodb://h1 and http://h2'],
  ['an @ in a path stays', 'https://host/@scope/name', 'https://host/@scope/name'],
  ['control characters', ' two\r\nlines\u0000\u001b[31m ', 'two lines [31m'],
  ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
  ['a long text', 'x'.repeat(200), `${'x'.repeat(99)}…`],
  ['a cut through a pair', `${'x'.repeat(98)}😀😀`, `${'x'.repeat(98)}\ufffd…`],
  ['a text of exactly the bound', 'x'.repeat(100), 'x'.repeat(100)],
];

for (const [title, given, expected] of TEXTS) {
  test(`text is made fit for a status: ${title}`, () => assert.equal(sanitiseText(given, 100), expected));
}

test('a message never exceeds the bound of the schema', () => {
  const list = setCondition(undefined, ready({ message: 'é'.repeat(MAX_MESSAGE * 3) }), T1);
  assert.equal(getCondition(list, 'Ready')?.message.length, MAX_MESSAGE);
});

test('a password is not uncovered by the bound cutting its URL', () => {
  const text = `https://${'u'.repeat(150)}@host/ https://user:hunter2@host/`;
  for (let limit = 80; limit < 110; limit++) assert.doesNotMatch(sanitiseText(text, limit), /hunt/);
});

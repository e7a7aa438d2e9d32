import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Condition, getCondition } from '../../../src/api/conditions.ts';
import { type ReadyFact, summarise, type Trouble } from '../../../src/domain/summary.ts';

const START = Date.parse('2026-11-22T12:00:00Z');
const missing: Trouble = { kind: 'missing', reason: 'SecretNotFound', message: 'no secret' };
const other: Trouble = { kind: 'missing', reason: 'ClusterNotFound', message: 'no cluster' };
const ready: ReadyFact = { reason: 'Accepted', message: 'fine' };

/** Each step: seconds since the start, what was found, and `type=status/reason` of the conditions after it. */
const stories: Readonly<Record<string, readonly (readonly [number, Trouble | ReadyFact, string])[]>> = {
  'what is well is Ready and nothing else': [[0, ready, 'Ready=True/Accepted']],
  'what is refused is Stalled at once, until it is not': [
    [0, { kind: 'refused', reason: 'NotSupported', message: '' }, 'Ready=False/NotSupported Stalled=True/NotSupported'],
    [1, ready, 'Ready=True/Accepted'],
  ],
  'what is missing is Reconciling for two minutes, then Stalled, and still heals': [
    [0, missing, 'Ready=False/SecretNotFound Reconciling=True/SecretNotFound'],
    [119, missing, 'Ready=False/SecretNotFound Reconciling=True/SecretNotFound'],
    [120, missing, 'Ready=False/SecretNotFound Stalled=True/SecretNotFound'],
    [500, missing, 'Ready=False/SecretNotFound Stalled=True/SecretNotFound'],
    [501, ready, 'Ready=True/Accepted'],
  ],
  'another thing missing has two minutes of its own': [
    [0, missing, 'Ready=False/SecretNotFound Reconciling=True/SecretNotFound'],
    [100, other, 'Ready=False/ClusterNotFound Reconciling=True/ClusterNotFound'],
    [200, other, 'Ready=False/ClusterNotFound Reconciling=True/ClusterNotFound'],
    [220, other, 'Ready=False/ClusterNotFound Stalled=True/ClusterNotFound'],
  ],
  'what passes by itself is Reconciling however long': [
    [
      0,
      { kind: 'working', reason: 'SourceUnavailable', message: '' },
      'Ready=False/SourceUnavailable Reconciling=True/SourceUnavailable',
    ],
    [
      900,
      { kind: 'working', reason: 'SourceUnavailable', message: '' },
      'Ready=False/SourceUnavailable Reconciling=True/SourceUnavailable',
    ],
  ],
  'an unreachable far side is neither': [
    [0, { kind: 'failing', reason: 'ClusterUnreachable', message: '' }, 'Ready=False/ClusterUnreachable'],
  ],
};
for (const [what, steps] of Object.entries(stories)) {
  test(what, () => {
    let conditions: readonly Condition[] | undefined;
    for (const [seconds, verdict, expected] of steps) {
      conditions = summarise(conditions, verdict, 3, new Date(START + seconds * 1_000));
      assert.equal(
        conditions.map((c) => `${c.type}=${c.status}/${c.reason}`).join(' '),
        expected,
        `after ${seconds} s`,
      );
      assert.ok(conditions.every((condition) => condition.observedGeneration === 3));
    }
  });
}

test('the time of a transition moves only with the status', () => {
  const first = summarise(undefined, missing, 1, new Date(START));
  const second = summarise(first, other, 1, new Date(START + 5_000));
  assert.equal(getCondition(second, 'Ready')?.lastTransitionTime, '2026-11-22T12:00:00Z');
});

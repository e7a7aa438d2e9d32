import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Condition, setCondition } from '../../../src/api/conditions.ts';
import { conditionEvents } from '../../../src/controllers/transition-events.ts';

const NOW = new Date('2026-11-23T10:00:00Z');

/** `Type=Status/Reason`, with Ready beside. */
function conditions(...all: readonly string[]): readonly Condition[] {
  return ['Ready=True/Accepted', ...all].reduce<readonly Condition[]>((list, text) => {
    const [, type = '', status = '', reason = ''] = /^(\w+)=(\w+)\/(\w+)$/.exec(text) ?? [];
    const said = {
      type,
      status: status as Condition['status'],
      observedGeneration: 1,
      reason,
      message: `about ${reason}`,
    };
    return setCondition(list, said, NOW);
  }, []);
}

function told(before: readonly string[], after: readonly string[]): readonly string[] {
  const events = conditionEvents(conditions(...before), conditions(...after), 'Reconcile');
  return events.map(({ type, reason }) => `${type} ${reason}`);
}

const cases: readonly (readonly [
  what: string,
  before: readonly string[],
  after: readonly string[],
  events: readonly string[],
])[] = [
  [
    'a feed that is lost',
    ['FeedReady=True/ChangeStream'],
    ['FeedReady=False/SourceUnavailable'],
    ['Warning SourceUnavailable'],
  ],
  [
    'another reason',
    ['FeedReady=False/NoFeed'],
    ['FeedReady=False/OperateLogNotCapped'],
    ['Warning OperateLogNotCapped'],
  ],
  ['a feed that is back', ['FeedReady=False/NoFeed'], ['FeedReady=True/OperateLog'], ['Normal FeedReady']],
  ['a feed from the beginning', [], ['FeedReady=True/OperateLog'], []],
  ['a lag that is exceeded', ['Fresh=True/WithinLag'], ['Fresh=False/LagExceeded'], ['Warning LagExceeded']],
  ['one that is still exceeded', ['Fresh=False/LagExceeded'], ['Fresh=False/LagExceeded'], []],
  ['one that is made up for', ['Fresh=False/LagExceeded'], ['Fresh=True/WithinLag'], ['Normal LagRecovered']],
  ['a backfill', [], ['Backfilling=True/Comparing'], ['Normal BackfillStarted']],
  ['its end', ['Backfilling=True/Comparing'], [], ['Normal BackfillEnded']],
  ['deletions that are held', [], ['DeletesHeld=True/DeleteProtection'], ['Warning DeleteProtection']],
  ['those that are let go', ['DeletesHeld=True/DeleteProtection'], [], []],
];
for (const [what, before, after, events] of cases)
  test(`${what}: ${events.join(', ') || 'no Event'}`, () => {
    assert.deepEqual(told(before, after), events);
  });

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getCondition } from '../../../../src/api/conditions.ts';
import type { ReplicaTaskStatus } from '../../../../src/api/replica-task.gen.ts';
import { type FollowedSide, type FollowTold, followStatus } from '../../../../src/domain/follow/status.ts';
import { sampleTask } from '../task-samples.ts';

const NOW = new Date('2026-11-23T10:00:00Z');
const BASE: ReplicaTaskStatus = { observedGeneration: 1, remoteClusters: [{ name: 'east', id: 'id-of-east' }] };
const EQUAL = { status: 'True', reason: 'AllEqual', message: 'every artifact is equal' } as const;
const FEED = {
  kind: 'oplog',
  name: 'operate_log',
  reason: 'OperateLog',
  message: 'the operation log is there',
  unknown: 2,
} as const;

function side(more: Partial<FollowedSide> = {}): FollowedSide {
  return { clusterId: 'id-of-east', clusterName: 'east', pending: 0, retrying: 0, comparedAt: NOW, lagMs: 0, ...more };
}

function told(farSide: FollowedSide, more: Partial<FollowTold> = {}): FollowTold {
  return { feed: FEED, farSides: [farSide], ...more };
}

function status(report: FollowTold | undefined, setting: object = {}, before?: ReplicaTaskStatus): ReplicaTaskStatus {
  const task = sampleTask({ replicaType: 'REAL_TIME', setting });
  const facts = { report, following: true, compared: EQUAL, annotateHint: 'kubectl' } as const;
  return followStatus(BASE, { ...facts, task: before === undefined ? task : { ...task, status: before } }, NOW);
}

function condition(
  report: FollowTold | undefined,
  type: string,
  setting: object = {},
): readonly (string | undefined)[] {
  const { status: is, reason, message } = getCondition(status(report, setting).conditions, type) ?? {};
  return [is, reason, message];
}

test('all is well: the feed, the lag and the far side are told', () => {
  const found = status(told(side({ lagMs: 412, pending: 3 })), { maxLag: '30s' });
  assert.deepEqual(found.feed, { kind: 'oplog', name: 'operate_log', reason: FEED.message, unknown: 2 });
  assert.equal(found.lag, '0.4s');
  assert.deepEqual(found.remoteClusters, [
    { name: 'east', id: 'id-of-east', lag: 412, pending: 3, retrying: 0, comparedAt: '2026-11-23T10:00:00Z' },
  ]);
  const types = found.conditions?.map(({ type, status: is }) => `${type}=${is}`).toSorted();
  assert.deepEqual(types, ['FeedReady=True', 'Fresh=True', 'Running=True', 'Synced=True']);
});

test('a far side that is too far behind is told with the reason', () => {
  const late = side({
    lagMs: 95_000,
    pending: 40,
    trouble: { reason: 'FarSideUnavailable', message: 'it does not answer' },
  });
  assert.deepEqual(condition(told(late), 'Fresh', { maxLag: '30s' }), [
    'False',
    'LagExceeded',
    'east is 1m35s behind the source, 1m5s more than it may be: it does not answer',
  ]);
  assert.equal(condition(told(late), 'Fresh')[0], 'True');
  assert.match(
    condition(told(side({ lagMs: 31_000, pending: 40 })), 'Fresh', { maxLag: '30s' })[2] ?? '',
    /40 changes wait$/,
  );
});

test('nothing is claimed before the first compare has ended', () => {
  const {
    comparedAt: _,
    lagMs: _lag,
    ...fresh
  } = side({
    compare: { trigger: 'backfill', tally: { success: 5, unchanged: 1, conflict: 0, failed: 0 }, total: { units: 20 } },
  });
  assert.equal(condition(told(fresh), 'Fresh')[0], 'Unknown');
  assert.deepEqual(condition(told(fresh), 'Synced').slice(0, 2), ['Unknown', 'NotCompared']);
  assert.equal(condition(told(fresh), 'Backfilling')[2], 'everything is compared: 6 of 20 artifacts at east');
  assert.equal(status(told(fresh)).lag, 'comparing');
});

test('what is tried again is not equal', () => {
  assert.deepEqual(condition(told(side({ retrying: 2 })), 'Synced').slice(0, 2), ['False', 'Retrying']);
});

test('without a feed nobody knows how fresh a far side is', () => {
  const deaf = told(side(), { feedTrouble: { reason: 'OperateLogNotCapped', message: 'run this' } });
  assert.deepEqual(condition(deaf, 'FeedReady'), ['False', 'OperateLogNotCapped', 'run this']);
  assert.deepEqual(condition(deaf, 'Fresh').slice(0, 2), ['Unknown', 'OperateLogNotCapped']);
});

test('a warning of the feed is part of what is said of it', () => {
  const warned = told(side(), { feed: { ...FEED, warning: 'it will wrap in 2 h' } });
  assert.match(condition(warned, 'FeedReady')[2] ?? '', /; it will wrap in 2 h$/);
});

test('deletions that are held are told with the command that lets them go on', () => {
  const held = side({ held: { files: 500, owned: 1_000, allowed: 100 } });
  const [is, reason, message = ''] = condition(told(held), 'DeletesHeld');
  assert.deepEqual([is, reason], ['True', 'DeleteProtection']);
  assert.match(message, /^500 files have left the source .* of 1000 that the task owns there; 100 may go/);
  assert.match(message, /kubectl -n \S+ annotate replicatask \S+ replication\.bkrepo\.io\/deletes-approved=/);
});

test('of a follower that has just begun, what was said before stays; of one that is gone, nothing does', () => {
  const before = status(told(side({ lagMs: 5_000 })));
  const again = status(undefined, {}, before);
  assert.equal(again.lag, '5s');
  assert.equal(getCondition(again.conditions, 'FeedReady')?.status, 'True');
  const task = { ...sampleTask({ replicaType: 'REAL_TIME' }), status: before };
  const gone = followStatus(
    BASE,
    { task, report: undefined, following: false, compared: EQUAL, annotateHint: 'file' },
    NOW,
  );
  assert.deepEqual([gone.lag, gone.feed, gone.conditions], [undefined, undefined, []]);
});

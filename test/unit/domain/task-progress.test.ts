/** Which run `status.progress` is about: the active one, one that nobody performs yet, or the last that ended. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterId } from '../../../src/api/names.ts';
import type { ReplicaTaskStatus } from '../../../src/api/replica-task.gen.ts';
import type { SideProgress } from '../../../src/domain/progress.ts';
import { resolveReferences } from '../../../src/domain/references.ts';
import { type RecordFact, taskStatus } from '../../../src/domain/task-status.ts';
import { sampleCluster, sampleRecord, sampleTask } from './task-samples.ts';

const NOW = new Date('2026-11-22T13:00:00Z');
const EAST = clusterId('default', 'east');
const open = sampleRecord({ id: 'r2', status: 'RUNNING' });
const ended = sampleRecord({
  id: 'r1',
  farSides: [{ clusterId: EAST, clusterName: 'east', tally: tally(3), examples: [] }],
});

function tally(success: number): SideProgress['tally'] {
  return { success, unchanged: 0, conflict: 0, failed: 0, quarantined: 0, notTried: 0, totalBytes: 0, sentBytes: 0 };
}

function status(
  records: readonly RecordFact[] | undefined,
  sides: readonly SideProgress[] | undefined,
  before?: ReplicaTaskStatus,
): ReplicaTaskStatus {
  const task = sampleTask();
  const facts = {
    task: before === undefined ? task : { ...task, status: before },
    installationId: 'test',
    specHash: 'hash',
    enabled: true,
    verdict: { reason: 'Accepted', message: '' },
    references: resolveReferences(task.spec.remoteClusterIds, [sampleCluster('east')]),
    records,
    active: sides && { record: open, progress: sides.map((side) => ({ ...side, clusterId: EAST })) },
    handled: {},
    schedule: { text: 'Once', times: undefined, next: undefined },
    annotateHint: 'kubectl',
  } as const;
  return taskStatus(facts, NOW);
}

test('progress is about the active run from its beginning, and about the last one after it', () => {
  const done = status([ended], undefined);
  assert.equal(done.progress?.summary, '3/3');
  const begun = status([open, ended], [], done);
  assert.equal(begun.progress?.summary, '0', 'not that of the run before');
  const sides = [{ tally: tally(1), total: { units: 4, bytes: 0 }, bytesPerSecond: 2_048, remainingSeconds: 60 }];
  const going = status([open, ended], sides, begun);
  assert.equal(going.progress?.summary, '1/4, 2.0 KiB/s, 1m left');
  assert.deepEqual([going.progress?.total, going.progress?.bytesPerSecond], [4, 2_048]);
  const over = status([sampleRecord({ ...ended, id: 'r2' }), ended], undefined, going);
  assert.deepEqual([over.progress?.summary, over.progress?.remainingSeconds], ['3/3', undefined]);
});

test('a run that nobody performs stands still where it was, and whoever goes on with it begins there', () => {
  const going = status(
    [open],
    [{ tally: tally(5), total: { units: 9, bytes: 0 }, bytesPerSecond: 7, remainingSeconds: 8 }],
  );
  const left = status([open], undefined, going);
  assert.equal(left.progress?.summary, '5/9');
  const adopted = status([open], [{ tally: tally(1), total: { units: 9, bytes: 0 } }], left);
  assert.deepEqual([adopted.progress?.summary, adopted.progress?.success], ['5/9', 5]);
  const further = status([open], [{ tally: tally(6), total: { units: 9, bytes: 0 } }], adopted);
  assert.equal(further.progress?.summary, '6/9');
  const unread = status(undefined, undefined, going);
  assert.deepEqual(unread.progress, going.progress, 'the journal cannot be read');
});

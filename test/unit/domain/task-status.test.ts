import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getCondition } from '../../../src/api/conditions.ts';
import { clusterId } from '../../../src/api/names.ts';
import { resolveReferences } from '../../../src/domain/references.ts';
import { runResult, type SideResult } from '../../../src/domain/run-verdict.ts';
import { type RecordFact, type TaskFacts, taskStatus } from '../../../src/domain/task-status.ts';
import { sampleCluster, sampleRecord, sampleTask } from './task-samples.ts';

const NOW = new Date('2026-11-22T13:00:00Z');
const east = sampleCluster('east');
const EAST = clusterId('default', 'east');

function side(fields: Partial<SideResult['tally']> & Partial<Omit<SideResult, 'tally'>> = {}): SideResult {
  const { error, examples = [], ...counts } = fields;
  const none = { success: 0, unchanged: 0, conflict: 0, failed: 0, notTried: 0, totalBytes: 0, sentBytes: 0 };
  return {
    clusterId: EAST,
    clusterName: 'east',
    tally: { ...none, ...counts },
    examples,
    ...(error === undefined ? {} : { error }),
  };
}

function facts(records: readonly RecordFact[] | undefined, given: Partial<TaskFacts> = {}): TaskFacts {
  const task = sampleTask();
  return {
    task,
    installationId: 'test',
    specHash: 'hash',
    enabled: true,
    verdict: { reason: 'Accepted', message: '' },
    references: resolveReferences(task.spec.remoteClusterIds, [east]),
    records,
    active: undefined,
    handled: {},
    schedule: { text: 'Once', times: undefined, next: undefined },
    annotateHint: 'kubectl',
    ...given,
  };
}

function synced(records: readonly RecordFact[]): string {
  const condition = getCondition(taskStatus(facts(records), NOW).conditions, 'Synced');
  return `${condition?.status}/${condition?.reason}`;
}

const verdicts: readonly (readonly [what: string, record: Partial<RecordFact>, run: string, synced: string])[] = [
  ['all equal', { farSides: [side({ success: 2, unchanged: 1 })] }, 'SUCCESS', 'True/AllEqual'],
  ['an empty repository', { farSides: [side()] }, 'SUCCESS', 'True/AllEqual'],
  ['conflicts left alone', { farSides: [side({ unchanged: 1, conflict: 1 })] }, 'SUCCESS', 'False/Conflicts'],
  ['a failed unit', { farSides: [side({ success: 5, failed: 1 })] }, 'FAILED', 'False/UnitsFailed'],
  ['units not tried', { farSides: [side({ notTried: 1 })] }, 'FAILED', 'False/UnitsNotTried'],
  [
    'a far side given up',
    { farSides: [side({ error: { reason: 'FarSideUnavailable', message: 'silent' } })] },
    'FAILED',
    'False/FarSideUnavailable',
  ],
];
for (const [what, record, run, expected] of verdicts) {
  test(`${what} makes a run ${run} and the task Synced=${expected}`, () => {
    const status = runResult(record.farSides ?? []);
    assert.equal(status, run);
    assert.equal(synced([sampleRecord({ id: 'r1', status, ...record })]), expected);
  });
}

test('Synced is Unknown before a run of the present spec has finished, and follows the newest that has', () => {
  assert.equal(synced([]), 'Unknown/NoRunYet');
  assert.equal(synced([sampleRecord({ id: 'r1', specHash: 'older' })]), 'Unknown/NoRunYet');
  assert.equal(synced([sampleRecord({ id: 'r1', status: 'RUNNING' })]), 'Unknown/NoRunYet');
  const aborted = sampleRecord({ id: 'r2', status: 'ABORTED', errorReason: 'Cancelled: on request' });
  assert.equal(synced([aborted, sampleRecord({ id: 'r1' })]), 'False/Cancelled');
});

test('a message quotes a few examples, and stays within bounds', () => {
  const examples = Array.from({ length: 5 }, (_, index) => ({
    unit: `/file-${index}`,
    reason: 'BlobMissing',
    message: 'm'.repeat(5_000),
  }));
  const record = sampleRecord({ id: 'r1', status: 'FAILED', farSides: [side({ failed: 5, examples })] });
  const { history, remoteClusters } = taskStatus(facts([record]), NOW);
  assert.match(history?.[0]?.message ?? '', /\/file-0: m+… \(BlobMissing\)/);
  assert.ok(!history?.[0]?.message?.includes('/file-3'));
  assert.ok((remoteClusters?.[0]?.message?.length ?? 0) <= 1_024);
});

test('history keeps the ten newest runs', () => {
  const records = Array.from({ length: 20 }, (_, index) => sampleRecord({ id: `r${20 - index}` }));
  const { history } = taskStatus(facts(records), NOW);
  assert.deepEqual(history?.map(({ recordId }) => recordId).join(' '), 'r20 r19 r18 r17 r16 r15 r14 r13 r12 r11');
});

test('every run is counted once, over restarts, lost writes and what others write', () => {
  const task = sampleTask();
  let { status } = task;
  const open = sampleRecord({ id: 'r1', status: 'RUNNING' });
  const ended = sampleRecord({ id: 'r1' });
  const next = sampleRecord({ id: 'r2', executionNumber: 2, startTime: new Date('2026-11-22T12:30:00Z') });
  const steps: readonly (readonly [records: readonly RecordFact[] | undefined, count: number])[] = [
    [[], 0],
    [[open], 1],
    [[open], 1],
    [undefined, 1],
    [[ended], 1],
    [[sampleRecord({ id: 'r9', status: 'RUNNING', taskUid: 'a deleted one' }), ended], 1],
    [[next, ended], 2],
    [[next, ended], 2],
  ];
  for (const [index, [records, count]] of steps.entries()) {
    status = taskStatus(facts(records, { task: { ...task, status } }), NOW);
    assert.equal(status.executionTimes, count, `step ${index}`);
    const forged = taskStatus(facts(records, { task: { ...task, status: { ...status, executionTimes: 99 } } }), NOW);
    if (records !== undefined) assert.equal(forged.executionTimes, count, `step ${index}, after a foreign write`);
  }
});

test('what is known from the journal stays while it cannot be read', () => {
  const task = sampleTask();
  const before = taskStatus(facts([sampleRecord({ id: 'r1', farSides: [side({ success: 1 })] })]), NOW);
  const verdict = { kind: 'working', reason: 'JournalUnavailable', message: '' } as const;
  const after = taskStatus(facts(undefined, { task: { ...task, status: before }, verdict }), NOW);
  assert.deepEqual(after.history, before.history);
  assert.deepEqual(after.remoteClusters, before.remoteClusters);
  assert.equal(getCondition(after.conditions, 'Synced')?.status, 'True');
  assert.equal(getCondition(after.conditions, 'Ready')?.reason, 'JournalUnavailable');
});

test('the last success of a far side outlives runs that fail', () => {
  const task = sampleTask();
  const good = sampleRecord({ id: 'r1', endTime: new Date('2026-11-22T12:01:00Z'), farSides: [side({ success: 1 })] });
  const before = taskStatus(facts([good]), NOW);
  const bad = sampleRecord({ id: 'r2', status: 'FAILED', farSides: [side({ failed: 1 })] });
  const after = taskStatus(facts([bad], { task: { ...task, status: before } }), NOW);
  assert.equal(after.remoteClusters?.[0]?.lastSuccess, '2026-11-22T12:01:00Z');
  assert.equal(after.remoteClusters?.[0]?.lastResult, 'FAILED');
  assert.equal(after.remoteClusters?.[0]?.reason, 'UnitsFailed');
});

test('progress of an active run is the sum over its far sides', () => {
  const record = sampleRecord({ id: 'r1', status: 'RUNNING' });
  const { tally } = side({ success: 3, unchanged: 2, sentBytes: 10 });
  const progress = [
    { clusterId: EAST, tally },
    { clusterId: 'other', tally },
  ];
  const status = taskStatus(facts([record], { active: { record, progress } }), NOW);
  assert.equal(status.progress?.done, 10);
  assert.equal(status.progress?.sentBytes, 20);
  assert.equal(status.lastExecutionStatus, 'RUNNING');
  assert.equal(status.activeRun?.recordId, 'r1');
  assert.equal(getCondition(status.conditions, 'Running')?.status, 'True');
  assert.deepEqual(
    status.remoteClusters?.map(({ lastResult, done }) => [lastResult, done]),
    [['RUNNING', 5]],
  );
});

test('a suspended task says since when', () => {
  const task = sampleTask();
  const first = taskStatus(facts([], { enabled: false }), NOW);
  assert.equal(first.suspendedSince, '2026-11-22T13:00:00Z');
  const later = new Date(NOW.getTime() + 60_000);
  const second = taskStatus(facts([], { enabled: false, task: { ...task, status: first } }), later);
  assert.equal(second.suspendedSince, first.suspendedSince);
  assert.equal(taskStatus(facts([], { task: { ...task, status: second } }), later).suspendedSince, undefined);
});

test('a cron tells what was dealt with and when next, another task does not', () => {
  const times = {
    scheduledSince: Date.parse('2026-11-20T08:00:00.900Z'),
    lastScheduleTime: Date.parse('2026-11-22T12:00:00Z'),
    skippedRuns: 2,
    missedRuns: 3,
  };
  const schedule = { text: '0 * * * * (UTC)', times, next: Date.parse('2026-11-22T13:00:00Z') };
  const { scheduledSince, lastScheduleTime, skippedRuns, missedRuns, nextExecutionTime } = taskStatus(
    facts([], { schedule }),
    NOW,
  );
  assert.deepEqual(
    [scheduledSince, lastScheduleTime, skippedRuns, missedRuns, nextExecutionTime],
    ['2026-11-20T08:00:00Z', '2026-11-22T12:00:00Z', 2, 3, '2026-11-22T13:00:00Z'],
  );
  const once = taskStatus(facts([]), NOW);
  assert.ok(!('scheduledSince' in once) && !('skippedRuns' in once) && !('nextExecutionTime' in once));
});

const HINTS = [
  [
    'kubectl',
    '. To retry what failed: kubectl -n default annotate replicatask copy replication.bkrepo.io/retry-requested="$(date +%s)" --overwrite',
  ],
  [
    'file',
    '. To retry what failed: give the annotation replication.bkrepo.io/retry-requested of ReplicaTask copy a new value in its file',
  ],
] as const;
for (const [annotateHint, end] of HINTS) {
  test(`after a failed run the last words of Synced tell how to retry it, however long the others are (${annotateHint})`, () => {
    const examples = Array.from({ length: 3 }, () => ({
      unit: '/a',
      reason: 'BlobMissing',
      message: 'm'.repeat(5_000),
    }));
    const farSides = Array.from({ length: 64 }, (_, index) => ({
      ...side({ failed: 3, examples }),
      clusterName: `cluster-${index}`,
    }));
    const message = (status: 'FAILED' | 'SUCCESS', sides: readonly SideResult[]): string => {
      const records = [sampleRecord({ id: 'r1', status, farSides: sides })];
      return getCondition(taskStatus(facts(records, { annotateHint }), NOW).conditions, 'Synced')?.message ?? '';
    };
    assert.ok(message('FAILED', farSides).endsWith(`…${end}`));
    assert.ok(message('FAILED', farSides).length <= 32_768);
    assert.ok(message('FAILED', farSides.slice(0, 1)).endsWith(end));
    assert.ok(!message('SUCCESS', [side({ conflict: 1 })]).includes('retry'), 'a conflict is no failure');
  });
}

test('a run that retries another names it, while it is active and afterwards', () => {
  const first = sampleRecord({ id: 'r1', status: 'FAILED' });
  const retry = { id: 'r2', retryOf: 'r1', trigger: 'retry', startTime: new Date('2026-11-22T12:30:00Z') } as const;
  const active = taskStatus(facts([sampleRecord({ ...retry, status: 'RUNNING' }), first]), NOW);
  assert.equal(active.activeRun?.retryOf, 'r1');
  const ended = taskStatus(facts([sampleRecord(retry), first]), NOW);
  assert.deepEqual(
    ended.history?.map(({ retryOf }) => retryOf),
    ['r1', undefined],
  );
});

test('an aborted run counts what is on record, also when whoever closed it had performed nothing of it', () => {
  const aborted = sampleRecord({
    id: 'r1',
    status: 'ABORTED',
    errorReason: 'Suspended: the task was disabled while it ran',
    farSides: [],
    replicaOverview: { success: 500, unchanged: 7, conflict: 0, failed: 2, notTried: 0 },
  });
  const { history, progress } = taskStatus(facts([aborted]), NOW);
  assert.deepEqual([history?.[0]?.success, history?.[0]?.failed], [500, 2]);
  assert.match(history?.[0]?.message ?? '', /\(500 copied, 7 unchanged, 0 conflicts, 2 failed, /);
  assert.equal(progress?.summary, '509, aborted, 2 failed');
});

test('what is quarantined is told per far side and per run, and left out where nothing is', () => {
  const held = sampleRecord({ id: 'r1', status: 'FAILED', farSides: [side({ failed: 3, quarantined: 2 })] });
  const { history, remoteClusters } = taskStatus(facts([held]), NOW);
  assert.deepEqual([history?.[0]?.quarantined, remoteClusters?.[0]?.quarantined], [2, 2]);
  const none = taskStatus(facts([sampleRecord({ id: 'r1', farSides: [side()] })]), NOW);
  assert.deepEqual(
    [none.history?.[0], none.remoteClusters?.[0]].filter((one) => 'quarantined' in (one ?? {})),
    [],
  );
});

test('skipped and missed times stay counted while a schedule is refused', () => {
  const task = { ...sampleTask(), status: { observedGeneration: 1, skippedRuns: 5, missedRuns: 2 } };
  const { skippedRuns, missedRuns } = taskStatus(facts([], { task }), NOW);
  assert.deepEqual([skippedRuns, missedRuns], [5, 2]);
});

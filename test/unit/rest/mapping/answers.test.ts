import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ReplicaTask } from '../../../../src/api/replica-task.gen.ts';
import type { RunRecord, StoredDetail } from '../../../../src/journal/records.ts';
import { refused } from '../../../../src/rest/mapping/admission.ts';
import { clusterInfo } from '../../../../src/rest/mapping/cluster-info.ts';
import { pageFrom, pageRequest } from '../../../../src/rest/mapping/page.ts';
import { overviewOf, recordDetail, recordInfo, taskRecord } from '../../../../src/rest/mapping/record-info.ts';
import { canUpdate, taskDetail, taskInfo } from '../../../../src/rest/mapping/task-info.ts';
import { taskLog } from '../../../../src/rest/mapping/task-log.ts';
import { taskDraft } from '../../../../src/rest/mapping/task-request.ts';
import {
  CLUSTER_NODE_INFO,
  REPLICA_RECORD_DETAIL,
  REPLICA_RECORD_INFO,
  REPLICA_TASK_DETAIL,
  REPLICA_TASK_INFO,
  REPLICA_TASK_RECORD_INFO,
  REPLICATION_TASK_LOG,
} from '../../../../src/rest/schemas/answer-schemas.ts';
import { envelopeOf, FAILURE, listOf, NOTHING, nullOr, pageSchema } from '../../../../src/rest/schemas/envelope.ts';
import { complaintsOf, createBody, dates, FAR, FAR_ID, metadata, RUN, task, terms } from './samples.ts';

const CAPTURES = path.resolve(import.meta.dirname, '../../../../../shared/captures');

const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });

function fits(schema: object, data: unknown): void {
  const check = ajv.compile({ ...schema, additionalProperties: false });
  assert.ok(check(data), JSON.stringify(check.errors));
}

const CRON = taskDraft(createBody(), terms);
const ONCE = taskDraft(createBody({ setting: {} }), terms);
const REAL_TIME = taskDraft(createBody({ replicaType: 'REAL_TIME' }), terms);
const EXECUTED = { lastExecutionStatus: 'SUCCESS', executionTimes: 1, observedGeneration: 1 } as const;
const ACTIVE = { activeRun: { recordId: 'r', startTime: '2026-11-22T11:00:00Z' }, observedGeneration: 1 };

const states: readonly (readonly [string, ReplicaTask, string, string | null, boolean])[] = [
  ['a new one', task(CRON), 'WAITING', null, true],
  ['one that runs', task(CRON, { status: ACTIVE }), 'REPLICATING', 'RUNNING', false],
  ['a cron that ran', task(CRON, { status: EXECUTED }), 'WAITING', 'SUCCESS', false],
  ['a one-shot that ran', task(ONCE, { status: EXECUTED }), 'COMPLETED', 'SUCCESS', false],
  [
    'a one-shot that was aborted',
    task(ONCE, { status: { ...EXECUTED, lastExecutionStatus: 'ABORTED' } }),
    'COMPLETED',
    'FAILED',
    false,
  ],
  ['one that follows changes', task(REAL_TIME), 'REPLICATING', null, false],
  ['the same, disabled', task({ ...REAL_TIME, enabled: false }), 'WAITING', null, true],
  [
    'the same, suspended',
    task(REAL_TIME, { metadata: metadata('t', { annotations: { 'replication.bkrepo.io/suspended': 'true' } }) }),
    'WAITING',
    null,
    true,
  ],
];
for (const [what, resource, state, result, editable] of states) {
  test(`State of a task: ${what}`, () => {
    const { status, lastExecutionStatus } = taskInfo(resource, terms);
    assert.deepEqual([status, lastExecutionStatus, canUpdate(resource)], [state, result, editable]);
  });
}

test('A task before its first run has no bytes, and reads as at bk-repo', () => {
  const info = taskInfo(task({ ...CRON, remoteClusterIds: ['far', 'gone'] }), terms);
  assert.deepEqual([info.replicatedBytes, info.totalBytes, info.executionTimes], [0, -1, 0]);
  assert.deepEqual(info.remoteClusters, [
    { id: FAR_ID, name: 'far' },
    { id: 'gone', name: 'gone' },
  ]);
  assert.deepEqual([info.id, info.createdDate], [info.key, '2026-11-22T14:29:23']);
  assert.match(info.key, /^[0-9a-f]{32}$/);
});

test('Bytes, times and the key of an older bk-repo are shown', () => {
  const status = {
    ...EXECUTED,
    progress: { sentBytes: 5, totalBytes: 9 },
    lastExecutionTime: '2026-11-22T01:00:00Z',
    executionTimes: 42,
  };
  const annotations = { 'replication.bkrepo.io/legacy-id': '784e49c5ba974a1e8ac503a840f65eb5' };
  const info = taskInfo(task(CRON, { status, metadata: metadata('t', { annotations }) }), terms);
  assert.deepEqual(
    [info.replicatedBytes, info.totalBytes, info.executionTimes, info.lastExecutionTime, info.key],
    [5, 9, 42, '2026-11-22T09:00:00', '784e49c5ba974a1e8ac503a840f65eb5'],
  );
});

test('A time of its own zone is shown in the zone of the answer, and one that cannot be read as it is', () => {
  const at = (executeTime: string, timeZone?: string): string | null =>
    taskInfo(
      task({ ...ONCE, setting: { executionPlan: { executeTime, ...(timeZone === undefined ? {} : { timeZone }) } } }),
      terms,
    ).setting.executionPlan.executeTime;
  assert.equal(at('2027-01-01T00:00:00Z'), '2027-01-01T08:00:00');
  assert.equal(at('2027-01-01T00:00:00', 'Europe/Berlin'), '2027-01-01T07:00:00');
  assert.equal(at('2027-02-31T00:00:00'), '2027-02-31T00:00:00');
});

const { endTime: _end, ...BEGUN } = RUN;
const RUNNING: RunRecord = { ...BEGUN, status: 'RUNNING', replicatedBytes: 0, totalBytes: 0 };
const LIVE = {
  counts: { SUCCESS: 1, UNCHANGED: 2, CONFLICT: 3, FAILED: 4, NOT_TRIED: 5 },
  replicatedBytes: 6,
  totalBytes: 7,
};

test('A run that ended tells each artifact once', () => {
  assert.deepEqual(recordInfo(RUN, dates), {
    id: RUN.id,
    taskKey: 'k',
    status: 'SUCCESS',
    startTime: '2026-11-22T14:29:37.117',
    endTime: '2026-11-22T14:29:37.25',
    errorReason: '',
    replicatedBytes: 20,
    totalBytes: 30,
    replicaOverview: { success: 9, failed: 14, conflict: 5, fileSuccess: 13, fileFailed: 17 },
  });
  assert.equal(recordInfo({ ...RUN, status: 'ABORTED', errorReason: 'cancelled' }, dates).status, 'FAILED');
});

test('A run that is active takes its counts from its details', () => {
  const info = recordInfo(RUNNING, dates, LIVE);
  assert.deepEqual([info.status, info.endTime, info.errorReason], ['RUNNING', null, null]);
  assert.deepEqual([info.replicatedBytes, info.totalBytes], [6, 7]);
  assert.deepEqual(info.replicaOverview, { success: 3, failed: 9, conflict: 3, fileSuccess: 1, fileFailed: 9 });
  assert.deepEqual(overviewOf(RUN, LIVE), overviewOf(RUN));
});

const FILE: StoredDetail = {
  id: '6b02fc51b143b3715aaaf986',
  recordId: RUN.id,
  clusterId: FAR_ID,
  clusterName: 'far',
  localRepoName: 'gen',
  remoteProjectId: 'rp1',
  remoteRepoName: 'gen',
  repoType: 'GENERIC',
  unitKey: '0:/a',
  fullPath: '/a/b/hello.txt',
  status: 'SUCCESS',
  size: 20,
  bytesSent: 20,
  sha256: 'e513',
  conflictStrategy: 'SKIP',
  startTime: RUN.startTime,
  endTime: RUN.startTime,
};

for (const [status, result, progress] of [
  ['SUCCESS', 'SUCCESS', { success: 1, skip: 0, failed: 0, conflict: 0, fileSuccess: 1, fileFailed: 0 }],
  ['UNCHANGED', 'SUCCESS', { success: 0, skip: 1, failed: 0, conflict: 0, fileSuccess: 0, fileFailed: 0 }],
  ['CONFLICT', 'SUCCESS', { success: 0, skip: 1, failed: 0, conflict: 1, fileSuccess: 0, fileFailed: 0 }],
  ['FAILED', 'FAILED', { success: 0, skip: 0, failed: 1, conflict: 0, fileSuccess: 0, fileFailed: 1 }],
  ['NOT_TRIED', 'FAILED', { success: 0, skip: 0, failed: 1, conflict: 0, fileSuccess: 0, fileFailed: 1 }],
] as const) {
  test(`A detail that is ${status} reads ${result}`, () => {
    const detail = recordDetail({ ...FILE, status }, 'here', 'FULL', dates);
    assert.deepEqual([detail.status, detail.progress], [result, { ...progress, totalSize: 20 }]);
  });
}

test('A detail of a file names its path, one of a version its package', () => {
  const file = recordDetail(FILE, 'here', 'FULL', dates);
  assert.deepEqual(
    [file.pathConstraint, file.packageConstraint, file.artifactName, file.version],
    [{ path: '/a/b/hello.txt' }, null, '/a/b/hello.txt', null],
  );
  const version = recordDetail(
    { ...FILE, packageKey: 'npm://a', packageName: 'a', version: '1', files: 3 },
    'here',
    'PARTIAL',
    dates,
  );
  assert.deepEqual(
    [version.pathConstraint, version.packageConstraint, version.artifactName, version.version],
    [null, { packageKey: 'npm://a', versions: ['1'] }, 'a', '1'],
  );
  assert.deepEqual([version.progress.fileSuccess, version.executeType], [3, 'PARTIAL']);
});

test('A run reads in the words of the old generation', () => {
  const log = taskLog({ ...RUN, status: 'ABORTED', errorReason: 'cancelled' }, task(CRON).spec, dates);
  assert.deepEqual([log.status, log.taskLogKey, log.errorReason], ['INTERRUPTED', RUN.id, 'cancelled']);
  assert.deepEqual(
    [log.replicationProgress.totalNode, log.replicationProgress.successNode, log.replicationProgress.failedRepo],
    [28, 9, 1],
  );
  assert.equal(taskLog(RUNNING, task(CRON).spec, dates, LIVE).status, 'REPLICATING');
});

test('Answers are as their schemas say', () => {
  const resource = task(CRON);
  fits(REPLICA_TASK_INFO, taskInfo(resource, terms));
  fits(REPLICA_TASK_DETAIL, taskDetail(resource, terms));
  fits(CLUSTER_NODE_INFO, clusterInfo(FAR, dates));
  fits(REPLICA_RECORD_INFO, recordInfo(RUNNING, dates, LIVE));
  fits(REPLICA_TASK_RECORD_INFO, taskRecord(resource, recordInfo(RUN, dates)));
  fits(REPLICA_RECORD_DETAIL, recordDetail(FILE, 'here', 'FULL', dates));
  fits(REPLICATION_TASK_LOG, taskLog(RUN, resource.spec, dates));
  const envelope = { code: 0, message: null, data: pageFrom(pageRequest({}), [clusterInfo(FAR, dates)]), traceId: 't' };
  fits(envelopeOf(pageSchema(CLUSTER_NODE_INFO)), envelope);
  fits(envelopeOf(nullOr(CLUSTER_NODE_INFO)), { ...envelope, data: null });
  fits(envelopeOf(listOf(CLUSTER_NODE_INFO)), { ...envelope, data: [clusterInfo(FAR, dates)] });
  fits(envelopeOf(NOTHING), { ...envelope, data: null });
  fits(FAILURE, { ...envelope, code: 250_106, message: 'm', data: null });
});

/** Fields of each level, in a form that can be compared. */
function fieldsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(fieldsOf);
  if (typeof value !== 'object' || value === null) return '';
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, fieldsOf(member)]),
  );
}

/** `data` of the exchange with this title. */
function captured(file: string, title: string): unknown {
  const text = readFileSync(path.join(CAPTURES, file), 'utf8');
  const exchange = text.split('\n#### ').find((part) => part.replace('#### ', '').startsWith(`${title}\n`)) ?? '';
  const { data } = JSON.parse(exchange.slice(exchange.indexOf('\n{'))) as { readonly data: unknown };
  return data;
}

test('Answers have exactly the fields of a real server', (t) => {
  try {
    readFileSync(path.join(CAPTURES, 'rest-task.txt'));
  } catch {
    t.skip('the captured exchanges are not here');
    return;
  }
  const file = { ...FILE, status: 'SUCCESS' } as const;
  for (const [name, title, ours] of [
    ['rest-task.txt', 'detail', taskDetail(task(CRON), terms)],
    ['rest-task.txt', 'record list', [recordInfo(RUN, dates)]],
    ['rest-task.txt', 'record', taskRecord(task(CRON), recordInfo(RUN, dates))],
    ['rest-task.txt', 'record overview', overviewOf(RUN)],
    ['rest-task.txt', 'page', pageFrom(pageRequest({}), [taskInfo(task(CRON), terms)])],
    ['rest-cluster.txt', 'list', [clusterInfo(FAR, dates)]],
    ['rest-task.txt', 'record detail list', [{ ...recordDetail(file, 'here', 'FULL', dates), pathConstraint: null }]],
  ] as const) {
    assert.deepEqual(fieldsOf(ours), fieldsOf(captured(name, title)), title);
  }
  const { objects } = taskDetail(task(CRON), terms);
  assert.deepEqual(objects, (captured('rest-task.txt', 'detail') as { readonly objects: unknown }).objects);
});

test('Pages begin at 1 and end at 1,000 entries', () => {
  assert.deepEqual(pageRequest({}), { pageNumber: 1, pageSize: 20, skip: 0 });
  assert.deepEqual(pageRequest({ pageNumber: 0, pageSize: 5_000 }), { pageNumber: 1, pageSize: 1_000, skip: 0 });
  assert.deepEqual(pageRequest({ pageNumber: 3, pageSize: 7 }), { pageNumber: 3, pageSize: 7, skip: 14 });
  assert.ok(Number.isSafeInteger(pageRequest({ pageNumber: Number.MAX_SAFE_INTEGER, pageSize: 1_000 }).skip));
  assert.deepEqual(
    complaintsOf(() => pageRequest({ pageSize: 0 })),
    ['parameterInvalid pageSize'],
  );
  const page = pageFrom(pageRequest({ pageNumber: 2, pageSize: 2 }), [1, 2, 3]);
  assert.deepEqual(page, {
    pageNumber: 2,
    pageSize: 2,
    totalRecords: 3,
    totalPages: 2,
    records: [3],
    count: 3,
    page: 2,
  });
});

test('What the server refuses is told by field and bound, but never a url', () => {
  const errors = [
    { field: 'spec.recordReserveDays', message: 'Invalid value: 99: must be at most 60' },
    { field: 'spec.url', message: 'Invalid value: "http://me:secret@h": must not carry a user or password' },
  ];
  const { complaints } = refused(errors);
  assert.deepEqual(
    complaints.map(({ subject, detail }) => [subject, detail]),
    [
      ['recordReserveDays', 'Invalid value: 99: must be at most 60'],
      ['url', 'must not carry a user or password'],
    ],
  );
  assert.deepEqual(
    complaintsOf(() => task({ ...CRON, recordReserveDays: 99 })),
    ['contentInvalid recordReserveDays'],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RETRY_REQUESTED_ANNOTATION, RUN_REQUESTED_ANNOTATION, SUSPENDED_ANNOTATION } from '../../../src/api/names.ts';
import { type DueFacts, dueRun, isTimePast, type PastRun } from '../../../src/domain/due.ts';
import type { SideResult } from '../../../src/domain/run-verdict.ts';
import { specHash } from '../../../src/domain/spec-hash.ts';
import type { Timetable } from '../../../src/domain/timetable.ts';
import { sampleTask } from './task-samples.ts';

const { spec } = sampleTask();
const HASH = 'h1';
const NOW = Date.parse('2026-11-22T12:00:00Z');
const HOUR = 3_600_000;
const facts: DueFacts = {
  uid: 'uid',
  spec,
  specHash: HASH,
  annotations: {},
  status: {},
  timetable: { kind: 'none', immediately: true },
  tick: undefined,
  now: NOW,
  runs: [],
};
const past: PastRun = {
  id: 'r1',
  taskUid: 'uid',
  specHash: HASH,
  status: 'SUCCESS',
  trigger: 'one-shot',
  claim: `one-shot:${HASH}`,
  keepDetails: true,
  farSides: [],
};
const brokenOff = (reason: string, fields: Partial<PastRun> = {}): PastRun => ({
  ...past,
  status: 'ABORTED',
  errorReason: `${reason}: …`,
  ...fields,
});

const onRequest: Timetable = { kind: 'none', immediately: false };
const ticks = { next: () => undefined, newest: () => undefined, count: () => 0 };
const cron: Timetable = { kind: 'cron', immediately: false, ticks, deadlineMs: HOUR };
const nowAndCron: Timetable = { ...cron, immediately: true };
const at = (instant: number): Timetable => ({ kind: 'at', at: instant, deadlineMs: HOUR });
const tick = Date.parse('2026-11-22T11:59:00Z');

function side(tally: Partial<SideResult['tally']>, error?: SideResult['error']): SideResult {
  const none = {
    success: 0,
    unchanged: 0,
    conflict: 0,
    failed: 0,
    notTried: 0,
    quarantined: 0,
    totalBytes: 0,
    sentBytes: 0,
  };
  const common = { clusterId: 'e', clusterName: 'east', tally: { ...none, ...tally }, examples: [] };
  return error === undefined ? common : { ...common, error };
}
const failed: PastRun = { ...past, status: 'FAILED', farSides: [side({ failed: 2 })] };
const asked = (annotation: string): Pick<DueFacts, 'annotations'> => ({ annotations: { [annotation]: 'now' } });
const request = asked(RUN_REQUESTED_ANNOTATION);
const retry = asked(RETRY_REQUESTED_ANNOTATION);

const cases: readonly (readonly [what: string, facts: Partial<DueFacts>, claim: string | undefined])[] = [
  ['a new task', {}, 'one-shot:h1'],
  ['a task that ran', { runs: [past] }, undefined],
  ['a task whose run failed', { runs: [failed] }, undefined],
  ['a task whose run was cancelled', { runs: [brokenOff('Cancelled')] }, undefined],
  [
    'a task whose run was broken off by an edit that was taken back',
    { runs: [brokenOff('SpecChanged')] },
    'restart:r1',
  ],
  ['a task whose run was broken off by a suspension', { runs: [brokenOff('Suspended')] }, 'one-shot:h1:after:r1'],
  ['an edited task', { runs: [{ ...past, specHash: 'h0' }] }, 'one-shot:h1:after:r1'],
  ['a task edited back', { runs: [{ ...past, id: 'r2', specHash: 'h0' }, past] }, 'one-shot:h1:after:r2'],
  ['a re-created task that succeeded before', { uid: 'new', runs: [past] }, undefined],
  ['a re-created task that failed before', { uid: 'new', runs: [failed] }, 'one-shot:h1:after:r1'],
  ['a disabled task', { spec: { ...spec, enabled: false } }, undefined],
  ['a suspended task', { annotations: { [SUSPENDED_ANNOTATION]: '' } }, undefined],
  ['a task with suspension "false"', { annotations: { [SUSPENDED_ANNOTATION]: 'false' } }, 'one-shot:h1'],

  ['a request', { runs: [past], ...request }, 'request:now'],
  ['a request that was answered', { runs: [past], ...request, status: { lastHandledRunRequest: 'now' } }, undefined],
  [
    'a request of a suspended task',
    { annotations: { ...request.annotations, [SUSPENDED_ANNOTATION]: 'true' } },
    undefined,
  ],
  ['a request before the first run', request, 'request:now'],
  ['a request at a time of the cron', { ...request, timetable: cron, tick }, 'request:now'],

  ['a retry after a failed run', { runs: [failed], ...retry }, 'retry:now'],
  ['a retry after a run that succeeded', { runs: [past], ...retry }, undefined],
  ['a retry after a run that was cancelled', { runs: [brokenOff('Cancelled')], ...retry }, 'retry:now'],
  ['a retry of a new task', retry, 'one-shot:h1'],
  ['a retry that was answered', { runs: [failed], ...retry, status: { lastHandledRetryRequest: 'now' } }, undefined],

  ['a task on request only', { timetable: onRequest }, undefined],
  ['a new task with a cron', { timetable: cron }, undefined],
  ['a time of a cron', { timetable: cron, tick, runs: [past] }, 'tick:2026-11-22T11:59:00Z'],
  [
    'a time of a cron after a cancelled run',
    { timetable: cron, tick, runs: [brokenOff('Cancelled')] },
    'tick:2026-11-22T11:59:00Z',
  ],
  ['a new task that runs now and by a cron', { timetable: nowAndCron }, 'one-shot:h1'],
  ['a task that ran now and by a cron', { timetable: nowAndCron, runs: [{ ...failed, trigger: 'tick' }] }, undefined],
  [
    'a task now and by a cron, of which a suspension broke off a time of the cron',
    { timetable: nowAndCron, runs: [brokenOff('Suspended', { id: 'r2', trigger: 'tick' }), past] },
    undefined,
  ],
  ['an edited task with a cron', { timetable: cron, runs: [{ ...past, specHash: 'h0' }] }, undefined],
  [
    'a run by a cron that an edit broke off',
    { timetable: cron, runs: [brokenOff('SpecChanged', { specHash: 'h0', trigger: 'tick' })] },
    'restart:r1',
  ],
  [
    'a task with a cron that followed its source before',
    { timetable: cron, runs: [brokenOff('SpecChanged', { specHash: 'h0', trigger: 'backfill' })] },
    undefined,
  ],
  [
    'a run by a cron that an edit broke off, of a task that is disabled now',
    { timetable: cron, spec: { enabled: false }, runs: [brokenOff('SpecChanged', { trigger: 'tick' })] },
    undefined,
  ],
  [
    'a run that was broken off by an edit of a task of that name that is gone',
    { timetable: cron, uid: 'new', runs: [brokenOff('SpecChanged', { trigger: 'tick' })] },
    undefined,
  ],
  [
    'a run that followed an edit and was cancelled',
    {
      timetable: cron,
      runs: [brokenOff('Cancelled', { id: 'r2', claim: 'restart:r1' }), brokenOff('SpecChanged', { specHash: 'h0' })],
    },
    undefined,
  ],
  ['a run by a cron that a suspension broke off', { timetable: cron, runs: [brokenOff('Suspended')] }, undefined],

  ['a time that has not come', { timetable: at(NOW + 1) }, undefined],
  ['a time that comes', { timetable: at(NOW) }, 'one-shot:h1'],
  ['a time at the edge of its deadline', { timetable: at(NOW - HOUR) }, 'one-shot:h1'],
  ['a time behind its deadline', { timetable: at(NOW - HOUR - 1) }, undefined],
  ['a time that had its run', { timetable: at(NOW - 1), runs: [failed] }, undefined],
  [
    'a time before which a run was asked for',
    { timetable: at(NOW), runs: [{ ...past, trigger: 'request' }] },
    'one-shot:h1',
  ],
  [
    'a time whose run failed under another uid',
    { uid: 'new', timetable: at(NOW), runs: [failed] },
    'one-shot:h1:after:r1',
  ],
  [
    'a time whose run a suspension broke off',
    { timetable: at(NOW - 2 * HOUR), runs: [brokenOff('Suspended')] },
    'one-shot:h1:after:r1',
  ],
  ['a time that had its run under another uid', { uid: 'new', timetable: at(NOW - 1), runs: [past] }, undefined],
  [
    'a time that an edit of the running task put off',
    { timetable: at(NOW + HOUR), runs: [brokenOff('SpecChanged', { specHash: 'h0' })] },
    undefined,
  ],
  [
    'a run on request that an edit broke off before the time',
    { timetable: at(NOW + HOUR), runs: [brokenOff('SpecChanged', { specHash: 'h0', trigger: 'request' })] },
    'restart:r1',
  ],
];
for (const [what, given, claim] of cases) {
  test(`${what} is ${claim === undefined ? 'not due' : `due under ${claim}`}`, () => {
    assert.equal(dueRun({ ...facts, ...given })?.claim, claim);
  });
}

test('a run that follows an edit has the trigger of the one that was broken off', () => {
  for (const trigger of ['tick', 'request', 'retry'] as const)
    assert.equal(dueRun({ ...facts, runs: [brokenOff('SpecChanged', { trigger })] })?.trigger, trigger);
});

const retries: readonly (readonly [
  what: string,
  runs: readonly PastRun[],
  retryOf: string | undefined,
  why: RegExp,
])[] = [
  ['failed artifacts', [failed], 'r1', /^$/],
  ['artifacts that were not tried', [{ ...past, status: 'FAILED', farSides: [side({ notTried: 1 })] }], 'r1', /^$/],
  ['a retry that failed again', [{ ...failed, id: 'r2', retryOf: 'r1' } as PastRun, failed], 'r2', /^$/],
  ['a run that was broken off', [brokenOff('Cancelled'), failed], undefined, /^run r1, the last one, was broken off: /],
  ['a run of another spec', [{ ...failed, specHash: 'h0' }], undefined, /was of another spec: everything/],
  ['a run without details', [{ ...failed, keepDetails: false }], undefined, /kept no records .*record: false/],
  ['a run whose details were too old', [{ ...failed, detailsGone: true }], undefined, /is so old that/],
  [
    'a far side given up before anything was known',
    [{ ...past, status: 'FAILED', farSides: [side({ failed: 1 }), side({}, { reason: 'Unauthorized', message: '' })] }],
    undefined,
    /could not tell which artifacts it owes east/,
  ],
  [
    'a source that broke off',
    [{ ...past, status: 'FAILED', farSides: [side({ failed: 1 }, { reason: 'SourceUnavailable', message: '' })] }],
    undefined,
    /could not tell/,
  ],
];
for (const [what, runs, retryOf, why] of retries) {
  test(`a retry after ${what} is ${retryOf === undefined ? 'a whole run that says why' : `one of ${retryOf} alone`}`, () => {
    const due = dueRun({ ...facts, ...retry, runs });
    assert.equal(due?.trigger, 'retry');
    assert.equal(due.retryOf, retryOf);
    assert.match(due.why ?? '', why);
  });
}

test('a long request value stands in its claim as a digest', () => {
  const due = dueRun({ ...facts, annotations: { [RUN_REQUESTED_ANNOTATION]: 'x'.repeat(5_000) } });
  assert.match(due?.claim ?? '', /^request:[0-9a-f]{64}$/);
});

const times: readonly (readonly [what: string, facts: Partial<DueFacts>, isPast: boolean])[] = [
  ['a time at the edge of its deadline', { timetable: at(NOW - HOUR) }, false],
  ['a time behind its deadline', { timetable: at(NOW - HOUR - 1) }, true],
  ['a past time whose run failed', { timetable: at(NOW - 2 * HOUR), runs: [failed] }, false],
  [
    'a past time that was made up for on request',
    { timetable: at(NOW - 2 * HOUR), runs: [{ ...past, trigger: 'request' }] },
    false,
  ],
  [
    'a past time whose run was of another spec',
    { timetable: at(NOW - 2 * HOUR), runs: [{ ...past, specHash: 'h0' }] },
    true,
  ],
  ['a past time that failed under another uid', { timetable: at(NOW - 2 * HOUR), uid: 'new', runs: [failed] }, true],
  ['a cron', { timetable: cron }, false],
];
for (const [what, given, isPast] of times) {
  test(`${what} ${isPast ? 'was left to pass' : 'is no time left to pass'}`, () => {
    assert.equal(isTimePast({ ...facts, ...given }), isPast);
  });
}

const plan = (executionPlan: object): object => ({ setting: { executionPlan } });
const cronPlan = plan({ cronExpression: '0 2 * * *' });
const edits: readonly (readonly [what: string, before: object, after: object, moves: boolean])[] = [
  ['description', {}, { description: 'other' }, false],
  ['name', {}, { name: 'other' }, false],
  ['enabled', {}, { enabled: false }, false],
  ['record keeping', {}, { record: false, recordReserveDays: 7 }, false],
  ['the order of clusters', {}, { remoteClusterIds: ['west', 'east'] }, false],
  ['a cluster', {}, { remoteClusterIds: ['east'] }, true],
  ['the project', {}, { localProjectId: 'other' }, true],
  ['an object', {}, { replicaTaskObjects: [{ localRepoName: 'other', repoType: 'GENERIC' }] }, true],
  ['a setting', {}, { setting: { includeMetadata: false } }, true],
  ['the conflict strategy', {}, { setting: { conflictStrategy: 'OVERWRITE' } }, true],
  ['a cron', {}, cronPlan, false],
  ['the expression of a cron', cronPlan, plan({ cronExpression: '0 3 * * *' }), false],
  ['the zone of a cron', cronPlan, plan({ cronExpression: '0 2 * * *', timeZone: 'Asia/Shanghai' }), false],
  ['the starting deadline', cronPlan, plan({ cronExpression: '0 2 * * *', startingDeadlineSeconds: 60 }), false],
  ['immediately', {}, plan({ executeImmediately: false }), false],
  ['the strategy that names the plan', {}, { setting: { executionStrategy: 'IMMEDIATELY' } }, false],
  [
    'the time of a single run',
    plan({ executeTime: '2026-12-01T02:00:00Z' }),
    plan({ executeTime: '2026-12-01T03:00:00Z' }),
    true,
  ],
  [
    'how a time is written',
    plan({ executeTime: '2026-12-01T02:00:00Z' }),
    plan({ executeTime: '2026-12-01T10:00:00+08:00' }),
    false,
  ],
  [
    'the zone of a local time',
    plan({ executeTime: '2026-12-01T02:00:00', timeZone: 'Asia/Shanghai' }),
    plan({ executeTime: '2026-12-01T02:00:00', timeZone: 'Europe/Paris' }),
    true,
  ],
];
for (const [what, before, after, moves] of edits) {
  test(`an edit of ${what} ${moves ? 'is run-relevant' : 'lets a run go on'}`, () => {
    const remoteClusterIds = ['east', 'west'];
    const hashes = [before, after].map((part) => specHash(sampleTask({ remoteClusterIds, ...part }).spec));
    assert.equal(hashes[0] !== hashes[1], moves);
  });
}

test('a field that a later version adds with a default that says no changes no hash', () => {
  const later = { ...spec, setting: { ...spec.setting, somethingNew: false, limit: 0 } };
  assert.equal(specHash(later), specHash(spec));
});

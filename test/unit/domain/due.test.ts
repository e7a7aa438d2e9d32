import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RETRY_REQUESTED_ANNOTATION, RUN_REQUESTED_ANNOTATION, SUSPENDED_ANNOTATION } from '../../../src/api/names.ts';
import { type DueFacts, dueRun, type PastRun, runsImmediately } from '../../../src/domain/due.ts';
import { specHash } from '../../../src/domain/spec-hash.ts';
import { sampleTask } from './task-samples.ts';

const { spec } = sampleTask();
const HASH = 'h1';
const facts: DueFacts = { uid: 'uid', spec, specHash: HASH, annotations: {}, status: {}, runs: [] };
const past: PastRun = { id: 'r1', taskUid: 'uid', specHash: HASH, status: 'SUCCESS', claim: `one-shot:${HASH}` };

const cases: readonly (readonly [what: string, facts: Partial<DueFacts>, claim: string | undefined])[] = [
  ['a new task', {}, 'one-shot:h1'],
  ['a task that ran', { runs: [past] }, undefined],
  ['a task whose run failed', { runs: [{ ...past, status: 'FAILED' }] }, undefined],
  [
    'a task whose run was cancelled',
    { runs: [{ ...past, status: 'ABORTED', errorReason: 'Cancelled: …' }] },
    undefined,
  ],
  [
    'a task whose run was broken off by an edit that was taken back',
    { runs: [{ ...past, status: 'ABORTED', errorReason: 'SpecChanged: …' }] },
    'one-shot:h1:after:r1',
  ],
  [
    'a task whose run was broken off by a suspension',
    { runs: [{ ...past, status: 'ABORTED', errorReason: 'Suspended: …' }] },
    'one-shot:h1:after:r1',
  ],
  ['an edited task', { runs: [{ ...past, specHash: 'h0' }] }, 'one-shot:h1:after:r1'],
  ['a task edited back', { runs: [{ ...past, id: 'r2', specHash: 'h0' }, past] }, 'one-shot:h1:after:r2'],
  ['a re-created task that succeeded before', { uid: 'new', runs: [past] }, undefined],
  [
    'a re-created task that failed before',
    { uid: 'new', runs: [{ ...past, status: 'FAILED' }] },
    'one-shot:h1:after:r1',
  ],
  ['a disabled task', { spec: { ...spec, enabled: false } }, undefined],
  ['a suspended task', { annotations: { [SUSPENDED_ANNOTATION]: '' } }, undefined],
  ['a task with suspension "false"', { annotations: { [SUSPENDED_ANNOTATION]: 'false' } }, 'one-shot:h1'],
  ['a request', { runs: [past], annotations: { [RUN_REQUESTED_ANNOTATION]: 'now' } }, 'request:now'],
  [
    'a request that was answered',
    { runs: [past], annotations: { [RUN_REQUESTED_ANNOTATION]: 'now' }, status: { lastHandledRunRequest: 'now' } },
    undefined,
  ],
  ['a retry', { runs: [past], annotations: { [RETRY_REQUESTED_ANNOTATION]: 'now' } }, 'retry:now'],
  [
    'a request of a suspended task',
    { annotations: { [RUN_REQUESTED_ANNOTATION]: 'now', [SUSPENDED_ANNOTATION]: 'true' } },
    undefined,
  ],
  ['a request before the first run', { annotations: { [RUN_REQUESTED_ANNOTATION]: 'now' } }, 'request:now'],
];
for (const [what, given, claim] of cases) {
  test(`${what} is ${claim === undefined ? 'not due' : `due under ${claim}`}`, () => {
    assert.equal(dueRun({ ...facts, ...given })?.claim, claim);
  });
}

test('a long request value stands in its claim as a digest', () => {
  const due = dueRun({ ...facts, annotations: { [RUN_REQUESTED_ANNOTATION]: 'x'.repeat(5_000) } });
  assert.match(due?.claim ?? '', /^request:[0-9a-f]{64}$/);
});

const plans: readonly (readonly [plan: object | undefined, immediately: boolean])[] = [
  [undefined, true],
  [{}, true],
  [{ executeImmediately: false }, false],
  [{ cronExpression: '0 2 * * *' }, false],
  [{ executeTime: '2030-01-01T00:00:00Z' }, false],
  [{ cronExpression: '0 2 * * *', executeImmediately: true }, true],
];
for (const [executionPlan, immediately] of plans) {
  test(`executionPlan ${JSON.stringify(executionPlan)} ${immediately ? 'runs' : 'does not run'} immediately`, () => {
    assert.equal(
      runsImmediately(sampleTask({ setting: executionPlan === undefined ? {} : { executionPlan } }).spec),
      immediately,
    );
  });
}

const edits: readonly (readonly [what: string, spec: object, moves: boolean])[] = [
  ['description', { description: 'other' }, false],
  ['name', { name: 'other' }, false],
  ['enabled', { enabled: false }, false],
  ['the order of clusters', { remoteClusterIds: ['west', 'east'] }, false],
  ['a cluster', { remoteClusterIds: ['east'] }, true],
  ['the project', { localProjectId: 'other' }, true],
  ['an object', { replicaTaskObjects: [{ localRepoName: 'other', repoType: 'GENERIC' }] }, true],
  ['a setting', { setting: { includeMetadata: false } }, true],
  ['the conflict strategy', { setting: { conflictStrategy: 'OVERWRITE' } }, true],
];
for (const [what, edit, moves] of edits) {
  test(`an edit of ${what} ${moves ? 'makes a one-shot task due again' : 'does not'}`, () => {
    const before = sampleTask({ remoteClusterIds: ['east', 'west'] }).spec;
    const after = sampleTask({ remoteClusterIds: ['east', 'west'], ...edit }).spec;
    assert.equal(specHash(before) !== specHash(after), moves);
  });
}

test('a field that a later version adds with a default that says no changes no hash', () => {
  const later = { ...spec, setting: { ...spec.setting, somethingNew: false, limit: 0 } };
  assert.equal(specHash(later), specHash(spec));
});

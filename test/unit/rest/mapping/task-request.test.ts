import assert from 'node:assert/strict';
import { test } from 'node:test';

import { taskDraft } from '../../../../src/rest/mapping/task-request.ts';
import { complaintsOf, createBody, FAR_ID, terms } from './samples.ts';

const OBJECT = { localRepoName: 'gen', remoteProjectId: 'rp1', remoteRepoName: 'gen', repoType: 'GENERIC' };

function withObjects(type: string | null, ...objects: object[]): Readonly<Record<string, unknown>> {
  return { replicaObjectType: type, replicaTaskObjects: objects.map((object) => ({ ...OBJECT, ...object })) };
}

function withPlan(executionStrategy: string | null, executionPlan: object | null): Readonly<Record<string, unknown>> {
  return { setting: { executionStrategy, executionPlan } };
}

const PACKAGES = { packageConstraints: [{ packageKey: 'npm://a' }] };
const PATHS = { pathConstraints: [{ path: '/a' }] };

const refusals: readonly (readonly [string, Readonly<Record<string, unknown>>, ...string[]])[] = [
  // As captured of a real server.
  ['replicaTaskObjects empty', { replicaTaskObjects: [] }, 'parameterEmpty replicaTaskObjects'],
  ['remoteClusterIds empty', { remoteClusterIds: [] }, 'parameterEmpty remoteClusterIds'],
  ['bad cron', withPlan('CRON_EXPRESSION', { cronExpression: 'bad cron' }), 'parameterInvalid cronExpression'],
  ['cron missing', withPlan('CRON_EXPRESSION', { executeImmediately: false }), 'parameterMissing cronExpression'],
  [
    'time in the past',
    withPlan('SPECIFIED_TIME', { executeTime: '2020-01-01T00:00:00' }),
    'parameterInvalid executeTime',
  ],
  [
    'time unparsable',
    withPlan('SPECIFIED_TIME', { executeTime: 'tomorrow' }),
    'contentInvalid setting.executionPlan.executeTime',
  ],
  ['name of one letter', { name: 'x' }, 'parameterInvalid name'],
  ['REPOSITORY with constraints', withObjects('REPOSITORY', PATHS), 'contentInvalid replicaTaskObjects[0]'],
  ['PATH without constraints', withObjects('PATH', {}), 'parameterMissing pathConstraints'],
  // By the code of the present and the first generation.
  ['blank name', { name: ' ' }, 'parameterEmpty name'],
  ['empty project', { localProjectId: '' }, 'parameterEmpty localProjectId'],
  ['name too long', { name: 'n'.repeat(257) }, 'parameterInvalid name'],
  ['name with a line break', { name: 'a\nb' }, 'parameterInvalid name'],
  ['name with half a character', { name: 'ab\ud800' }, 'parameterInvalid name'],
  ['PATH with an empty list', withObjects('PATH', { pathConstraints: [] }), 'parameterEmpty pathConstraints'],
  ['PACKAGE without constraints', withObjects('PACKAGE', {}), 'parameterMissing packageConstraints'],
  ['several PACKAGE objects', withObjects('PACKAGE', PACKAGES, PACKAGES), 'contentInvalid replicaTaskObjects'],
  ['several objects, the second by paths', withObjects(null, {}, PATHS), 'contentInvalid replicaTaskObjects'],
  ['packages and paths', withObjects(null, { ...PACKAGES, ...PATHS }), 'parameterInvalid Constraints'],
  ['blank key', withObjects('PACKAGE', { packageConstraints: [{ packageKey: ' ' }] }), 'parameterEmpty packageKey'],
  ['no key', withObjects('PACKAGE', { packageConstraints: [{}] }), 'parameterMissing packageKey'],
  [
    'blank version',
    withObjects('PACKAGE', { packageConstraints: [{ packageKey: 'npm://a', versions: ['1', ' '] }] }),
    'parameterEmpty versions',
  ],
  [
    'no versions at all',
    withObjects('PACKAGE', { packageConstraints: [{ packageKey: 'npm://a', versions: [] }] }),
    'parameterEmpty versions',
  ],
  ['no path', withObjects('PATH', { pathConstraints: [{}] }), 'parameterMissing path'],
  ['zero byte', withObjects('PATH', { pathConstraints: [{ path: '/a\0b' }] }), 'pathInvalid /a\0b'],
  ['half a character', withObjects('PATH', { pathConstraints: [{ path: '/a\ud800' }] }), 'pathInvalid /a\ud800'],
  ['early star', withObjects('PATH', { pathConstraints: [{ path: '/*/b' }] }), 'pathInvalid /*/b'],
  [
    'deep path',
    withObjects('PATH', { pathConstraints: [{ path: '/a'.repeat(65) }] }),
    `pathInvalid ${'/a'.repeat(65)}`,
  ],
  ...['RUN_ONCE', 'EDGE_PULL', 'FEDERATION'].map(
    (replicaType) => [replicaType, { replicaType }, 'parameterInvalid replicaType'] as const,
  ),
  [
    'IMMEDIATELY, but not',
    withPlan('IMMEDIATELY', { executeImmediately: false }),
    'parameterInvalid executeImmediately',
  ],
  ['SPECIFIED_TIME without', withPlan('SPECIFIED_TIME', null), 'parameterMissing executeTime'],
  ['SPECIFIED_TIME, empty', withPlan('SPECIFIED_TIME', { executeTime: '' }), 'parameterMissing executeTime'],
  ['cron empty', withPlan('CRON_EXPRESSION', { cronExpression: '' }), 'parameterEmpty cronExpression'],
  ['expressly not, and nothing else', withPlan(null, { executeImmediately: false }), 'parameterMissing cronExpression'],
  ['now is not in the future', withPlan(null, { executeTime: '2026-11-22T20:00:00' }), 'parameterInvalid executeTime'],
  // What would copy too much if it were ignored.
  ['sourceFilter', withObjects('REPOSITORY', { sourceFilter: ['a'] }), 'parameterInvalid sourceFilter'],
  ...['targetVersions', 'packageRegex', 'versionRegex'].map(
    (field) =>
      [
        field,
        withObjects('PACKAGE', { packageConstraints: [{ packageKey: 'npm://a', [field]: ['a.*'] }] }),
        `parameterInvalid ${field}`,
      ] as const,
  ),
  [
    'pathRegex and deletedDate',
    withObjects('PATH', { pathConstraints: [{ path: '/a', pathRegex: ['a'], deletedDate: '2026-01-01T00:00:00' }] }),
    'parameterInvalid pathRegex',
    'parameterInvalid deletedDate',
  ],
  // All of it, in the order of checks.
  [
    'everything at once',
    {
      name: '',
      localProjectId: ' ',
      replicaTaskObjects: [],
      remoteClusterIds: [],
      replicaType: 'RUN_ONCE',
      setting: { executionStrategy: 'CRON_EXPRESSION', executionPlan: { executeTime: 'x', cronExpression: '*' } },
    },
    'contentInvalid setting.executionPlan.executeTime',
    'parameterEmpty name',
    'parameterEmpty localProjectId',
    'parameterEmpty replicaTaskObjects',
    'parameterEmpty remoteClusterIds',
    'parameterInvalid replicaType',
    'parameterInvalid cronExpression',
  ],
];

for (const [what, changes, ...expected] of refusals) {
  test(`A new task is refused: ${what}`, () => {
    assert.deepEqual(
      complaintsOf(() => taskDraft(createBody(changes), terms)),
      expected,
    );
  });
}

test('Why a cron expression is refused is told', () => {
  assert.throws(() => taskDraft(createBody(withPlan('CRON_EXPRESSION', { cronExpression: '0 0 25 * * ?' })), terms), {
    message: /cronExpression .*25 is more than 23/,
  });
});

const plans: readonly (readonly [string, string | null, object | null, object])[] = [
  ['no plan', null, null, {}],
  ['immediately', null, { executeImmediately: true }, { executionPlan: { executeImmediately: true } }],
  [
    'a cron of seven fields',
    null,
    { cronExpression: '0 0 3 * * ? *' },
    { executionPlan: { cronExpression: '0 0 3 * * ? *' } },
  ],
  ['a cron of five fields', null, { cronExpression: '0 3 * * *' }, { executionPlan: { cronExpression: '0 3 * * *' } }],
  [
    'a time before a cron',
    null,
    { executeImmediately: false, executeTime: '2026-11-23T01:02:03.5', cronExpression: '0 3 * * *' },
    { executionPlan: { executeTime: '2026-11-23T01:02:03.5+08:00' } },
  ],
  [
    'immediately before a cron',
    null,
    { executeImmediately: true, cronExpression: 'x' },
    { executionPlan: { executeImmediately: true } },
  ],
  ['a strategy alone', 'IMMEDIATELY', null, { executionStrategy: 'IMMEDIATELY' }],
  ['a cron that the strategy drops', 'IMMEDIATELY', { cronExpression: 'x' }, { executionStrategy: 'IMMEDIATELY' }],
  [
    'immediately that the strategy drops',
    'CRON_EXPRESSION',
    { executeImmediately: true, cronExpression: '0 3 * * *' },
    { executionStrategy: 'CRON_EXPRESSION', executionPlan: { cronExpression: '0 3 * * *' } },
  ],
  [
    'a time by strategy',
    'SPECIFIED_TIME',
    { executeImmediately: true, executeTime: '2027-01-01T00:00', cronExpression: 'x' },
    { executionStrategy: 'SPECIFIED_TIME', executionPlan: { executeTime: '2027-01-01T00:00:00+08:00' } },
  ],
  ['empty texts', null, { executeTime: '', cronExpression: '' }, {}],
];
for (const [what, strategy, plan, expected] of plans) {
  test(`Of a plan only what counts is written: ${what}`, () => {
    assert.deepEqual(taskDraft(createBody(withPlan(strategy, plan)), terms).setting, expected);
  });
}

test('Nothing is written that the body does not say', () => {
  const body = {
    name: 'rt',
    localProjectId: 'p1',
    replicaTaskObjects: [{ localRepoName: 'gen', repoType: 'GENERIC' as const }],
    setting: {},
    remoteClusterIds: [FAR_ID, FAR_ID],
  };
  assert.deepEqual(taskDraft(body, terms), { ...body, remoteClusterIds: [FAR_ID] });
});

test('A task that follows changes has no plan', () => {
  const draft = taskDraft(createBody({ replicaType: 'REAL_TIME' }), terms);
  assert.deepEqual([draft.replicaType, draft.setting], ['REAL_TIME', {}]);
});

test('A rate below zero is unlimited, and paths are normalised', () => {
  const objects = withObjects('PATH', { pathConstraints: [{ path: ' a\\b//./c/../ d /*' }, { path: '' }] });
  const draft = taskDraft(createBody({ ...objects, setting: { rateLimit: -5 } }), terms);
  assert.deepEqual(draft.setting, { rateLimit: 0 });
  assert.deepEqual(draft.replicaTaskObjects?.[0]?.pathConstraints, [{ path: '/a/b/d/*' }, { path: '/' }]);
});

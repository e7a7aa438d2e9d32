import assert from 'node:assert/strict';
import { test } from 'node:test';
import { updatedOldTask } from '../../../../src/rest/mapping/old-task-update.ts';
import { taskDraft } from '../../../../src/rest/mapping/task-request.ts';
import type { OldTaskUpdateBody } from '../../../../src/rest/schemas/task-bodies.ts';
import { complaintsOf, createBody, FAR, FAR_ID, task, terms } from './samples.ts';

const CRON = taskDraft(createBody(), terms);

const OLD: OldTaskUpdateBody = {
  name: 'renamed',
  taskKey: 'k',
  setting: { conflictStrategy: 'OVERWRITE', executionPlan: { cronExpression: '0 0 4 * * ?' } },
  replicationInfo: [
    {
      remoteClusterName: ['far'],
      repoInfo: [
        {
          localRepoName: 'gen',
          type: 'NPM',
          packageInfo: [
            { name: 'a', packageKey: 'npm://a', version: '1' },
            { name: 'a', packageKey: 'npm://a', version: '2' },
          ],
        },
      ],
    },
  ],
};

test('A far side of another namespace is not meant', () => {
  const elsewhere = { ...FAR, metadata: { ...FAR.metadata, namespace: 'elsewhere' } };
  assert.deepEqual(
    complaintsOf(() => updatedOldTask(OLD, task(CRON), [elsewhere], terms)),
    ['clusterNotFound far'],
  );
});

test('An update of the old generation groups versions, and keeps where the repository goes', () => {
  const spec = task(updatedOldTask(OLD, task({ ...CRON, description: 'd' }), [FAR], terms)).spec;
  assert.deepEqual(spec.replicaTaskObjects, [
    {
      localRepoName: 'gen',
      remoteProjectId: 'rp1',
      remoteRepoName: 'gen',
      repoType: 'NPM',
      packageConstraints: [{ packageKey: 'npm://a', versions: ['1', '2'] }],
    },
  ]);
  assert.deepEqual(
    [
      spec.name,
      spec.description,
      spec.replicaObjectType,
      spec.remoteClusterIds,
      spec.setting.conflictStrategy,
      spec.setting.executionPlan,
    ],
    ['renamed', undefined, 'PACKAGE', [FAR_ID], 'OVERWRITE', { cronExpression: '0 0 4 * * ?' }],
  );
});

for (const [what, changes, ...expected] of [
  [
    'an unknown far side',
    { replicationInfo: [{ remoteClusterName: ['nope'], repoInfo: OLD.replicationInfo[0]?.repoInfo ?? [] }] },
    'clusterNotFound nope',
  ],
  [
    'different things at different far sides',
    { replicationInfo: [...OLD.replicationInfo, { remoteClusterName: ['far'], repoInfo: [] }] },
    'parameterInvalid replicationInfo',
  ],
  [
    'nothing',
    { name: '', replicationInfo: [] },
    'parameterEmpty name',
    'parameterEmpty replicationInfo',
    'parameterEmpty remoteClusterName',
  ],
] as const) {
  test(`An update of the old generation is refused: ${what}`, () => {
    assert.deepEqual(
      complaintsOf(() => updatedOldTask({ ...OLD, ...changes }, task(CRON), [FAR], terms)),
      expected,
    );
  });
}

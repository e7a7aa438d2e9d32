import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { taskDraft } from '../../../../src/rest/mapping/task-request.ts';
import {
  CLUSTER_CREATE_BODY,
  CLUSTER_UPDATE_BODY,
  TRY_CONNECT_BODY,
} from '../../../../src/rest/schemas/cluster-body-schemas.ts';
import {
  CLUSTER_LIST_QUERY,
  CLUSTER_PAGE_QUERY,
  DETAIL_PAGE_QUERY,
  ID_PARAMS,
  KEY_PARAMS,
  NAME_QUERY,
  OPTIONAL_NAME_QUERY,
  PAGE_QUERY,
  PROJECT_PARAMS,
  RECORD_ID_PARAMS,
  RECORD_PAGE_QUERY,
  TASK_PAGE_QUERY,
} from '../../../../src/rest/schemas/queries.ts';
import type { OldTaskUpdateBody, TaskCreateBody } from '../../../../src/rest/schemas/task-bodies.ts';
import {
  CONNECT_TEST_BODY,
  TASK_COPY_BODY,
  TASK_CREATE_BODY,
  TASK_UPDATE_BODY,
} from '../../../../src/rest/schemas/task-body-schemas.ts';
import { validatorCompiler } from '../../../../src/rest/server/validation.ts';
import { createBody, task, terms } from './samples.ts';

const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });

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

test('Examples of bodies are valid, and are taken', () => {
  for (const schema of [
    TASK_CREATE_BODY,
    TASK_COPY_BODY,
    CONNECT_TEST_BODY,
    CLUSTER_CREATE_BODY,
    CLUSTER_UPDATE_BODY,
    TRY_CONNECT_BODY,
  ]) {
    const examples = schema['examples'] as readonly unknown[];
    assert.ok(examples.length > 0);
    for (const example of examples) assert.ok(ajv.validate(schema, example), ajv.errorsText());
  }
  for (const example of TASK_CREATE_BODY['examples'] as readonly TaskCreateBody[]) task(taskDraft(example, terms));
});

const compile = validatorCompiler();
for (const [what, schema, body, field] of [
  ['a task without name', TASK_CREATE_BODY, createBody({ name: undefined }), 'name'],
  ['a task whose name is null', TASK_CREATE_BODY, createBody({ name: null }), 'name'],
  ['a task without setting', TASK_CREATE_BODY, createBody({ setting: undefined }), 'setting'],
  ['a task of an unknown type', TASK_CREATE_BODY, createBody({ replicaType: 'NEVER' }), 'replicaType'],
  ['too many days', TASK_CREATE_BODY, createBody({ recordReserveDays: 61 }), 'recordReserveDays'],
  [
    'too many objects',
    TASK_CREATE_BODY,
    createBody({ replicaTaskObjects: Array(65).fill(createBody().replicaTaskObjects[0]) }),
    'replicaTaskObjects',
  ],
  ['a long description', TASK_CREATE_BODY, createBody({ description: 'd'.repeat(2_049) }), 'description'],
  ['no body', TASK_CREATE_BODY, null, ''],
  ['a cluster without name', CLUSTER_CREATE_BODY, { url: 'u', type: 'EDGE' }, 'name'],
  ['a cluster of an unknown type', CLUSTER_CREATE_BODY, { name: 'nn', url: 'u', type: 'NOPE' }, 'type'],
  ['a cluster without type', CLUSTER_UPDATE_BODY, { name: 'nn', type: null }, 'type'],
] as const) {
  test(`A body is refused by its schema: ${what}`, () => {
    const verdict = compile(schema, 'body')(body === null ? null : JSON.parse(JSON.stringify(body)));
    assert.notEqual(verdict, true);
    const complaints = verdict === true ? [] : verdict.error.complaints;
    assert.deepEqual(
      new Set(complaints.map(({ code, subject }) => `${code} ${subject}`)),
      new Set([`contentInvalid ${field}`]),
    );
  });
}

for (const [what, schema, given, expected] of [
  ['no name', NAME_QUERY, {}, 'parameterMissing'],
  ['a size that is no number', TASK_PAGE_QUERY, { pageSize: 'abc' }, 'parameterValidation'],
  ['a sort type of the documents', TASK_PAGE_QUERY, { sortType: 'CREATE_TIME' }, 'parameterValidation'],
  ['a status of details', DETAIL_PAGE_QUERY, { status: 'GOOD' }, 'parameterValidation'],
] as const) {
  test(`A query is refused by its schema: ${what}`, () => {
    const verdict = compile(schema, 'querystring')({ ...given });
    assert.equal(verdict === true ? 'taken' : verdict.error.complaints[0].code, expected);
  });
}

test('Queries and parts of paths are described by schemas that compile', () => {
  for (const schema of [PAGE_QUERY, OPTIONAL_NAME_QUERY, CLUSTER_LIST_QUERY, CLUSTER_PAGE_QUERY, RECORD_PAGE_QUERY])
    assert.equal(compile(schema, 'querystring')({}), true);
  assert.equal(
    compile(TASK_PAGE_QUERY, 'querystring')({ pageNumber: '0', enabled: 'true', sortDirection: 'ASC' }),
    true,
  );
  for (const schema of [ID_PARAMS, KEY_PARAMS, RECORD_ID_PARAMS, PROJECT_PARAMS])
    assert.notEqual(compile(schema, 'params')({}), true);
});

test('An update is judged by the schema of its generation', () => {
  const check = ajv.compile(TASK_UPDATE_BODY);
  assert.ok(check(OLD), ajv.errorsText(check.errors));
  assert.ok(check({ ...createBody(), key: 'k', replicationInfo: null }));
  assert.equal(check({ ...OLD, taskKey: undefined }), false);
  assert.equal(check(createBody()), false);
});

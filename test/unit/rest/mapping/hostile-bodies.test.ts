import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { RestError } from '../../../../src/rest/codes.ts';
import { admitted } from '../../../../src/rest/mapping/admission.ts';
import { clusterRequest } from '../../../../src/rest/mapping/cluster-request.ts';
import { taskDraft } from '../../../../src/rest/mapping/task-request.ts';
import { updatedTask } from '../../../../src/rest/mapping/task-update.ts';
import type { ClusterCreateBody } from '../../../../src/rest/schemas/cluster-bodies.ts';
import { CLUSTER_CREATE_BODY } from '../../../../src/rest/schemas/cluster-body-schemas.ts';
import type { TaskCreateBody, TaskUpdateBody } from '../../../../src/rest/schemas/task-bodies.ts';
import { TASK_CREATE_BODY, TASK_UPDATE_BODY } from '../../../../src/rest/schemas/task-body-schemas.ts';
import { validatorCompiler } from '../../../../src/rest/server/validation.ts';
import { clusterBody, generated, stored, taskBody } from './generated.ts';
import { admit, createBody, find, terms } from './samples.ts';

const { holds } = generated('hostile bodies');
const validator = validatorCompiler();
const checkCreate = validator(TASK_CREATE_BODY, 'body');
const checkUpdate = validator(TASK_UPDATE_BODY, 'body');
const checkCluster = validator(CLUSTER_CREATE_BODY, 'body');

/** Texts that people attack with. */
const hostile = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'NaN',
    '1e999',
    '\ud800',
    'a\udfff',
    '\u202eevil',
    '\0',
    '\u0007\u001b[0m',
    '../../etc',
    '{{7*7}}',
    "'; --",
    'ａ',
    '\ufeff',
    '0 0 0 0 0 0 0 0',
    '*/0 * * * *',
    '9'.repeat(300),
    '2026-13-45T99:99:99',
    'http://[::1',
    '//',
    ' ',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const junk = fc.oneof(
  hostile,
  fc.constantFrom(
    null,
    true,
    0,
    -1,
    1e21,
    2 ** 53,
    Number.MAX_VALUE,
    0.1,
    [],
    {},
    [null],
    [[]],
    JSON.parse('{"__proto__":{"polluted":true}}') as object,
  ),
  fc.array(hostile, { maxLength: 3 }),
);

const blow = fc.tuple(hostile, junk);

/** Puts something into one place of a body; where a text was, mostly another text. */
function struck(body: unknown, pick: number, [text, other]: readonly [string, unknown]): unknown {
  const places: (readonly [Record<string, unknown>, string])[] = [];
  const copy = structuredClone(body);
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const key of Object.keys(node)) {
      places.push([node as Record<string, unknown>, key]);
      walk((node as Record<string, unknown>)[key]);
    }
  };
  walk(copy);
  const place = places[pick % places.length];
  if (place === undefined) return copy;
  const [node, key] = place;
  node[key] = typeof node[key] === 'string' && pick % 5 > 0 ? text : other;
  return copy;
}

function onlyComplains(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
  }
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
}

test('Whatever a body holds, it is taken or complained of', () => {
  const before = stored(taskDraft(createBody(), terms));
  const full = {
    ...createBody({ replicaObjectType: null }),
    key: 'k',
    description: 'd',
    enabled: true,
    record: true,
    recordReserveDays: 3,
  };
  const bodies = fc.oneof(
    taskBody.map((body) => ({ ...body, key: 'k' })),
    fc.constant(full),
  );
  let passed = 0;
  holds(
    1_500,
    fc.property(bodies, fc.nat(), blow, fc.nat(), blow, (valid, first, one, second, two) => {
      const body = struck(struck(valid, first, one), second, two);
      onlyComplains(() => {
        if (checkCreate(body) === true) {
          passed += 1;
          stored(taskDraft(body as TaskCreateBody, terms));
        }
        if (checkUpdate(body) === true) updatedTask(body as TaskUpdateBody, before, { ...terms, find });
      });
    }),
  );
  assert.ok(passed > 100, `only ${passed} bodies fit the schema`);
  holds(
    500,
    fc.property(clusterBody, fc.nat(), blow, (valid, pick, value) => {
      const body = struck({ ...valid, username: 'u', password: 'p' }, pick, value);
      onlyComplains(() => {
        if (checkCluster(body) !== true) return;
        const { spec } = clusterRequest(body as ClusterCreateBody);
        admitted(admit, 'Cluster', { namespace: 'default', name: 'c' }, spec);
      });
    }),
  );
});

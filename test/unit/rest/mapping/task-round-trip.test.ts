import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';

import type { ReplicaTask } from '../../../../src/api/replica-task.gen.ts';
import { admitted } from '../../../../src/rest/mapping/admission.ts';
import { copiedTask } from '../../../../src/rest/mapping/task-copy.ts';
import { taskDetail } from '../../../../src/rest/mapping/task-info.ts';
import { taskDraft } from '../../../../src/rest/mapping/task-request.ts';
import { updatedTask } from '../../../../src/rest/mapping/task-update.ts';
import type { TaskUpdateBody } from '../../../../src/rest/schemas/task-bodies.ts';
import { TASK_CREATE_BODY, TASK_UPDATE_BODY } from '../../../../src/rest/schemas/task-body-schemas.ts';
import { validatorCompiler } from '../../../../src/rest/server/validation.ts';
import { displayName, generated, KEY, resource, stored, taskBody } from './generated.ts';
import { admit, given, terms } from './samples.ts';

const { holds } = generated('round trip of task bodies');
const validator = validatorCompiler();
const checkCreate = validator(TASK_CREATE_BODY, 'body');
const checkUpdate = validator(TASK_UPDATE_BODY, 'body');

/** What an answer says, as the body of an update. */
function asUpdate(task: ReplicaTask): TaskUpdateBody {
  const { task: info, objects: shown } = taskDetail(task, terms);
  const { key, name, projectId: localProjectId, replicaObjectType, description, record, recordReserveDays } = info;
  return {
    key,
    name,
    localProjectId,
    replicaObjectType,
    replicaTaskObjects: shown,
    setting: info.setting,
    remoteClusterIds: info.remoteClusters.map(({ id }) => id),
    description,
    record,
    recordReserveDays,
  } as TaskUpdateBody;
}

test('A valid body is admitted, and the answer says what it said', () => {
  holds(
    400,
    fc.property(taskBody, (body) => {
      assert.equal(checkCreate(body), true);
      const task = stored(taskDraft(body, terms));
      const { task: info, objects: shown } = taskDetail(task, terms);
      const { localProjectId, replicaTaskObjects, remoteClusterIds, setting: said, ...plain } = body;
      assert.partialDeepStrictEqual({ ...info, projectId: localProjectId }, given(plain));
      assert.equal(info.projectId, localProjectId);
      assert.deepEqual(
        info.remoteClusters.map(({ id }) => id),
        remoteClusterIds,
      );
      assert.partialDeepStrictEqual(info.setting, given(said));
      assert.equal(shown.length, replicaTaskObjects.length);
      for (const [index, object] of replicaTaskObjects.entries()) {
        const { packageConstraints, ...others } = object;
        assert.partialDeepStrictEqual(shown[index], given(others));
        assert.deepEqual(
          shown[index]?.packageConstraints ?? [],
          (packageConstraints ?? []).map((one) => ({ versions: null, ...one })),
        );
      }
    }),
  );
});

/** Fields for which the CRD has no default. */
const UNDEFAULTED = ['replicaObjectType', 'description'] as const;

test('No field without a default is written unasked', () => {
  holds(
    400,
    fc.property(taskBody, (body) => {
      const { spec } = stored(taskDraft(body, terms));
      for (const field of UNDEFAULTED)
        assert.equal(spec[field] !== undefined, (body[field] ?? undefined) !== undefined);
      const { executionStrategy, executionPlan, verifyInterval } = spec.setting;
      assert.equal(executionStrategy, body.setting.executionStrategy ?? undefined);
      assert.equal(verifyInterval, undefined);
      const said = given(body.setting.executionPlan ?? {});
      for (const [field, value] of Object.entries(executionPlan ?? {}))
        assert.ok(
          field === 'executeTime'
            ? String(value).startsWith(body.setting.executionPlan?.executeTime ?? '-')
            : isDeepStrictEqual((said as Record<string, unknown>)[field], value),
        );
      for (const [index, object] of spec.replicaTaskObjects.entries()) {
        const from = body.replicaTaskObjects[index];
        assert.equal(object.remoteProjectId, from?.remoteProjectId ?? undefined);
        assert.equal(object.remoteRepoName, from?.remoteRepoName ?? undefined);
      }
    }),
  );
});

test('An answer that is sent back as an update changes nothing', () => {
  holds(
    400,
    fc.property(resource, (task) => {
      const body = asUpdate(task);
      assert.equal(checkUpdate(body), true);
      assert.deepEqual(admitted(admit, 'ReplicaTask', KEY, updatedTask(body, task, terms)), task.spec);
    }),
  );
});

test('An update becomes what it says, with what REST does not know', () => {
  holds(
    300,
    fc.property(resource, taskBody, (task, wanted) => {
      const body: TaskUpdateBody = { ...wanted, key: 'k' };
      const spec = admitted(admit, 'ReplicaTask', KEY, updatedTask(body, task, terms));
      const { replicaType: _type, enabled: _enabled, ...content } = wanted;
      const fresh = stored(taskDraft({ ...content, enabled: task.spec.enabled }, terms));
      const known = ({
        spec: {
          setting: { executionPlan: _plan, executionStrategy: _strategy, ...others },
          ...rest
        },
      }: ReplicaTask) => {
        const { recordUnchanged: _unchanged, adoptExisting: _adopt, verifyInterval: _interval, ...said } = others;
        const { key: _key, ...shown } = asUpdate({
          ...task,
          spec: { ...rest, setting: { ...others, recordUnchanged: false, adoptExisting: false } },
        });
        return { ...shown, setting: said };
      };
      assert.deepEqual(known({ ...task, spec }), { ...known(fresh), name: wanted.name });
      assert.equal(spec.setting.verifyInterval, task.spec.setting.verifyInterval);
      assert.equal(spec.setting.recordUnchanged, task.spec.setting.recordUnchanged);
      assert.equal(spec.setting.executionPlan?.timeZone, task.spec.setting.executionPlan?.timeZone);
      assert.deepEqual([spec.replicaType, spec.enabled], [task.spec.replicaType, task.spec.enabled]);
    }),
  );
});

test('A copy is the task under another name, disabled', () => {
  holds(
    100,
    fc.property(resource, displayName, (task, name) => {
      const copy = admitted(admit, 'ReplicaTask', KEY, copiedTask({ key: 'k', name }, task));
      const { description: _description, ...content } = task.spec;
      assert.deepEqual(copy, { ...content, name, enabled: false });
    }),
  );
});

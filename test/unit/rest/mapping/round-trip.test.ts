import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';

import type { ReplicaTask } from '../../../../src/api/replica-task.gen.ts';
import { SCHEMAS } from '../../../../src/api/schemas.gen.ts';
import type { SpecDraft } from '../../../../src/resources/editor.ts';
import { RestError } from '../../../../src/rest/codes.ts';
import { admitted } from '../../../../src/rest/mapping/admission.ts';
import { clusterInfo } from '../../../../src/rest/mapping/cluster-info.ts';
import { clusterRequest } from '../../../../src/rest/mapping/cluster-request.ts';
import { updatedCluster } from '../../../../src/rest/mapping/cluster-update.ts';
import { resourceName } from '../../../../src/rest/mapping/resource-name.ts';
import { copiedTask } from '../../../../src/rest/mapping/task-copy.ts';
import { taskDetail } from '../../../../src/rest/mapping/task-info.ts';
import { taskDraft } from '../../../../src/rest/mapping/task-request.ts';
import { updatedTask } from '../../../../src/rest/mapping/task-update.ts';
import type { ClusterCreateBody } from '../../../../src/rest/schemas/cluster-bodies.ts';
import { CLUSTER_CREATE_BODY } from '../../../../src/rest/schemas/cluster-body-schemas.ts';
import type { TaskCreateBody, TaskUpdateBody } from '../../../../src/rest/schemas/task-bodies.ts';
import { TASK_CREATE_BODY, TASK_UPDATE_BODY } from '../../../../src/rest/schemas/task-body-schemas.ts';
import { validatorCompiler } from '../../../../src/rest/server/validation.ts';
import { printedSeed } from '../../../support/seed.ts';
import { admit, createBody, dates, FAR, FAR_ID, find, metadata, terms } from './samples.ts';

let seed = 0;
before(() => {
  seed = printedSeed('round trip of REST bodies');
});

function holds<Values extends [unknown, ...unknown[]]>(runs: number, property: fc.IProperty<Values>): void {
  fc.assert(property, { seed, numRuns: runs });
}

const validator = validatorCompiler();
const checkCreate = validator(TASK_CREATE_BODY, 'body');
const checkUpdate = validator(TASK_UPDATE_BODY, 'body');
const checkCluster = validator(CLUSTER_CREATE_BODY, 'body');

const { repoType } = SCHEMAS.ReplicaTask.properties.spec.properties.replicaTaskObjects.items.properties;

/** Absent, null, or this. */
function maybe<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> {
  return fc.option(fc.option(value, { nil: null }), { nil: undefined });
}
/** Without the fields that are undefined, as JSON has it. */
function json<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return value.map((written) => JSON.parse(JSON.stringify(written)) as T);
}

const displayName = fc
  .string({ minLength: 2, maxLength: 40, unit: 'grapheme' })
  .filter((name) => !/\p{Cc}/u.test(name) && name.trim() !== '' && name.isWellFormed() && Array.from(name).length > 1);
const repoName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_-]{1,20}$/);
const projectId = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_-]{1,20}(\.[a-z]{1,5})?$/);
const word = fc.stringMatching(/^[a-z0-9@:/._-]{1,30}$/);
const segment = fc.stringMatching(/^[a-zé中0-9(+][a-z .0-9é中]{0,8}[a-z0-9]$/);
const path = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom('', '/*', '/a*.b'))
  .map(([segments, end]) => `/${segments.join('/')}${end}`.replace(/^\/\//, '/'));

const objectBase = {
  localRepoName: repoName,
  remoteProjectId: maybe(projectId),
  remoteRepoName: maybe(repoName),
  repoType: fc.constantFrom(...repoType.enum),
};
const packages = fc.array(
  fc.record({ packageKey: word, versions: maybe(fc.array(word, { minLength: 1, maxLength: 3 })) }),
  { minLength: 1, maxLength: 3 },
);
const paths = fc.array(fc.record({ path }), { minLength: 1, maxLength: 3 });
const none = fc.constantFrom(null, undefined, []);
const objects = fc.oneof(
  fc.record({
    replicaObjectType: fc.constantFrom('REPOSITORY', null, undefined),
    replicaTaskObjects: fc.array(fc.record({ ...objectBase, packageConstraints: none, pathConstraints: none }), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
  fc.record({
    replicaObjectType: fc.constantFrom('PACKAGE', undefined),
    replicaTaskObjects: fc.tuple(fc.record({ ...objectBase, packageConstraints: packages, pathConstraints: none })),
  }),
  fc.record({
    replicaObjectType: fc.constantFrom('PATH', undefined),
    replicaTaskObjects: fc.tuple(fc.record({ ...objectBase, packageConstraints: none, pathConstraints: paths })),
  }),
);

const cron = fc.constantFrom('0 0 3 * * ?', '0 3 * * *', '0 0 12 1W * ? 2030-2040', '@daily');
const time = fc
  .date({ min: new Date('2026-11-23T00:00:00Z'), max: new Date('2090-01-01T00:00:00Z'), noInvalidDate: true })
  .map((instant) => dates.format(instant));
const plan = fc.oneof(
  fc.record({ executionStrategy: fc.constantFrom('IMMEDIATELY', undefined), executionPlan: none.map(() => undefined) }),
  fc.record({
    executionStrategy: fc.constantFrom('IMMEDIATELY', undefined, null),
    executionPlan: fc.constant({ executeImmediately: true }),
  }),
  fc.record({
    executionStrategy: fc.constantFrom('CRON_EXPRESSION', undefined),
    executionPlan: fc.record({ executeImmediately: fc.constantFrom(false, null), cronExpression: cron }),
  }),
  fc.record({
    executionStrategy: fc.constantFrom('SPECIFIED_TIME', undefined),
    executionPlan: fc.record({ executeImmediately: fc.constantFrom(false, undefined), executeTime: time }),
  }),
);
const setting = fc
  .tuple(
    fc.record({
      rateLimit: maybe(fc.maxSafeNat()),
      includeMetadata: maybe(fc.boolean()),
      conflictStrategy: maybe(fc.constantFrom('SKIP', 'OVERWRITE', 'FAST_FAIL')),
      errorStrategy: maybe(fc.constantFrom('CONTINUE', 'FAST_FAIL')),
      storageConsistencyCheck: maybe(fc.boolean()),
      automaticCreateRemoteRepo: maybe(fc.boolean()),
    }),
    plan,
  )
  .map(([some, when]) => ({ ...some, ...when }));

const taskBody: fc.Arbitrary<TaskCreateBody> = json(
  fc
    .tuple(
      fc.record({
        name: displayName,
        localProjectId: projectId,
        setting,
        remoteClusterIds: fc.uniqueArray(fc.constantFrom(FAR_ID, 'elsewhere', '609a57ddba727966d138c51e'), {
          minLength: 1,
        }),
        replicaType: fc.constantFrom('SCHEDULED', null, undefined),
        enabled: maybe(fc.boolean()),
        description: maybe(fc.string({ maxLength: 50, unit: 'grapheme' })),
        record: maybe(fc.boolean()),
        recordReserveDays: maybe(fc.integer({ min: 1, max: 60 })),
      }),
      objects,
    )
    .map(([some, what]) => ({ ...some, ...what }) as unknown as TaskCreateBody),
);

const KEY = { namespace: 'default', name: 'nightly' };

function stored(spec: SpecDraft<'ReplicaTask'>): ReplicaTask {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata: metadata('nightly'),
    spec: admitted(admit, 'ReplicaTask', KEY, spec),
    status: { observedGeneration: 1 },
  };
}

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

function given(value: object): object {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([key, member]) => [key, typeof member === 'object' && !Array.isArray(member) ? given(member) : member]),
  );
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

/** What people write by kubectl, beyond what REST can. */
const resource: fc.Arbitrary<ReplicaTask> = fc
  .tuple(
    taskBody,
    fc.record({
      name: fc.boolean(),
      byName: fc.boolean(),
      realTime: fc.boolean(),
      timeZone: fc.constantFrom('Europe/Berlin', undefined),
      deadline: fc.constantFrom(600, undefined),
      verifyInterval: fc.constantFrom('168h', undefined),
      recordUnchanged: fc.boolean(),
      adoptExisting: fc.boolean(),
      localTime: fc.boolean(),
      twice: fc.boolean(),
    }),
  )
  .map(([body, more]) => {
    const { name, ...draft } = taskDraft(body, terms);
    const { executionPlan, executionStrategy, ...others } = draft.setting ?? {};
    const { executeTime, cronExpression } = executionPlan ?? {};
    const timed = executeTime !== undefined || cronExpression !== undefined;
    const planned = {
      ...executionPlan,
      ...(executeTime !== undefined && more.localTime ? { executeTime: '2031-01-01T00:00:00' } : {}),
      ...(more.timeZone === undefined ? {} : { timeZone: more.timeZone }),
      ...(timed && more.deadline !== undefined ? { startingDeadlineSeconds: more.deadline } : {}),
    };
    const objectsOf = draft.replicaTaskObjects ?? [];
    return stored({
      ...draft,
      ...(more.name && name !== undefined ? { name } : {}),
      ...(more.twice ? { replicaTaskObjects: [...objectsOf, ...objectsOf] } : {}),
      remoteClusterIds: more.byName ? ['far', 'elsewhere'] : (draft.remoteClusterIds ?? []),
      replicaType: more.realTime ? 'REAL_TIME' : 'SCHEDULED',
      setting: {
        ...others,
        recordUnchanged: more.recordUnchanged,
        adoptExisting: more.adoptExisting,
        ...(more.verifyInterval === undefined ? {} : { verifyInterval: more.verifyInterval }),
        ...(more.realTime
          ? {}
          : {
              ...(executionStrategy === undefined ? {} : { executionStrategy }),
              ...(Object.keys(planned).length === 0 ? {} : { executionPlan: planned }),
            }),
      },
    });
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

const clusterBody: fc.Arbitrary<ClusterCreateBody> = json(
  fc
    .record({
      name: displayName,
      url: fc.webUrl({ validSchemes: ['http', 'https'] }).map((url) => url.toLowerCase()),
      type: fc.constantFrom('CENTER', 'EDGE', 'STANDALONE', 'REMOTE'),
      certificate: fc.constantFrom(undefined, null, '', '-----BEGIN CERTIFICATE-----'),
      account: fc.option(
        fc.record({ username: fc.stringMatching(/^[a-z]{1,9}$/), password: fc.stringMatching(/^[ -~]{1,9}$/) }),
      ),
    })
    .map(({ account, ...body }) => ({ ...body, ...account }) as ClusterCreateBody),
);

test('A valid cluster is admitted, its answer says what it said but the password, and sent back changes nothing', () => {
  holds(
    300,
    fc.property(clusterBody, (body) => {
      assert.equal(checkCluster(body), true);
      const request = clusterRequest(body);
      const key = { namespace: 'default', name: resourceName(body.name) };
      const spec = admitted(admit, 'Cluster', key, request.spec);
      const { account } = { account: body.username };
      const annotations = account == null ? {} : { 'replication.bkrepo.io/account': account };
      const cluster = { ...FAR, metadata: metadata(key.name, { annotations }), spec };
      const info = clusterInfo(cluster, dates);
      const { password, certificate, ...shown } = body;
      assert.partialDeepStrictEqual(info, given(shown));
      assert.equal(info.certificate ?? '', certificate ?? '');
      assert.equal('password' in info, false);
      assert.deepEqual(request.credentials, password == null ? undefined : { username: account, password });
      assert.deepEqual(admitted(admit, 'Cluster', key, updatedCluster(info as never, cluster).spec), spec);
    }),
  );
});

test('A hundred thousand names give as many resource names, all of them labels', () => {
  const names = new Set(
    fc.sample(fc.string({ maxLength: 12, unit: fc.constantFrom(...Array.from('abAB0-. _é中')) }), {
      seed,
      numRuns: 60_000,
    }),
  );
  for (let index = 0; index < 50_000; index++)
    names.add(`Nightly ${index}`).add(`nightly-${index.toString(16).padStart(12, '0')}`);
  const made = new Set(Array.from(names, resourceName));
  assert.equal(made.size, names.size);
  assert.ok(names.size > 100_000);
  for (const name of made) assert.match(name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
});

for (const [name, expected] of [
  ['nightly', 'nightly'],
  ['a'.repeat(63), 'a'.repeat(63)],
  ['a'.repeat(64), /^a{50}-[0-9a-f]{12}$/],
  ['计划', /^name-[0-9a-f]{12}$/],
  ['Nightly Backup', 'nightly-backup-0af317e99d7d'],
  ['nightly-0123456789ab', /^nightly-0123456789ab-[0-9a-f]{12}$/],
  ['..', /^name-[0-9a-f]{12}$/],
] as const) {
  test(`The resource of ${JSON.stringify(name)} is ${expected}`, () => {
    if (typeof expected === 'string') assert.equal(resourceName(name), expected);
    else assert.match(resourceName(name), expected);
    assert.equal(resourceName(name), resourceName(name));
  });
}

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

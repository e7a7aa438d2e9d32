/** Bodies as fast-check makes them: what REST and kubectl can say, in all its forms. */
import { before } from 'node:test';
import fc from 'fast-check';

import type { ReplicaTask } from '../../../../src/api/replica-task.gen.ts';
import { SCHEMAS } from '../../../../src/api/schemas.gen.ts';
import type { SpecDraft } from '../../../../src/resources/editor.ts';
import { admitted } from '../../../../src/rest/mapping/admission.ts';
import { taskDraft } from '../../../../src/rest/mapping/task-request.ts';
import type { ClusterCreateBody } from '../../../../src/rest/schemas/cluster-bodies.ts';
import type { TaskCreateBody } from '../../../../src/rest/schemas/task-bodies.ts';
import { printedSeed } from '../../../support/seed.ts';
import { admit, dates, FAR_ID, metadata, terms } from './samples.ts';

export interface Generated {
  readonly seed: () => number;
  readonly holds: <Values extends [unknown, ...unknown[]]>(runs: number, property: fc.IProperty<Values>) => void;
}

/** Properties of a test file, with one printed seed. */
export function generated(what: string): Generated {
  let seed = 0;
  before(() => {
    seed = printedSeed(what);
  });
  return {
    seed: () => seed,
    holds: (runs, property) => fc.assert(property, { seed, numRuns: runs }),
  };
}

const { repoType } = SCHEMAS.ReplicaTask.properties.spec.properties.replicaTaskObjects.items.properties;

/** Absent, null, or this. */
function maybe<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> {
  return fc.option(fc.option(value, { nil: null }), { nil: undefined });
}
/** Without the fields that are undefined, as JSON has it. */
function json<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return value.map((written) => JSON.parse(JSON.stringify(written)) as T);
}

export const displayName = fc
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

export const taskBody: fc.Arbitrary<TaskCreateBody> = json(
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

export const clusterBody: fc.Arbitrary<ClusterCreateBody> = json(
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

export const KEY = { namespace: 'default', name: 'nightly' };

export function stored(spec: SpecDraft<'ReplicaTask'>): ReplicaTask {
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata: metadata('nightly'),
    spec: admitted(admit, 'ReplicaTask', KEY, spec),
    status: { observedGeneration: 1 },
  };
}

/** What people write by kubectl, beyond what REST can. */
export const resource: fc.Arbitrary<ReplicaTask> = fc
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

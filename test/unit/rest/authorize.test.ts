import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { clusterId, taskKey } from '../../../src/api/names.ts';
import { ReplicationError } from '../../../src/domain/errors.ts';
import type { RecordReader } from '../../../src/rest/context.ts';
import type { AccessVerb } from '../../../src/rest/ports.ts';
import { RUN } from './mapping/samples.ts';
import {
  CLUSTER_BODY,
  CLUSTER_SPEC,
  ONE,
  type RestWorld,
  restWorld,
  TWO,
  taskBody,
  taskSpec,
} from './routes/rest-world.ts';

const RUN_ID = RUN.id;
const KEY = taskKey(ONE, 'nightly');
const FAR_ID = clusterId(ONE, 'far');
const UNKNOWN = '0'.repeat(32);

/** `verb resource namespace`, and `/name` for a question about one resource. */
type Right = `${AccessVerb} ${string}`;
type Call = readonly ['GET' | 'POST' | 'DELETE', string, object?];

const TASK = `replicatasks ${ONE}/nightly`;
const LIST_CLUSTERS: readonly Right[] = [`list clusters ${ONE}`, `list clusters ${TWO}`];
const LIST_TASKS: readonly Right[] = [`list replicatasks ${ONE}`, `list replicatasks ${TWO}`];
const plain = { ...CLUSTER_BODY, name: 'new', username: undefined, password: undefined };

/** Each in this order; where several namespaces are asked about, one of them is enough. */
const READS: readonly (readonly [...Call, readonly Right[]])[] = [
  ['GET', `/api/cluster/info/${FAR_ID}`, [`get clusters ${ONE}/far`]],
  ['GET', `/api/cluster/info/${UNKNOWN}`, [`get clusters ${ONE}`]],
  ['GET', '/api/cluster/info?name=far', LIST_CLUSTERS],
  ['GET', '/api/cluster/info/center', LIST_CLUSTERS],
  ['GET', '/api/cluster/list', LIST_CLUSTERS],
  ['GET', '/api/cluster/list/edge', LIST_CLUSTERS],
  ['GET', '/api/cluster/page', LIST_CLUSTERS],
  ['GET', '/api/cluster/exist?name=far', LIST_CLUSTERS],
  ['GET', '/api/cluster/tryConnect?name=far', [`get clusters ${ONE}/far`]],
  ['GET', `/api/task/info/${KEY}`, [`get ${TASK}`]],
  ['GET', `/api/task/detail/${KEY}`, [`get ${TASK}`]],
  ['GET', `/api/task/canUpdated/${KEY}`, [`get ${TASK}`]],
  ['GET', `/api/task/info/${UNKNOWN}`, [`get replicatasks ${ONE}`]],
  ['GET', '/api/task/page', LIST_TASKS],
  ['GET', '/api/task/page/p1', LIST_TASKS],
  ['GET', '/api/task/list', LIST_TASKS],
  ['GET', `/api/task/record/${RUN_ID}`, [`get ${TASK}`]],
  ['GET', `/api/task/record/list/${KEY}`, [`get ${TASK}`]],
  ['GET', `/api/task/record/page/${KEY}`, [`get ${TASK}`]],
  ['GET', `/api/task/record/detail/list/${RUN_ID}`, [`get ${TASK}`]],
  ['GET', `/api/task/record/detail/page/${RUN_ID}`, [`get ${TASK}`]],
  ['GET', `/api/task/record/overview/${RUN_ID}`, [`get ${TASK}`]],
  ['GET', `/api/task/cluster/log/list/${KEY}`, [`get ${TASK}`]],
  ['GET', `/api/task/cluster/log/page/${KEY}`, [`get ${TASK}`]],
  ['GET', `/api/task/cluster/log/latest/${KEY}`, [`get ${TASK}`]],
].map(([method, url, rights]) => [method, url, undefined, rights] as [...Call, Right[]]);

/** All of them are needed. */
const CHANGES: readonly (readonly [...Call, readonly Right[]])[] = [
  ['POST', '/api/cluster/create', plain, [`create clusters ${ONE}`]],
  ['POST', `/api/cluster/create?namespace=${TWO}`, plain, [`create clusters ${TWO}`]],
  [
    'POST',
    '/api/cluster/create',
    { ...CLUSTER_BODY, name: 'new' },
    [`create clusters ${ONE}`, `create secrets ${ONE}`],
  ],
  ['POST', '/api/cluster/update', { ...plain, name: 'far' }, [`update clusters ${ONE}/far`]],
  [
    'POST',
    '/api/cluster/update',
    { ...CLUSTER_BODY, name: 'far' },
    [`update clusters ${ONE}/far`, `update secrets ${ONE}/far-credentials`],
  ],
  [
    'POST',
    '/api/cluster/update',
    { name: 'kept', url: 'http://other.test', type: 'STANDALONE' },
    [`update clusters ${ONE}/kept`, `get secrets ${ONE}/kept-credentials`],
  ],
  ['DELETE', `/api/cluster/delete/${FAR_ID}`, undefined, [`delete clusters ${ONE}/far`]],
  ['POST', '/api/task/create', taskBody({ name: 'new' }), [`create replicatasks ${ONE}`]],
  [
    'POST',
    '/api/task/cluster/create',
    taskBody({ name: 'new', localProjectId: 'two', remoteClusterIds: ['there'] }),
    [`create replicatasks ${TWO}`],
  ],
  ['POST', '/api/task/update', { ...taskBody({ localProjectId: 'p2' }), key: KEY }, [`update ${TASK}`]],
  [
    'POST',
    '/api/task/copy',
    { key: KEY, name: 'copy', description: '' },
    [`get ${TASK}`, `create replicatasks ${ONE}`],
  ],
  ['POST', `/api/task/toggle/status/${KEY}`, undefined, [`update ${TASK}`]],
  ['POST', `/api/task/execute/${KEY}`, undefined, [`patch ${TASK}`]],
  ['POST', `/api/task/interrupt/${KEY}`, undefined, [`patch ${TASK}`]],
  ['DELETE', `/api/task/delete/${KEY}`, undefined, [`delete ${TASK}`]],
  ['POST', '/api/task/connect/test', { url: 'http://far.test' }, [`create clusters ${ONE}`]],
];

function worldWith(): RestWorld {
  const records: RecordReader = {
    findRun: async () => ({ ...RUN, namespace: ONE, name: 'nightly', taskKey: KEY }),
    runPage: async () => ({ total: 0, records: [] }),
    lastRuns: async () => [],
    details: async () => ({ total: 0, records: [] }),
    countDetails: async () => ({ SUCCESS: 0, UNCHANGED: 0, CONFLICT: 0, FAILED: 0, NOT_TRIED: 0 }),
  };
  const world = restWorld({ records });
  const { resources } = world;
  resources.apply('Cluster', { namespace: ONE, name: 'far', spec: CLUSTER_SPEC });
  const withPassword = { ...CLUSTER_SPEC, credentialsSecretRef: { name: 'kept-credentials' } };
  resources.apply('Cluster', { namespace: ONE, name: 'kept', spec: withPassword });
  resources.apply('Cluster', { namespace: TWO, name: 'there', spec: CLUSTER_SPEC });
  resources.apply('ReplicaTask', { namespace: ONE, name: 'nightly', spec: taskSpec() });
  return world;
}

const snapshot = ({ resources }: RestWorld): string =>
  JSON.stringify([resources.list('Cluster'), resources.list('ReplicaTask'), [...resources.secrets]]);

function asked({ asked: requests }: RestWorld): readonly Right[] {
  return requests.map(({ verb, resource, namespace, name }): Right => {
    const right: Right = `${verb} ${resource} ${namespace}`;
    return name === undefined ? right : `${right}/${name}`;
  });
}

describe('what a caller must be allowed', () => {
  for (const [method, url, body, rights] of [...READS, ...CHANGES])
    it(`${method} ${url} asks for ${rights.join(', ')} and nothing else`, async () => {
      const world = worldWith();
      const { status, message } = await world.call(method, url, body);
      // What a single question was about may not be there; who may list nowhere is told so.
      assert.ok(status === 200 || status === 400, `${status} ${message}`);
      assert.deepEqual(asked(world), rights);
    });

  for (const [method, url, body, rights] of CHANGES)
    for (const right of rights)
      it(`${method} ${url} is refused without ${right}, before anything is changed or asked of a far side`, async () => {
        const world = worldWith();
        const before = snapshot(world);
        world.denied.add(right.split('/')[0] ?? '');
        const { status, code, message } = await world.call(method, url, body);
        assert.deepEqual([status, code], [403, 250_113]);
        assert.ok(message.includes(`ann may not ${right.split(' ').slice(0, 2).join(' ')}`), message);
        assert.equal(snapshot(world), before);
        assert.deepEqual(world.pings, []);
      });

  for (const [method, url, body, rights] of READS)
    it(`${method} ${url} is refused without the right, and shows what may be seen with one of several`, async () => {
      const world = worldWith();
      for (const right of rights) {
        assert.notEqual((await world.call(method, url, body)).status, 403);
        world.denied.add(right.split('/')[0] ?? '');
      }
      const refusal = await world.call(method, url, body);
      assert.deepEqual([refusal.status, refusal.code, refusal.data], [403, 250_113, null]);
    });
});

describe('rights that nobody can tell of', () => {
  it('is 503 with Retry-After while the API server is away, and nothing is changed', async () => {
    const away = new ReplicationError('retryable', 'ApiUnavailable', 'connect ECONNREFUSED 10.96.0.1:443');
    const world = worldWith();
    const before = snapshot(world);
    world.unknowable = away;
    for (const [method, url, body] of [...READS, ...CHANGES]) {
      const { status, code, message, headers, data } = await world.call(method, url, body);
      assert.deepEqual([status, code, data], [503, 250_116, null], `${method} ${url}`);
      assert.equal(headers['retry-after'], '5');
      assert.match(message, /the API server does not answer/);
      assert.doesNotMatch(message, /10\.96/);
    }
    assert.equal(snapshot(world), before);
    assert.deepEqual(world.pings, []);
  });
});

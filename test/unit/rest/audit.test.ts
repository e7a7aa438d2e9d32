import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { clusterId, taskKey } from '../../../src/api/names.ts';
import { ReplicationError } from '../../../src/domain/errors.ts';
import { audited } from '../../../src/rest/audit.ts';
import { complain } from '../../../src/rest/codes.ts';
import type { Caller } from '../../../src/rest/ports.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import {
  type Answer,
  CLUSTER_BODY,
  CLUSTER_SPEC,
  noAnswer,
  ONE,
  type RestWorld,
  restWorld,
  TWO,
  taskBody,
  taskSpec,
} from './routes/rest-world.ts';

const KEY = taskKey(ONE, 'nightly');
const FAR_ID = clusterId(ONE, 'far');
const UNKNOWN = 'f'.repeat(32);
const SECRET = 'pa55word-of-far';
const NEW_CLUSTER = { ...CLUSTER_BODY, name: 'New one', password: SECRET };
const OLD_NAME = { ...CLUSTER_BODY, name: 'far', password: SECRET };

/** A world whose whole log can be read, as it would be written. */
function logged(): { readonly world: RestWorld; readonly lines: string[] } {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', format: 'json', destination: { write: (line) => lines.push(line) } });
  const world = restWorld({ logger });
  const { resources } = world;
  resources.apply('Cluster', { namespace: ONE, name: 'far', spec: CLUSTER_SPEC });
  resources.apply('Cluster', { namespace: TWO, name: 'there', spec: CLUSTER_SPEC });
  resources.apply('ReplicaTask', { namespace: ONE, name: 'nightly', spec: taskSpec() });
  return { world, lines };
}

type Line = Readonly<Record<string, unknown>>;

function changes(lines: readonly string[]): readonly Line[] {
  return lines.map((line) => JSON.parse(line) as Line).filter(({ msg }) => msg === 'change by REST');
}

const FIELDS: ReadonlySet<string> = new Set(
  'level time msg user operation kind namespace name result code generationBefore generationAfter traceId address'.split(
    ' ',
  ),
);

/** Operation, kind, place, how it ended, generation before and after. */
function inShort(line: Line | undefined): readonly unknown[] {
  const { operation, kind, namespace, name, result, generationBefore, generationAfter } = line ?? {};
  return [operation, kind, `${String(namespace)}/${String(name)}`, result, generationBefore, generationAfter];
}

type Call = Parameters<RestWorld['call']>;

const CHANGES: readonly { readonly call: Call; readonly line: readonly unknown[] }[] = [
  {
    call: ['POST', '/api/cluster/create', NEW_CLUSTER],
    line: ['create', 'Cluster', 'one/new-one-62b9f81157fb', 'done', undefined, 1],
  },
  {
    call: ['POST', `/api/cluster/create?namespace=${TWO}`, { ...NEW_CLUSTER, name: 'new' }],
    line: ['create', 'Cluster', 'two/new', 'done', undefined, 1],
  },
  {
    call: ['POST', '/api/cluster/update', { ...OLD_NAME, url: 'http://other.test' }],
    line: ['update', 'Cluster', 'one/far', 'done', 1, 2],
  },
  {
    call: ['DELETE', `/api/cluster/delete/${FAR_ID}`],
    line: ['delete', 'Cluster', 'one/far', 'done', 1, undefined],
  },
  {
    call: ['POST', '/api/task/create', taskBody({ name: 'new' })],
    line: ['create', 'ReplicaTask', 'one/new', 'done', undefined, 1],
  },
  {
    call: [
      'POST',
      '/api/task/blob/create',
      taskBody({ name: 'new', localProjectId: 'two', remoteClusterIds: ['there'] }),
    ],
    line: ['create', 'ReplicaTask', 'two/new', 'done', undefined, 1],
  },
  {
    call: ['POST', '/api/task/update', { ...taskBody({ name: 'Renamed' }), key: KEY }],
    line: ['update', 'ReplicaTask', 'one/nightly', 'done', 1, 2],
  },
  {
    call: ['POST', '/api/task/copy', { key: KEY, name: 'copied', description: '' }],
    line: ['copy', 'ReplicaTask', 'one/copied', 'done', undefined, 1],
  },
  {
    call: ['POST', `/api/task/toggle/status/${KEY}`],
    line: ['toggle', 'ReplicaTask', 'one/nightly', 'done', 1, 2],
  },
  {
    call: ['POST', `/api/task/execute/${KEY}`],
    line: ['execute', 'ReplicaTask', 'one/nightly', 'done', 1, 1],
  },
  {
    call: ['POST', `/api/task/cluster/interrupt/${KEY}`],
    line: ['interrupt', 'ReplicaTask', 'one/nightly', 'done', 1, 1],
  },
  {
    call: ['DELETE', `/api/task/delete/${KEY}`],
    line: ['delete', 'ReplicaTask', 'one/nightly', 'done', 1, undefined],
  },
];

describe('a change', () => {
  for (const { call, line } of CHANGES)
    it(`${call[0]} ${call[1]} is one line: who, what, the generation before and after`, async () => {
      const { world, lines } = logged();
      const { status, message } = await world.call(...call);
      assert.equal(status, 200, message);
      const [told, ...more] = changes(lines);
      assert.deepEqual(more, []);
      assert.deepEqual(inShort(told), line);
      assert.deepEqual(
        [told?.['level'], told?.['user'], told?.['address'], told?.['code']],
        ['info', 'ann', '127.0.0.1', undefined],
      );
      assert.match(String(told?.['traceId']), /^[0-9a-f]{32}$/);
      const others = Object.keys(told ?? {}).filter((key) => !FIELDS.has(key));
      assert.deepEqual(others, [], 'nothing that a body holds');
    });

  it('has the trace id that the caller sent and that the answer carries', async () => {
    const { world, lines } = logged();
    const traceId = '463ac35c9f6413ad48485a3953bb6124';
    const answer = await world.call('POST', `/api/task/execute/${KEY}`, undefined, {
      headers: { 'x-b3-traceid': traceId },
    });
    assert.equal(answer.headers['x-bkrepo-rid'], traceId);
    assert.equal(changes(lines)[0]?.['traceId'], traceId);
  });

  it('is told, too, when the caller may not, with the answer and without a generation', async () => {
    for (const { call, line } of CHANGES) {
      const { world, lines } = logged();
      for (const verb of ['create', 'update', 'patch', 'delete', 'get'])
        for (const resource of ['clusters', 'replicatasks']) world.denied.add(`${verb} ${resource}`);
      await world.call(...call);
      const [told, ...more] = changes(lines);
      assert.deepEqual(more, []);
      assert.deepEqual(inShort(told), [...line.slice(0, 3), 'denied', undefined, undefined]);
      assert.equal(told?.['code'], 250_113);
    }
  });

  const ARGO = { tool: 'ArgoCD', application: 'shop', where: 'the Git repository' } as const;
  for (const { what, before = () => {}, call, told } of [
    {
      what: 'of what is not there is refused',
      call: ['POST', `/api/task/execute/${UNKNOWN}`],
      told: ['refused', 250_310, undefined],
    },
    {
      what: 'of what Git owns is told as owned',
      before: ({ resources }) =>
        void resources.apply('ReplicaTask', { namespace: ONE, name: 'nightly', spec: taskSpec(), owner: ARGO }),
      call: ['POST', '/api/task/update', { ...taskBody({ name: 'Renamed' }), key: KEY }],
      told: ['owned', 250_308, 1],
    },
    {
      what: 'by an old entity tag is a conflict',
      call: ['DELETE', `/api/task/delete/${KEY}`, undefined, { headers: { 'if-match': '"uid-0-7"' } }],
      told: ['conflict', 250_133, undefined],
    },
    {
      what: 'while the API server is away has failed',
      before: (world) => {
        world.unknowable = new ReplicationError('retryable', 'ApiUnavailable', 'away');
      },
      call: ['POST', `/api/task/execute/${KEY}`],
      told: ['failed', 250_116, undefined],
    },
    {
      what: 'with a far side that does not answer is refused',
      before: ({ down }) => void down.set('far.test', noAnswer()),
      call: ['POST', '/api/cluster/update', OLD_NAME],
      told: ['refused', 250_301, 1],
    },
  ] as readonly {
    readonly what: string;
    readonly before?: (world: RestWorld) => void;
    readonly call: Call;
    readonly told: readonly unknown[];
  }[])
    it(what, async () => {
      const { world, lines } = logged();
      before(world);
      assert.notEqual((await world.call(...call)).status, 200);
      const [line, ...more] = changes(lines);
      assert.deepEqual(more, []);
      assert.deepEqual([line?.['result'], line?.['code'], line?.['generationBefore']], told);
      assert.equal(line?.['generationAfter'], undefined);
    });
});

describe('the log', () => {
  it('has no such line for what only reads or asks', async () => {
    const { world, lines } = logged();
    for (const url of [
      `/api/cluster/info/${FAR_ID}`,
      '/api/cluster/page',
      '/api/cluster/tryConnect?name=far',
      `/api/task/info/${KEY}`,
      `/api/task/detail/${KEY}`,
      `/api/task/canUpdated/${KEY}`,
      '/api/task/page',
      `/api/task/record/list/${KEY}`,
      `/api/task/cluster/log/page/${KEY}`,
    ])
      assert.equal((await world.call('GET', url)).status, 200, url);
    await world.call('POST', '/api/task/connect/test', { url: 'http://far.test', username: 'x', password: SECRET });
    assert.deepEqual(changes(lines), []);
  });

  it('holds no password, whatever becomes of the request', async () => {
    const far = { ...OLD_NAME, url: `http://writer:${SECRET}@far.test` };
    const calls: readonly Call[] = [
      ['POST', '/api/cluster/create', NEW_CLUSTER],
      ['POST', '/api/cluster/create', { ...NEW_CLUSTER, type: SECRET }],
      ['POST', '/api/cluster/create', { ...NEW_CLUSTER, name: 'by url', url: far.url }],
      ['POST', '/api/cluster/create', { ...NEW_CLUSTER, password: { is: SECRET } }],
      ['POST', '/api/cluster/update', OLD_NAME],
      ['POST', '/api/cluster/update', far],
      ['POST', '/api/cluster/update', { ...OLD_NAME, name: 'unknown' }],
      ['POST', '/api/task/connect/test', OLD_NAME],
      ['POST', `/api/cluster/tryConnect?name=far&password=${SECRET}`],
    ];
    for (const spoil of [
      () => {},
      ({ down }: RestWorld) => void down.set('far.test', noAnswer()),
      ({ denied }: RestWorld) => void denied.add('create secrets').add('update secrets'),
      ({ resources }: RestWorld) => {
        resources.secretFailure = new ReplicationError('retryable', 'ApiUnavailable', 'away');
      },
      ({ resources }: RestWorld) => {
        resources.secretFailure = new Error('something nobody expected');
      },
    ]) {
      const { world, lines } = logged();
      const answers: Answer[] = [];
      spoil(world);
      for (const call of calls) answers.push(await world.call(...call));
      assert.ok(changes(lines).length >= 3);
      assert.doesNotMatch(lines.join(''), new RegExp(SECRET));
      assert.doesNotMatch(JSON.stringify(answers), new RegExp(SECRET));
    }
  });
});

describe('audited work', () => {
  const caller: Caller = { name: 'ann', may: async () => true };
  const request = { id: 'trace', ip: '127.0.0.1', user: caller };
  const change = { operation: 'update', kind: 'Cluster', namespace: ONE, name: 'far' } as const;

  function written() {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', format: 'json', destination: { write: (line) => lines.push(line) } });
    return { logger, lines };
  }

  it('passes its result and its error as they are, and tells the generations it knew', async () => {
    const { logger, lines } = written();
    assert.equal(await audited(logger, request, change, async () => 'made'), 'made');
    const error = complain('changedMeanwhile');
    const work = audited(logger, request, change, async (generations) => {
      generations.before = 3;
      generations.after = 4;
      throw error;
    });
    await assert.rejects(work, (thrown) => thrown === error);
    assert.deepEqual(changes(lines).map(inShort), [
      ['update', 'Cluster', 'one/far', 'done', undefined, undefined],
      ['update', 'Cluster', 'one/far', 'conflict', 3, 4],
    ]);
  });

  it('bounds a name that a caller made up, and lets none of it begin another line', async () => {
    const { logger, lines } = written();
    const name = `x\n{"msg":"change by REST"}${'y'.repeat(10_000)}`;
    await audited(logger, request, { ...change, name }, async () => {});
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.split('\n').length, 2);
    assert.equal(String(changes(lines)[0]?.['name']).length, 253);
  });
});

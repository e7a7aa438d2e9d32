import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  CANCEL_REQUESTED_ANNOTATION,
  clusterId,
  LEGACY_ID_ANNOTATION,
  RUN_REQUESTED_ANNOTATION,
  SUSPENDED_ANNOTATION,
  taskKey,
} from '../../../../src/api/names.ts';
import { CLUSTER_SPEC, noAnswer, ONE, type RestWorld, restWorld, TWO, taskBody, taskSpec } from './rest-world.ts';

const TASK = { namespace: ONE, name: 'nightly' };
const KEY = taskKey(ONE, 'nightly');
const FAR_ID = clusterId(ONE, 'far');
const ARGO = { tool: 'ArgoCD', application: 'shop', where: 'the Git repository of ArgoCD application shop' } as const;
const RUN = { recordId: '6b02fc51b143b3715aaaf985', startTime: '2026-11-22T00:00:00Z' };

function withCluster(): RestWorld {
  const world = restWorld();
  world.resources.apply('Cluster', { namespace: ONE, name: 'far', spec: CLUSTER_SPEC });
  return world;
}

function withTask(owner?: typeof ARGO | ((path: readonly string[]) => typeof ARGO | undefined)): RestWorld {
  const world = withCluster();
  world.resources.apply('ReplicaTask', { ...TASK, spec: taskSpec(), ...(owner === undefined ? {} : { owner }) });
  return world;
}

function annotation({ resources }: RestWorld, name: string): string | undefined {
  return resources.get('ReplicaTask', TASK)?.metadata.annotations?.[name];
}

describe('task create', () => {
  const PATHS = [
    '/replication//api/task/cluster',
    '/api/task/cluster/create',
    '/api/task/blob/create',
    '/api/task/blob',
    '/api/task/create/',
    '/web/replication/api/task/create',
    '/api/replication/api/task/create',
  ];
  for (const path of PATHS)
    it(`makes a ReplicaTask at ${path}, which the next page shows`, async () => {
      const { call, resources, pings } = withCluster();
      const { data } = await call('POST', path, taskBody({ remoteClusterIds: [FAR_ID] }));
      assert.deepEqual([data.key, data.name, data.createdBy], [KEY, 'nightly', 'ann']);
      assert.deepEqual(data.remoteClusters, [{ id: FAR_ID, name: 'far' }]);
      assert.equal(resources.get('ReplicaTask', TASK)?.spec.localProjectId, 'p1');
      assert.equal(pings.length, 1);
      assert.equal((await call('GET', '/api/task/page/p1')).data.records[0]?.key, KEY);
    });

  it('is made again without a change by the same body, and refused for another one', async () => {
    const { call, resources, pings } = withCluster();
    await call('POST', '/api/task/create', taskBody());
    const before = resources.get('ReplicaTask', TASK);
    const again = await call('POST', '/api/task/create', taskBody());
    assert.deepEqual([again.code, again.data.key], [0, KEY]);
    const other = await call('POST', '/api/task/create', taskBody({ description: 'another' }));
    assert.deepEqual([other.status, other.code], [400, 250_107]);
    assert.equal(resources.get('ReplicaTask', TASK), before);
    assert.equal(pings.length, 1);
  });

  it('is refused when kubectl made one of that name in another namespace, though it reads the same', async () => {
    const { call, resources } = withCluster();
    await call('POST', '/api/task/create', taskBody());
    const { spec } = resources.get('ReplicaTask', TASK) ?? {};
    await call('DELETE', `/api/task/delete/${KEY}`);
    resources.apply('ReplicaTask', { namespace: TWO, name: 'nightly', spec: spec ?? {} });
    assert.equal((await call('POST', '/api/task/create', taskBody())).code, 250_107);
  });

  it('is one task for two who make it at once', async () => {
    const { call, resources } = withCluster();
    const answers = await Promise.all([1, 2].map(() => call('POST', '/api/task/create', taskBody())));
    assert.deepEqual(
      answers.map(({ code, data }) => [code, data.key]),
      [
        [0, KEY],
        [0, KEY],
      ],
    );
    assert.equal(resources.list('ReplicaTask').length, 1);
  });

  it('goes into the namespace of its project, and reaches the Clusters there only', async () => {
    const { call, resources } = withCluster();
    const refusal = await call(
      'POST',
      '/api/task/create',
      taskBody({ localProjectId: 'two-a', remoteClusterIds: [FAR_ID] }),
    );
    assert.equal(refusal.code, 250_306);
    assert.match(refusal.message, new RegExp(`${FAR_ID}.*namespace one.*two`));
    resources.apply('Cluster', { namespace: TWO, name: 'far', spec: CLUSTER_SPEC });
    assert.equal((await call('POST', '/api/task/create', taskBody({ localProjectId: 'two-a' }))).code, 0);
    assert.notEqual(resources.get('ReplicaTask', { namespace: TWO, name: 'nightly' }), undefined);
  });

  const REFUSED: readonly {
    readonly what: string;
    readonly body: object;
    readonly code: number;
    readonly words: RegExp;
  }[] = [
    { what: 'two unknown clusters', body: { remoteClusterIds: ['no1', 'no2'] }, code: 250_306, words: /no1.*no2/ },
    {
      what: 'a far side that does not answer',
      body: { remoteClusterIds: ['far', 'down'] },
      code: 250_301,
      words: /\[down\]/,
    },
    {
      what: 'several empty fields',
      body: { name: '', replicaTaskObjects: [] },
      code: 250_104,
      words: /\[name\].*replicaTaskObjects/,
    },
    {
      what: 'a cron expression that is none',
      body: { setting: { executionStrategy: 'CRON_EXPRESSION', executionPlan: { cronExpression: 'x' } } },
      code: 250_105,
      words: /cronExpression/,
    },
    { what: 'a type that bk-repo alone has', body: { replicaType: 'RUN_ONCE' }, code: 250_105, words: /replicaType/ },
    { what: 'a wrong type of a field', body: { enabled: 'yes' }, code: 250_106, words: /enabled/ },
    {
      what: 'more days than the schema takes',
      body: { recordReserveDays: 100_000 },
      code: 250_106,
      words: /recordReserveDays/,
    },
  ];
  for (const { what, body, code, words } of REFUSED)
    it(`refuses ${what}, and makes nothing`, async () => {
      const { call, resources, down } = withCluster();
      resources.apply('Cluster', { namespace: ONE, name: 'down', spec: { ...CLUSTER_SPEC, url: 'http://down.test' } });
      down.set('down.test', noAnswer());
      const refusal = await call('POST', '/api/task/create', taskBody(body));
      assert.deepEqual([refusal.status, refusal.code], [400, code]);
      assert.match(refusal.message, words);
      assert.equal(resources.list('ReplicaTask').length, 0);
    });

  it('needs the right to create tasks in the namespace', async () => {
    const { call, denied, resources, audit } = withCluster();
    denied.add('create replicatasks one');
    assert.deepEqual((await call('POST', '/api/task/create', taskBody())).code, 250_113);
    assert.equal(resources.list('ReplicaTask').length, 0);
    assert.deepEqual(
      audit.map(({ user, operation, name, result }) => [user, operation, name, result]),
      [['ann', 'create', 'nightly', 'denied']],
    );
  });
});

describe('task reads', () => {
  function filled(): RestWorld {
    const world = withCluster();
    const { resources } = world;
    const legacy = { [LEGACY_ID_ANNOTATION]: '9134937ab7314dd38f317832d15ae205' };
    resources.apply('ReplicaTask', { ...TASK, spec: taskSpec(), annotations: legacy });
    resources.apply('ReplicaTask', { namespace: ONE, name: 'off', spec: taskSpec({ enabled: false, name: 'a.c' }) });
    resources.apply('ReplicaTask', { namespace: TWO, name: 'abc', spec: taskSpec({ localProjectId: 'two-a' }) });
    resources.apply('ReplicaTask', { namespace: 'kube-system', name: 'hidden', spec: taskSpec() });
    resources.setStatus('ReplicaTask', TASK, {
      lastExecutionStatus: 'ABORTED',
      lastExecutionTime: '2026-11-22T01:00:00Z',
      executionTimes: 1,
    });
    resources.setStatus('ReplicaTask', { namespace: ONE, name: 'off' }, { nextExecutionTime: '2026-11-23T01:00:00Z' });
    resources.setStatus(
      'ReplicaTask',
      { namespace: TWO, name: 'abc' },
      { activeRun: RUN, lastExecutionTime: '2026-11-22T02:00:00Z' },
    );
    return world;
  }

  /** For what only reads. */
  const shared = filled();

  const PAGES: readonly { readonly url: string; readonly names: readonly string[] }[] = [
    { url: 'page', names: ['abc', 'a.c', 'nightly'] },
    { url: 'page?sortDirection=ASC', names: ['nightly', 'a.c', 'abc'] },
    { url: 'page/p1', names: ['a.c', 'nightly'] },
    { url: 'page/two-a', names: ['abc'] },
    { url: 'page/nope', names: [] },
    { url: 'page?name=a', names: ['abc', 'a.c'] },
    { url: 'page?name=a.', names: ['a.c'] },
    { url: 'page?name=%5B', names: [] },
    { url: 'page?enabled=false', names: ['a.c'] },
    { url: 'page?lastExecutionStatus=FAILED', names: ['nightly'] },
    { url: 'page?lastExecutionStatus=RUNNING', names: ['abc'] },
    { url: 'page?lastExecutionStatus=SUCCESS', names: [] },
    { url: 'page?sortType=LAST_EXECUTION_TIME&pageSize=2', names: ['abc', 'nightly'] },
    { url: 'page?sortType=NEXT_EXECUTION_TIME&pageSize=1', names: ['a.c'] },
    { url: 'page?pageNumber=0&pageSize=5000', names: ['abc', 'a.c', 'nightly'] },
    { url: 'page?pageNumber=99999999999', names: [] },
  ];
  for (const base of ['/api/task', '/api/task/cluster', '/api/task/blob'])
    for (const { url, names } of base === '/api/task' ? PAGES : PAGES.slice(0, 3))
      it(`answers ${base}/${url}`, async () => {
        const { data, code } = await shared.call('GET', `${base}/${url}`);
        assert.equal(code, 0);
        assert.deepEqual(
          data.records.map(({ name }) => name),
          names,
        );
      });

  it('sorts again when a task has changed', async () => {
    const { call, resources } = filled();
    const first = async (): Promise<unknown> =>
      (await call('GET', '/api/task/page?sortType=NEXT_EXECUTION_TIME&pageSize=1')).data.records[0]?.name;
    assert.equal(await first(), 'a.c');
    resources.setStatus('ReplicaTask', TASK, { nextExecutionTime: '2026-11-24T01:00:00Z' });
    assert.equal(await first(), 'nightly');
  });

  it('caps a page at a thousand, and refuses what is no number or no sort', async () => {
    const { call } = filled();
    assert.equal((await call('GET', '/api/task/page?pageSize=5000')).data.pageSize, 1_000);
    for (const url of ['pageSize=abc', 'sortType=CREATE_TIME', 'enabled=maybe', 'sortDirection=UP'])
      assert.deepEqual((await call('GET', `/api/task/page?${url}`)).code, 250_131, url);
    assert.equal((await call('GET', '/api/task/cluster/list')).items.length, 3);
  });

  it('finds by key and legacy key, and shows the legacy one', async () => {
    const { call } = filled();
    for (const key of [KEY, '9134937ab7314dd38f317832d15ae205']) {
      const { data, headers } = await call('GET', `/api/task/info/${key}`);
      assert.deepEqual([data.key, data.id], ['9134937ab7314dd38f317832d15ae205', '9134937ab7314dd38f317832d15ae205']);
      assert.match(String(headers['etag']), /^"uid-\d+-1"$/);
      assert.equal((await call('GET', `/api/task/detail/${key}`)).data.objects[0]?.localRepoName, 'gen');
      assert.equal((await call('GET', `/api/task/cluster/detail/${key}`)).data.name, 'nightly');
      assert.equal((await call('GET', `/api/task/blob/canUpdated/${key}`)).data, false);
    }
    assert.equal((await call('GET', `/api/task/cluster/canUpdated/${taskKey(ONE, 'off')}`)).data, true);
  });

  const ODD = ['nope', 'x'.repeat(8_000), '%00', '..%2F..%2Fetc', '__proto__', taskKey('kube-system', 'hidden')];
  for (const odd of ODD)
    it(`knows no task ${odd.slice(0, 40)}`, async () => {
      const { call } = shared;
      for (const url of ['info', 'detail', 'cluster/canUpdated']) {
        const answer = await call('GET', `/api/task/${url}/${odd}`);
        assert.deepEqual([answer.status, answer.code], [400, 250_310], url);
      }
      assert.deepEqual((await call('GET', `/api/task/cluster/detail/${odd}`)).data, null);
      for (const url of ['execute', 'interrupt', 'toggle/status'])
        assert.equal((await call('POST', `/api/task/${url}/${odd}`)).code, 250_310, url);
      assert.equal((await call('DELETE', `/api/task/delete/${odd}`)).code, 0);
      assert.deepEqual((await call('GET', `/api/task/record/list/${odd}`)).data, []);
      assert.equal((await call('GET', `/api/task/record/${odd}`)).code, 250_310);
    });

  it('shows the namespaces that the caller may list', async () => {
    const { call, denied } = filled();
    denied.add('list replicatasks one');
    assert.equal((await call('GET', '/api/task/page')).data.totalRecords, 1);
    denied.add('list replicatasks');
    assert.equal((await call('GET', '/api/task/list')).status, 403);
    denied.add('get replicatasks');
    assert.equal((await call('GET', `/api/task/info/${KEY}`)).status, 403);
  });
});

describe('task update', () => {
  const body = (changes: object = {}) => ({ ...taskBody(changes), key: KEY });

  it('changes a task that never ran', async () => {
    const world = withTask();
    const { call, resources } = world;
    assert.deepEqual((await call('POST', '/api/task/update', body({ description: 'new' }))).data, null);
    assert.equal(resources.get('ReplicaTask', TASK)?.spec.description, 'new');
    const { data } = await call('GET', `/api/task/info/${KEY}`);
    assert.deepEqual([data.description, data.lastModifiedBy], ['new', 'ann']);
  });

  it('takes the body of the old generation, and answers the task', async () => {
    const { call, resources } = withTask();
    const { code, data } = await call('POST', '/api/task/cluster/update', {
      name: 'renamed',
      taskKey: KEY,
      setting: { executionPlan: { cronExpression: '0 0 4 * * ?' } },
      replicationInfo: [
        { remoteClusterName: ['far'], repoInfo: [{ localRepoName: 'mvn', type: 'MAVEN', packageInfo: [] }] },
      ],
    });
    assert.deepEqual([code, data.name, data.key], [0, 'renamed', KEY]);
    assert.equal(resources.get('ReplicaTask', TASK)?.spec.replicaTaskObjects[0]?.localRepoName, 'mvn');
  });

  it('asks the far sides of an old body first, unless it says not to', async () => {
    const { call, pings, down, resources } = withTask();
    down.set('far.test', noAnswer());
    const old = {
      name: 'nightly',
      taskKey: KEY,
      setting: {},
      replicationInfo: [
        { remoteClusterName: ['far'], repoInfo: [{ localRepoName: 'mvn', type: 'MAVEN', packageInfo: [] }] },
      ],
    };
    assert.equal((await call('POST', '/api/task/blob/update', old)).code, 250_301);
    assert.deepEqual([pings.length, resources.get('ReplicaTask', TASK)?.metadata.generation], [1, 1]);
    assert.equal((await call('POST', '/api/task/blob/update', { ...old, validateConnectivity: false })).code, 0);
    assert.equal(pings.length, 1);
  });

  it('refuses what has run, what is running, unknown clusters, names in use, and unknown tasks', async () => {
    const { call, resources } = withTask();
    resources.apply('ReplicaTask', { namespace: TWO, name: 'other', spec: taskSpec() });
    assert.equal((await call('POST', '/api/task/update', body({ remoteClusterIds: ['nope'] }))).code, 250_306);
    assert.equal((await call('POST', '/api/task/update', body({ name: 'other' }))).code, 250_107);
    assert.equal((await call('POST', '/api/task/update', { ...body(), key: 'nope' })).code, 250_310);
    resources.setStatus('ReplicaTask', TASK, { activeRun: RUN });
    assert.equal((await call('POST', '/api/task/update', body())).code, 250_308);
    assert.equal(resources.get('ReplicaTask', TASK)?.metadata.generation, 1);
  });

  it('refuses a task that began to run between reading and writing', async () => {
    const { call, resources } = withTask();
    resources.meanwhile = () => resources.setStatus('ReplicaTask', TASK, { activeRun: RUN, executionTimes: 1 });
    assert.equal((await call('POST', '/api/task/update', body({ description: 'late' }))).code, 250_308);
    assert.equal(resources.get('ReplicaTask', TASK)?.spec.description, undefined);
  });

  it('loses nothing of two callers, nor of kubectl', async () => {
    const { call, resources } = withTask();
    const seen = String((await call('GET', `/api/task/info/${KEY}`)).headers['etag']);
    const answers = await Promise.all(
      ['a', 'b'].map((description) =>
        call('POST', '/api/task/update', body({ description }), { headers: { 'if-match': seen } }),
      ),
    );
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 409]));
    const winner = answers[0]?.status === 200 ? 'a' : 'b';
    assert.equal(resources.get('ReplicaTask', TASK)?.spec.description, winner);
    resources.meanwhile = () => resources.apply('ReplicaTask', { ...TASK, spec: taskSpec({ description: 'kubectl' }) });
    const late = await call('POST', '/api/task/update', body({ description: 'rest' }));
    assert.deepEqual([late.status, late.code], [409, 250_133]);
    assert.equal(resources.get('ReplicaTask', TASK)?.spec.description, 'kubectl');
  });

  it('refuses, naming the owner, what a GitOps tool owns', async () => {
    const { call, audit } = withTask(ARGO);
    const refusal = await call('POST', '/api/task/update', body({ description: 'new' }));
    assert.deepEqual([refusal.status, refusal.code], [409, 250_308]);
    assert.match(refusal.message, /ArgoCD.*shop.*Git repository/);
    assert.equal(audit.at(-1)?.['result'], 'owned');
  });
});

describe('task copy', () => {
  it('makes a disabled task with the same content', async () => {
    const { call, resources } = withTask();
    assert.deepEqual(
      (await call('POST', '/api/task/copy', { key: KEY, name: 'Copy of it', description: 'd' })).data,
      null,
    );
    const [copy] = resources.list('ReplicaTask').filter(({ spec }) => spec.name === 'Copy of it');
    assert.deepEqual([copy?.spec.enabled, copy?.spec.description, copy?.spec.localProjectId], [false, 'd', 'p1']);
  });

  it('refuses a name in use, an unknown task, and who may not read or create', async () => {
    const { call, denied } = withTask();
    assert.equal((await call('POST', '/api/task/copy', { key: KEY, name: 'nightly' })).code, 250_107);
    assert.equal((await call('POST', '/api/task/copy', { key: 'nope', name: 'new-one' })).code, 250_310);
    denied.add('create replicatasks');
    assert.equal((await call('POST', '/api/task/copy', { key: KEY, name: 'new-one' })).status, 403);
  });
});

describe('task control', () => {
  it('requests a run by an annotation with a new value each time, whoever owns the task', async () => {
    const world = withTask(ARGO);
    const { call } = world;
    const values: (string | undefined)[] = [];
    for (const base of ['/api/task', '/api/task/cluster', '/api/task/blob']) {
      assert.deepEqual((await call('POST', `${base}/execute/${KEY}`)).data, null);
      values.push(annotation(world, RUN_REQUESTED_ANNOTATION));
    }
    assert.equal(new Set(values).size, 3);
    assert.ok(!values.includes(undefined));
  });

  it('refuses to execute a disabled, a suspended and a running task', async () => {
    const { call, resources } = withTask();
    resources.setStatus('ReplicaTask', TASK, { activeRun: RUN });
    assert.equal((await call('POST', `/api/task/execute/${KEY}`)).code, 250_303);
    resources.apply('ReplicaTask', { ...TASK, spec: taskSpec(), annotations: { [SUSPENDED_ANNOTATION]: 'true' } });
    assert.equal((await call('POST', `/api/task/execute/${KEY}`)).code, 250_304);
    resources.apply('ReplicaTask', { ...TASK, spec: taskSpec({ enabled: false }) });
    assert.equal((await call('POST', `/api/task/execute/${KEY}`)).code, 250_304);
  });

  it('executes although status was written meanwhile', async () => {
    const world = withTask();
    world.resources.meanwhile = () => world.resources.setStatus('ReplicaTask', TASK, { schedule: 'changed' });
    assert.equal((await world.call('POST', `/api/task/execute/${KEY}`)).code, 0);
    assert.notEqual(annotation(world, RUN_REQUESTED_ANNOTATION), undefined);
    assert.equal(world.resources.get('ReplicaTask', TASK)?.status.schedule, 'changed');
  });

  it('interrupts by an annotation, and succeeds when nothing runs', async () => {
    const world = withTask(ARGO);
    assert.equal((await world.call('POST', `/api/task/cluster/interrupt/${KEY}`)).code, 0);
    world.resources.setStatus('ReplicaTask', TASK, { activeRun: RUN });
    assert.equal((await world.call('POST', `/api/task/interrupt/${KEY}`)).code, 0);
    assert.notEqual(annotation(world, CANCEL_REQUESTED_ANNOTATION), undefined);
  });

  it('toggles enabled there and back', async () => {
    const world = withTask();
    for (const enabled of [false, true]) {
      assert.equal((await world.call('POST', `/api/task/toggle/status/${KEY}`)).code, 0);
      assert.equal(world.resources.get('ReplicaTask', TASK)?.spec.enabled, enabled);
      assert.equal((await world.call('GET', `/api/task/info/${KEY}`)).data.enabled, enabled);
    }
  });

  it('toggles by the suspended annotation where a GitOps tool owns the spec', async () => {
    const world = withTask(ARGO);
    const generation = world.resources.get('ReplicaTask', TASK)?.metadata.generation;
    for (const enabled of [false, true]) {
      assert.equal((await world.call('POST', `/api/task/toggle/status/${KEY}`)).code, 0);
      assert.equal(annotation(world, SUSPENDED_ANNOTATION), enabled ? undefined : 'true');
      assert.equal((await world.call('GET', `/api/task/info/${KEY}`)).data.enabled, enabled);
    }
    assert.equal(world.resources.get('ReplicaTask', TASK)?.metadata.generation, generation);
  });

  it('refuses to enable what Git has disabled', async () => {
    const world = withCluster();
    world.resources.apply('ReplicaTask', { ...TASK, spec: taskSpec({ enabled: false }), owner: ARGO });
    const refusal = await world.call('POST', `/api/task/toggle/status/${KEY}`);
    assert.deepEqual([refusal.status, refusal.code], [409, 250_308]);
  });

  for (const [path, verb] of [
    ['execute', 'patch'],
    ['interrupt', 'patch'],
    ['toggle/status', 'update'],
  ] as const)
    it(`needs the right to ${verb} for ${path}`, async () => {
      const { call, denied, resources } = withTask();
      const before = resources.get('ReplicaTask', TASK);
      denied.add(`${verb} replicatasks`);
      assert.equal((await call('POST', `/api/task/${path}/${KEY}`)).code, 250_113);
      assert.equal(resources.get('ReplicaTask', TASK), before);
    });
});

describe('task delete', () => {
  it('removes it at once, and is no error again', async () => {
    const { call, resources } = withTask();
    for (const base of ['/api/task', '/api/task/cluster']) {
      assert.equal((await call('DELETE', `${base}/delete/${KEY}`)).code, 0);
      assert.equal(resources.list('ReplicaTask').length, 0);
    }
    assert.equal((await call('GET', '/api/task/page')).data.totalRecords, 0);
  });

  it('refuses what a GitOps tool owns, another entity tag, and who may not', async () => {
    const owned = withTask(ARGO);
    assert.equal((await owned.call('DELETE', `/api/task/delete/${KEY}`)).status, 409);
    const { call, denied, resources } = withTask();
    const stale = { headers: { 'if-match': '"uid-0-7"' } };
    assert.equal((await call('DELETE', `/api/task/delete/${KEY}`, undefined, stale)).code, 250_133);
    denied.add('delete replicatasks');
    assert.equal((await call('DELETE', `/api/task/delete/${KEY}`)).code, 250_113);
    assert.equal(resources.list('ReplicaTask').length, 1);
  });
});

describe('connect test', () => {
  it('asks a far side that is not stored, with the credentials of the body', async () => {
    const { call, pings, down } = restWorld();
    const body = { url: 'http://far.test/replication', username: 'admin', password: 'p' };
    assert.equal((await call('POST', '/api/task/cluster/connect/test', body)).code, 0);
    assert.deepEqual(pings, [{ url: body.url, credentials: { username: 'admin', password: 'p' } }]);
    down.set('far.test', noAnswer());
    assert.equal((await call('POST', '/api/task/blob/connect/test', { ...body, name: 'Far' })).code, 250_301);
    assert.equal((await call('POST', '/api/task/blob/connect/test', {})).code, 250_104);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import {
  ACCOUNT_ANNOTATION,
  CREATED_BY_ANNOTATION,
  clusterId,
  LEGACY_ID_ANNOTATION,
} from '../../../../src/api/names.ts';
import { ReplicationError } from '../../../../src/domain/errors.ts';
import { CLUSTER_BODY, CLUSTER_SPEC, noAnswer, ONE, restWorld, TWO, taskBody, taskSpec } from './rest-world.ts';

const FAR = { namespace: ONE, name: 'far' };
const ID = clusterId(ONE, 'far');
const ARGO = { tool: 'ArgoCD', application: 'shop', where: 'the Git repository of ArgoCD application shop' } as const;

describe('cluster create', () => {
  it('makes a Cluster and its Secret, and shows it at once and without the password', async () => {
    const { call, resources, pings } = restWorld();
    assert.deepEqual((await call('POST', '/replication/api/cluster/create', CLUSTER_BODY)).data, null);
    const made = resources.get('Cluster', FAR);
    assert.deepEqual(made?.spec.credentialsSecretRef, { name: 'far-credentials' });
    assert.equal(made?.metadata.annotations?.[CREATED_BY_ANNOTATION], 'ann');
    assert.equal(made?.metadata.annotations?.[ACCOUNT_ANNOTATION], 'writer');
    assert.deepEqual(resources.secrets.get('Secret/one/far-credentials'), { username: 'writer', password: 's3cret' });
    assert.deepEqual(pings, [{ url: CLUSTER_BODY.url, credentials: { username: 'writer', password: 's3cret' } }]);
    const { data } = await call('GET', '/api/cluster/page');
    assert.equal(data.totalRecords, 1);
    assert.equal(data.records[0]?.id, ID);
    assert.equal(data.records[0]?.username, 'writer');
    assert.equal(data.records[0]?.createdBy, 'ann');
    assert.ok(!JSON.stringify([data, made]).includes('s3cret'));
  });

  it('asks no far side with ping false, and makes it although the far side is down', async () => {
    const { call, pings, down, resources } = restWorld();
    down.set('far.test', noAnswer());
    const answer = await call('POST', '/api/cluster/create', { ...CLUSTER_BODY, ping: false });
    assert.deepEqual([answer.status, pings.length], [200, 0]);
    assert.notEqual(resources.get('Cluster', FAR), undefined);
  });

  const REFUSED: readonly {
    readonly what: string;
    readonly body: object;
    readonly answer: readonly [number, number];
    readonly words: RegExp;
    readonly query?: string;
  }[] = [
    {
      what: 'a far side that does not answer',
      body: { url: 'http://down.test' },
      answer: [400, 250_301],
      words: /\[far\]/,
    },
    {
      what: 'a host that the policy forbids',
      body: { url: 'http://forbidden.test' },
      answer: [400, 250_105],
      words: /\[url\].*policy/,
    },
    { what: 'a name that is there', body: { name: 'taken' }, answer: [400, 250_305], words: /\[taken\]/ },
    {
      what: 'a name that another namespace has',
      body: { name: 'Elsewhere' },
      answer: [400, 250_305],
      words: /Elsewhere/,
    },
    { what: 'a second centre', body: { type: 'CENTER' }, answer: [400, 250_309], words: /center/ },
    { what: 'an empty name', body: { name: ' ' }, answer: [400, 250_104], words: /\[name\]/ },
    { what: 'an unknown type', body: { type: 'MOON' }, answer: [400, 250_106], words: /type/ },
    {
      what: 'a namespace that is not served',
      body: {},
      query: '?namespace=kube-system',
      answer: [400, 250_105],
      words: /namespace/,
    },
  ];
  for (const { what, body, answer, words, query = '' } of REFUSED)
    it(`refuses ${what}, and makes nothing`, async () => {
      const { call, resources, down, audit } = restWorld();
      resources.apply('Cluster', { namespace: ONE, name: 'taken', spec: CLUSTER_SPEC });
      resources.apply('Cluster', { namespace: TWO, name: 'x', spec: { ...CLUSTER_SPEC, name: 'Elsewhere' } });
      resources.apply('Cluster', { namespace: ONE, name: 'centre', spec: { ...CLUSTER_SPEC, type: 'CENTER' } });
      down.set('down.test', noAnswer());
      down.set('forbidden.test', new ReplicationError('spec', 'HostNotAllowed', 'the policy does not allow this host'));
      const before = resources.list('Cluster').length;
      const refusal = await call('POST', `/api/cluster/create${query}`, { ...CLUSTER_BODY, ...body });
      assert.deepEqual([refusal.status, refusal.code], answer);
      assert.match(refusal.message, words);
      assert.ok(!refusal.message.includes('s3cret'));
      assert.equal(resources.list('Cluster').length, before);
      assert.ok(audit.every(({ result }) => result === 'refused'));
    });

  it('makes it in a served namespace that the query names', async () => {
    const { call, resources } = restWorld();
    assert.equal((await call('POST', '/api/cluster/create?namespace=two', CLUSTER_BODY)).status, 200);
    assert.notEqual(resources.get('Cluster', { namespace: TWO, name: 'far' }), undefined);
  });

  it('takes the Cluster back when its password cannot be stored', async () => {
    const { call, resources } = restWorld();
    resources.secretFailure = new ReplicationError(
      'spec',
      'SecretForeign',
      'Secret far-credentials is not of this Cluster',
    );
    const answer = await call('POST', '/api/cluster/create', CLUSTER_BODY);
    assert.deepEqual([answer.status, answer.code], [400, 250_107]);
    assert.equal(resources.get('Cluster', FAR), undefined);
  });

  it('takes the Cluster back also when its status was written meanwhile', async () => {
    const { call, resources } = restWorld();
    resources.writeCredentials = async () => {
      resources.setStatus('Cluster', FAR, { health: 'UNHEALTHY' });
      throw new ReplicationError('retryable', 'ApiUnavailable', 'no answer');
    };
    assert.equal((await call('POST', '/api/cluster/create', CLUSTER_BODY)).status, 503);
    assert.equal(resources.get('Cluster', FAR), undefined);
  });

  it('is a success for two who make the same at once, and 250305 for who makes another or has a password', async () => {
    const { username: _username, password: _password, ...open } = CLUSTER_BODY;
    const secret = { credentialsSecretRef: { name: 'far-credentials' } };
    for (const [body, changes, code] of [
      [open, {}, 0],
      [open, { url: 'http://else.test' }, 250_305],
      [CLUSTER_BODY, secret, 250_305],
    ] as const) {
      const { call, resources } = restWorld();
      const spec = { ...CLUSTER_SPEC, name: 'far', ...changes };
      resources.meanwhile = () => resources.apply('Cluster', { ...FAR, spec });
      assert.equal((await call('POST', '/api/cluster/create', body)).code, code);
      assert.equal(resources.get('Cluster', FAR)?.spec.url, spec.url);
      assert.equal(resources.secrets.size, 0, 'the password of the other stays');
    }
  });

  it('needs the right to create Clusters, and Secrets when there is a password', async () => {
    const { call, denied, resources, pings } = restWorld();
    denied.add('create secrets');
    const refusal = await call('POST', '/api/cluster/create', CLUSTER_BODY);
    assert.deepEqual([refusal.status, refusal.code], [403, 250_113]);
    const { username: _username, password: _password, ...open } = CLUSTER_BODY;
    assert.equal((await call('POST', '/api/cluster/create', open)).status, 200);
    denied.add('create clusters');
    assert.equal((await call('POST', '/api/cluster/create', { ...open, name: 'other' })).status, 403);
    assert.deepEqual([resources.list('Cluster').length, pings.length], [1, 1]);
  });
});

describe('cluster reads', () => {
  function filled() {
    const world = restWorld();
    const { resources } = world;
    resources.apply('Cluster', {
      ...FAR,
      spec: CLUSTER_SPEC,
      annotations: { [LEGACY_ID_ANNOTATION]: '6b02fc43b143b3715aaaf980' },
    });
    resources.apply('Cluster', { namespace: TWO, name: 'fa-b', spec: { ...CLUSTER_SPEC, name: 'fa.*', type: 'EDGE' } });
    resources.apply('Cluster', { namespace: ONE, name: 'centre', spec: { ...CLUSTER_SPEC, type: 'CENTER' } });
    resources.apply('Cluster', { namespace: 'kube-system', name: 'hidden', spec: CLUSTER_SPEC });
    return world;
  }

  /** For what only reads. */
  const shared = filled();

  const LISTS: readonly { readonly url: string; readonly names: readonly string[] }[] = [
    { url: 'list', names: ['centre', 'fa.*', 'far'] },
    { url: 'list?name=fa', names: ['fa.*', 'far'] },
    { url: `list?name=${encodeURIComponent('fa.*')}`, names: ['fa.*'] },
    { url: `list?name=${encodeURIComponent('(')}`, names: [] },
    { url: 'list?type=STANDALONE', names: ['far'] },
    { url: 'list/edge', names: ['fa.*'] },
  ];
  for (const { url, names } of LISTS)
    it(`lists by ${url}`, async () => {
      const { items } = await shared.call('GET', `/api/cluster/${url}`);
      assert.deepEqual(
        items.map(({ name }) => name),
        names,
      );
    });

  it('pages, with the old names of the counts', async () => {
    const { data } = await filled().call('GET', '/api/cluster/page?pageNumber=2&pageSize=2');
    assert.equal(data.records.length, 1);
    const { records: _records, ...counts } = data;
    assert.deepEqual(counts, { pageNumber: 2, pageSize: 2, totalRecords: 3, totalPages: 2, count: 3, page: 2 });
  });

  it('finds by id, legacy id and name, with an entity tag, and answers null for what is unknown', async () => {
    const { call, resources } = filled();
    for (const url of [`info/${ID}`, 'info/6b02fc43b143b3715aaaf980', 'info?name=far', 'info/center']) {
      const answer = await call('GET', `/api/cluster/${url}`);
      assert.equal(answer.data.name, url === 'info/center' ? 'centre' : 'far');
      if (url !== 'info/center')
        assert.equal(answer.headers['etag'], `"${resources.get('Cluster', FAR)?.metadata.uid}-1"`);
    }
    for (const url of [
      'info/nope',
      'info?name=nope',
      `info/${'x'.repeat(8_000)}`,
      'info/%00',
      'info/..%2F..%2Fetc',
      `info/${clusterId('kube-system', 'hidden')}`,
    ])
      assert.deepEqual((await call('GET', `/api/cluster/${url}`)).data, null, url);
    assert.equal((await call('GET', '/api/cluster/exist?name=far')).data, true);
    assert.equal((await call('GET', '/api/cluster/exist?name=hidden')).data, false);
    assert.equal((await call('GET', '/api/cluster/exist')).code, 250_103);
  });

  it('answers 250306 where there is not exactly one centre', async () => {
    const { call, resources } = restWorld();
    assert.deepEqual([(await call('GET', '/api/cluster/info/center')).code], [250_306]);
    for (const name of ['a', 'b'])
      resources.apply('Cluster', { namespace: ONE, name, spec: { ...CLUSTER_SPEC, type: 'CENTER' } });
    const answer = await call('GET', '/api/cluster/info/center');
    assert.deepEqual([answer.status, answer.code], [400, 250_306]);
  });

  it('finds a name in the namespaces that the caller may list, when an older one is elsewhere', async () => {
    const { call, resources, denied } = restWorld();
    resources.apply('Cluster', { namespace: ONE, name: 'a', spec: { ...CLUSTER_SPEC, name: 'twin' } });
    resources.apply('Cluster', { namespace: TWO, name: 'b', spec: { ...CLUSTER_SPEC, name: 'twin' } });
    assert.equal((await call('GET', '/api/cluster/info?name=twin')).data.id, clusterId(ONE, 'a'));
    assert.equal((await call('GET', '/api/cluster/list')).items.length, 2);
    denied.add('list clusters one');
    assert.equal((await call('GET', '/api/cluster/info?name=twin')).data.id, clusterId(TWO, 'b'));
  });

  it('shows the namespaces that the caller may list, and refuses who may list none', async () => {
    const { call, denied } = filled();
    denied.add('list clusters one');
    assert.equal((await call('GET', '/api/cluster/list')).items.length, 1);
    assert.deepEqual((await call('GET', '/api/cluster/exist?name=far')).data, false);
    denied.add('list clusters');
    assert.deepEqual((await call('GET', '/api/cluster/page')).code, 250_113);
    denied.add('get clusters');
    assert.deepEqual((await call('GET', `/api/cluster/info/${ID}`)).status, 403);
  });
});

describe('cluster update', () => {
  const UPDATE = { name: 'far', type: 'STANDALONE', url: 'http://new.test/replication' };

  it('changes what the body says, keeps the rest, and asks the far side with the new password', async () => {
    const { call, resources, pings } = restWorld();
    await call('POST', '/api/cluster/create', CLUSTER_BODY);
    const { data, headers } = await call('POST', '/api/cluster/update', {
      ...UPDATE,
      username: 'other',
      password: 'n3w',
    });
    assert.deepEqual([data.url, data.username, data.lastModifiedBy], [UPDATE.url, 'other', 'ann']);
    assert.deepEqual(pings.at(-1), { url: UPDATE.url, credentials: { username: 'other', password: 'n3w' } });
    assert.deepEqual(resources.secrets.get('Secret/one/far-credentials'), { username: 'other', password: 'n3w' });
    assert.equal(headers['etag'], `"${resources.get('Cluster', FAR)?.metadata.uid}-2"`);
    await call('POST', '/api/cluster/update', { ...UPDATE, url: 'http://third.test' });
    assert.deepEqual(resources.get('Cluster', FAR)?.spec.credentialsSecretRef, { name: 'far-credentials' });
  });

  it('sends a stored password to another url only for who may read it, and lets others change the rest', async () => {
    const { call, resources, pings, denied, asked } = restWorld();
    await call('POST', '/api/cluster/create', CLUSTER_BODY);
    denied.add('get secrets');
    const refusal = await call('POST', '/api/cluster/update', UPDATE);
    assert.deepEqual([refusal.status, refusal.code, pings.length], [403, 250_113, 1]);
    assert.deepEqual(asked.at(-1), { verb: 'get', resource: 'secrets', namespace: ONE, name: 'far-credentials' });
    assert.equal(resources.get('Cluster', FAR)?.spec.url, CLUSTER_BODY.url);
    assert.equal(
      (await call('POST', '/api/cluster/update', { ...UPDATE, url: CLUSTER_BODY.url, type: 'EDGE' })).code,
      0,
    );
    for (const account of [{ username: 'writer', password: 'n3w' }, { username: '' }])
      assert.equal((await call('POST', '/api/cluster/update', { ...UPDATE, ...account })).code, 0);
  });

  it('changes no url when the new password cannot be stored, so the old one goes nowhere else', async () => {
    const { call, resources } = restWorld();
    await call('POST', '/api/cluster/create', CLUSTER_BODY);
    resources.secretFailure = new ReplicationError('spec', 'SecretForeign', 'Secret far-credentials is another one');
    const refusal = await call('POST', '/api/cluster/update', { ...UPDATE, username: 'writer', password: 'n3w' });
    assert.equal(refusal.status, 400);
    assert.equal(resources.get('Cluster', FAR)?.spec.url, CLUSTER_BODY.url);
  });

  it('loses nothing when status was written meanwhile, and refuses when the spec was', async () => {
    const { call, resources } = restWorld();
    resources.apply('Cluster', { ...FAR, spec: CLUSTER_SPEC });
    resources.meanwhile = () => resources.setStatus('Cluster', FAR, { health: 'HEALTHY' });
    assert.equal((await call('POST', '/api/cluster/update', UPDATE)).code, 0);
    assert.equal(resources.get('Cluster', FAR)?.status.health, 'HEALTHY');
    resources.meanwhile = () =>
      resources.apply('Cluster', { ...FAR, spec: { ...CLUSTER_SPEC, url: 'http://kubectl.test' } });
    const refusal = await call('POST', '/api/cluster/update', UPDATE);
    assert.deepEqual([refusal.status, refusal.code], [409, 250_133]);
    assert.equal(resources.get('Cluster', FAR)?.spec.url, 'http://kubectl.test');
  });

  it('refuses with another entity tag than that of the present version', async () => {
    const { call, resources } = restWorld();
    resources.apply('Cluster', { ...FAR, spec: CLUSTER_SPEC });
    const seen = String((await call('GET', '/api/cluster/info?name=far')).headers['etag']);
    assert.equal((await call('POST', '/api/cluster/update', UPDATE, { headers: { 'if-match': seen } })).code, 0);
    const refusal = await call('POST', '/api/cluster/update', UPDATE, { headers: { 'if-match': seen } });
    assert.deepEqual([refusal.status, refusal.code], [409, 250_133]);
  });

  it('refuses, naming the owner, what a GitOps tool owns', async () => {
    const { call, resources, audit } = restWorld();
    resources.apply('Cluster', { ...FAR, spec: CLUSTER_SPEC, owner: ARGO });
    const refusal = await call('POST', '/api/cluster/update', UPDATE);
    assert.deepEqual([refusal.status, refusal.code], [409, 250_113]);
    assert.match(refusal.message, /ArgoCD.*shop.*Git repository/);
    assert.equal(resources.get('Cluster', FAR)?.spec.url, CLUSTER_SPEC.url);
    assert.deepEqual(
      audit.map(({ operation, result }) => [operation, result]),
      [['update', 'owned']],
    );
  });

  it('changes fields beside one that a tool owns', async () => {
    const { call, resources } = restWorld();
    const spec = { ...CLUSTER_SPEC, limits: { concurrency: 2 } };
    resources.apply('Cluster', { ...FAR, spec, owner: (path) => (path[1] === 'limits' ? ARGO : undefined) });
    assert.equal((await call('POST', '/api/cluster/update', UPDATE)).code, 0);
    assert.equal(resources.get('Cluster', FAR)?.spec.limits.concurrency, 2);
  });

  it('answers 250306 for an unknown name, 250301 for a far side that does not answer', async () => {
    const { call, resources, down } = restWorld();
    assert.equal((await call('POST', '/api/cluster/update', UPDATE)).code, 250_306);
    resources.apply('Cluster', { ...FAR, spec: CLUSTER_SPEC });
    down.set('new.test', noAnswer());
    assert.equal((await call('POST', '/api/cluster/update', UPDATE)).code, 250_301);
    assert.equal(resources.get('Cluster', FAR)?.spec.url, CLUSTER_SPEC.url);
  });
});

describe('cluster delete', () => {
  it('removes the Cluster with its Secret, and knows it no more', async () => {
    const { call, resources, audit } = restWorld();
    await call('POST', '/api/cluster/create', CLUSTER_BODY);
    assert.equal((await call('DELETE', `/api/cluster/delete/${ID}`)).code, 0);
    assert.deepEqual([resources.list('Cluster').length, resources.secrets.size], [0, 0]);
    const again = await call('DELETE', `/api/cluster/delete/${ID}`);
    assert.deepEqual([again.status, again.code], [400, 250_306]);
    assert.deepEqual(
      audit.map(({ operation, result }) => [operation, result]),
      [
        ['create', 'done'],
        ['delete', 'done'],
        ['delete', 'refused'],
      ],
    );
  });

  it('hides one that tasks keep, and says who keeps it to who makes it anew', async () => {
    const { call, resources } = restWorld();
    resources.apply('Cluster', { ...FAR, spec: CLUSTER_SPEC, finalizers: ['replication.bkrepo.io/finalizer'] });
    resources.apply('ReplicaTask', { namespace: ONE, name: 'nightly', spec: taskSpec() });
    assert.equal((await call('DELETE', `/api/cluster/delete/${ID}`)).code, 0);
    assert.deepEqual((await call('GET', '/api/cluster/list')).data, []);
    const refusal = await call('POST', '/api/cluster/create', CLUSTER_BODY);
    assert.equal(refusal.code, 250_305);
    assert.match(refusal.message, /nightly/);
    const another = await call('POST', '/api/task/create', taskBody({ name: 'other', remoteClusterIds: [FAR.name] }));
    assert.equal(another.code, 250_306, 'a new task cannot name it');
  });

  it('refuses what a GitOps tool owns, and who may not', async () => {
    const { call, resources, denied } = restWorld();
    resources.apply('Cluster', { ...FAR, spec: CLUSTER_SPEC, owner: ARGO });
    assert.equal((await call('DELETE', `/api/cluster/delete/${ID}`)).status, 409);
    denied.add('delete clusters');
    assert.equal((await call('DELETE', `/api/cluster/delete/${ID}`)).status, 403);
    assert.notEqual(resources.get('Cluster', FAR), undefined);
  });
});

describe('tryConnect', () => {
  const ASKED: readonly { readonly what: string; readonly ask: Parameters<ReturnType<typeof restWorld>['call']> }[] = [
    { what: 'POST with query', ask: ['POST', '/api/cluster/tryConnect?name=far'] },
    { what: 'POST with form', ask: ['POST', '/api/cluster/tryConnect', undefined, { form: 'name=far' }] },
    { what: 'POST with JSON', ask: ['POST', '/api/cluster/tryConnect', { name: 'far' }] },
    { what: 'GET with query', ask: ['GET', '/replication/api/cluster/tryConnect?name=far'] },
    { what: 'GET with JSON', ask: ['GET', '/api/cluster/tryConnect', { name: 'far' }] },
  ];
  for (const { what, ask } of ASKED)
    it(`asks the far side: ${what}`, async () => {
      const { call, resources, pings, down } = restWorld();
      resources.apply('Cluster', { ...FAR, spec: CLUSTER_SPEC });
      assert.deepEqual([(await call(...ask)).code, pings.length], [0, 1]);
      resources.apply('Cluster', { ...FAR, spec: { ...CLUSTER_SPEC, url: 'http://down.test' } });
      down.set('down.test', noAnswer());
      const refusal = await call(...ask);
      assert.deepEqual([refusal.status, refusal.code], [400, 250_301]);
      assert.match(refusal.message, /\[far\]/);
    });

  it('asks once for ten callers at the same time', async () => {
    const { call, resources, pings } = restWorld();
    resources.apply('Cluster', { ...FAR, spec: CLUSTER_SPEC });
    await Promise.all(Array.from({ length: 10 }, () => call('POST', '/api/cluster/tryConnect?name=far')));
    assert.equal(pings.length, 1);
  });

  it('answers 250306 for an unknown name, 250103 without one', async () => {
    const { call } = restWorld();
    assert.equal((await call('POST', '/api/cluster/tryConnect?name=nope')).code, 250_306);
    assert.equal((await call('POST', '/api/cluster/tryConnect')).code, 250_103);
  });
});

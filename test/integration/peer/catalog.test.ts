import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { after, before, suite, test } from 'node:test';

import { systemClock } from '../../../src/lib/clock.ts';
import { startPeer } from '../../../src/peer/server.ts';
import { createBkRepoSource } from '../../../src/source/bkrepo-source.ts';
import type { NodeDoc, RepositoryDoc } from '../../../src/source/schema/documents.ts';
import { nodeCollectionName } from '../../../src/source/schema/sharding.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { ADMIN, type Answer, basic, PeerBed, type PeerSide, send, sha256 } from './client.ts';

let bed: PeerBed;
before(async () => {
  bed = await PeerBed.start();
});
after(async () => await bed.stop());

interface Records {
  readonly records: readonly Readonly<Record<string, unknown>>[];
  readonly totalRecords: number;
}

function rules(...more: readonly object[]): object {
  const equal = (field: string, value: string): object => ({ field, value, operation: 'EQ' });
  return { rules: [equal('projectId', 'rp1'), equal('repoName', 'gen'), ...more], relation: 'AND' };
}

async function search(side: PeerSide, body: object, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return await side.post('/repository/api/node/search', body, headers);
}

async function withFiles(name: string, options: Parameters<PeerBed['peer']>[1] = {}): Promise<PeerSide> {
  const side = await bed.peer(name, options);
  await side.repository();
  await side.push('one');
  for (const path of ['/a/1', '/a/b/2', '/secret/3', '/z']) await side.create(path, 'one', { metadata: { path } });
  return side;
}

suite('projects and repositories', () => {
  test('create is get-or-create, also many at once', async () => {
    const side = await bed.peer('getorcreate');
    const project = { name: 'rp1', displayName: 'first' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => side.post('/replica/project/create', project)));
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
    const again = await side.post('/replica/project/create', { name: 'rp1', displayName: 'second' });
    assert.equal((again.json.data as { displayName: string }).displayName, 'first');
    const repository = { projectId: 'rp1', name: 'gen', type: 'GENERIC', category: 'LOCAL', public: false };
    await Promise.all(Array.from({ length: 8 }, () => side.post('/replica/repo/create', repository)));
    assert.equal(await side.db.collection('repository').countDocuments(), 1);
    const other = await side.post('/replica/repo/create', { ...repository, type: 'MAVEN' });
    assert.equal((other.json.data as { type: string }).type, 'GENERIC');
  });

  const refused = [
    ['/replica/project/create', { name: '1 bad', displayName: 'x' }, 250105],
    ['/replica/project/create', { name: 'noDisplayName' }, 250106],
    ['/replica/repo/create', { projectId: 'none', name: 'r', type: 'GENERIC', category: 'LOCAL' }, 251004],
    ['/replica/repo/create', { projectId: 'rp1', name: 'r2', type: 'FOO', category: 'LOCAL' }, 250106],
    ['/replica/repo/create', { projectId: 'rp1', name: '../r', type: 'GENERIC', category: 'LOCAL' }, 250105],
    ['/replica/repo/update', { projectId: 'rp1', name: 'none' }, 251006],
    ['/replica/repo/delete', { projectId: 'rp1', name: 'none' }, 251006],
  ] as const;
  test('refuses what cannot be', async () => {
    const side = await bed.peer('refused');
    await side.repository();
    for (const [url, body, code] of refused) {
      const answer = await side.post(url, body);
      assert.deepEqual([answer.status, answer.json.code], [400, code], `${url} ${JSON.stringify(body)}`);
    }
  });

  test('a repository with files is deleted only by force, and its name can be used again', async () => {
    const side = await withFiles('delete');
    const name = { projectId: 'rp1', name: 'gen' };
    assert.equal((await side.post('/replica/repo/delete', name)).json.code, 251008);
    assert.equal((await side.post('/replica/repo/delete', { ...name, forced: true })).status, 200);
    assert.equal((await side.create('/new', 'one')).json.code, 251006);
    await side.repository();
    assert.equal((await side.create('/new', 'one')).status, 200);
    const listed = await search(side, { rule: rules() });
    assert.deepEqual(
      (listed.json.data as Records).records.map((record) => record['fullPath']),
      ['/new'],
    );
  });

  for (const faithful of [false, true])
    test(`repo/info shows a repository to who may read it, at a ${faithful ? 'faithful' : 'sound'} server`, async () => {
      const users = [ADMIN, { username: 'plain', password: 'good', projects: ['other'] }];
      const side = await bed.peer(`info-${faithful}`, { users, faithful });
      await side.repository();
      const ask = (path: string, headers = {}): Promise<Answer> =>
        side.call('GET', `/repository/api/repo/info/${path}`, { headers });
      for (const path of ['rp1/gen', 'rp1/gen/GENERIC']) {
        const { status, json } = await ask(path);
        const { projectId, name, type, category, storageCredentialsKey } = json.data as Record<string, unknown>;
        assert.deepEqual(
          [status, json.code, projectId, name, type, category, storageCredentialsKey],
          [200, 0, 'rp1', 'gen', 'GENERIC', 'LOCAL', null],
        );
        assert.ok(!Object.hasOwn(json.data as object, 'storageCredentials'));
      }
      const otherType = await ask('rp1/gen/MAVEN');
      assert.deepEqual([otherType.status, otherType.json.data], [200, null]);
      for (const path of ['rp1/none', 'none/gen']) {
        const missing = await ask(path);
        assert.deepEqual([missing.status, missing.json.code], [400, 251006], path);
      }
      const foreign = await ask('rp1/gen', { authorization: basic('plain', 'good') });
      assert.deepEqual([foreign.status, foreign.json.code], [403, 250113]);
      assert.equal((await send(side.peer.url, 'GET', '/repository/api/repo/info/rp1/gen')).status, 401);
    });

  test('update changes what is sent and nothing else', async () => {
    const side = await bed.peer('update');
    await side.repository();
    await side.post('/replica/repo/update', { projectId: 'rp1', name: 'gen', public: true, operator: 'bob' });
    const found = await side.db.collection<RepositoryDoc>('repository').findOne({ name: 'gen' });
    assert.deepEqual([found?.public, found?.description, found?.lastModifiedBy], [true, 'g', 'bob']);
  });
});

suite('node/search', () => {
  test('finds 4,000 paths in one call, with what was selected', async () => {
    const side = await withFiles('search');
    const paths = Array.from({ length: 4000 }, (_, at) => `/none/${at}/${'x'.repeat(200)}`);
    const answer = await search(side, {
      page: { pageNumber: 1, pageSize: 5000 },
      sort: { properties: ['fullPath'], direction: 'ASC' },
      select: ['fullPath', 'size', 'sha256', 'folder', 'metadata'],
      rule: rules({ field: 'fullPath', value: [...paths, '/z', '/a', '/a/1'], operation: 'IN' }),
    });
    const metadata = (path: string): object => ({
      metadata: { path },
      nodeMetadata: [{ key: 'path', value: path, system: false, description: null, link: null, color: null }],
    });
    assert.deepEqual((answer.json.data as Records).records, [
      { fullPath: '/a', size: 0, folder: true, metadata: {}, nodeMetadata: [] },
      { fullPath: '/a/1', size: 3, sha256: sha256('one'), folder: false, ...metadata('/a/1') },
      { fullPath: '/z', size: 3, sha256: sha256('one'), folder: false, ...metadata('/z') },
    ]);
  });

  test('nodeMetadata alone brings nothing, deleted nodes are not found', async () => {
    const side = await withFiles('select');
    await side.post('/replica/node/delete', { projectId: 'rp1', repoName: 'gen', fullPath: '/z' });
    const answer = await search(side, {
      select: ['nodeMetadata'],
      rule: rules({ field: 'fullPath', value: ['/a/1', '/z'], operation: 'IN' }),
    });
    assert.deepEqual((answer.json.data as Records).records, [{}]);
  });

  test('pages go on where they ended', async () => {
    const side = await withFiles('pages');
    const seen: unknown[] = [];
    for (let pageNumber = 1; pageNumber <= 4; pageNumber += 1) {
      const page = { pageNumber, pageSize: 2 };
      const answer = await search(side, { page, select: ['fullPath'], rule: rules() });
      seen.push(...(answer.json.data as Records).records.map((record) => record['fullPath']));
      assert.equal((answer.json.data as Records).totalRecords, 7);
    }
    assert.deepEqual(seen, ['/a', '/a/1', '/a/b', '/a/b/2', '/secret', '/secret/3', '/z']);
  });

  test("a project that is not there, or not the caller's, is 403", async () => {
    const users = [ADMIN, { username: 'plain', password: 'good', projects: ['other'] }];
    const side = await withFiles('foreign', { users });
    const none = { rules: [{ field: 'projectId', value: 'none', operation: 'EQ' }] };
    const plain = { authorization: basic('plain', 'good') };
    for (const answer of [await search(side, { rule: none }), await search(side, { rule: rules() }, plain)])
      assert.deepEqual([answer.status, answer.json.code], [403, 250113]);
    const nobody = await send(side.peer.url, 'POST', '/repository/api/node/search');
    assert.equal(nobody.status, 401);
  });

  test('hidden paths are a 403, and silently absent at a real server', async () => {
    const users = [
      ADMIN,
      { username: 'plain', password: 'good', projects: ['rp1'], hiddenPaths: ['/rp1/gen/secret/'] },
    ];
    const plain = { authorization: basic('plain', 'good') };
    const ask = {
      select: ['fullPath'],
      rule: rules({ field: 'fullPath', value: ['/secret/3', '/z'], operation: 'IN' }),
    };
    const side = await withFiles('hidden', { users });
    assert.equal((await search(side, ask, plain)).status, 403);
    const real = await withFiles('hidden-real', { users, faithful: true });
    assert.deepEqual((await search(real, ask, plain)).json.data, {
      pageNumber: 1,
      pageSize: 20,
      totalRecords: 1,
      totalPages: 1,
      records: [{ fullPath: '/z' }],
      count: 1,
      page: 1,
    });
  });

  test('detail and page read single nodes and folders', async () => {
    const side = await withFiles('detail');
    const detail = await side.call('GET', '/repository/api/node/detail/rp1/gen/a/b/2');
    assert.equal((detail.json.data as { nodeInfo: { fullPath: string } }).nodeInfo.fullPath, '/a/b/2');
    const none = await side.call('GET', '/repository/api/node/detail/rp1/gen/none');
    assert.deepEqual([none.status, none.json.code], [404, 251010]);
    const page = async (query: string): Promise<unknown> => {
      const answer = await side.call('GET', `/repository/api/node/page/rp1/gen/${query}`);
      return (answer.json.data as Records | null)?.records.map((record) => record['fullPath']);
    };
    assert.deepEqual(await page('?pageSize=10'), ['/a', '/secret', '/z']);
    assert.deepEqual(await page('a?pageSize=10'), ['/a/1', '/a/b']);
    assert.deepEqual(await page('a/?deep=true&includeFolder=false'), ['/a/1', '/a/b/2']);
    assert.equal((await side.call('GET', '/repository/api/node/page/rp1/gen?pageSize=x')).json.code, 250131);
  });
});

suite('the server', () => {
  test('serves both prefixes, collapses slashes, and answers what it does not know', async () => {
    const side = await bed.peer('urls', { version: '9.9.9' });
    for (const url of ['/replica/version', '/replication/replica/version', '//replication//replica/version/'])
      assert.equal((await side.call('GET', url)).json.data, '9.9.9', url);
    const unknown = await side.call('GET', '/replication/replica/nope?x=1');
    assert.deepEqual([unknown.status, unknown.json.code], [404, 250130]);
    assert.deepEqual((await side.call('GET', '/replica/node/create')).json.code, 250112);
    assert.equal((await side.call('GET', '/replica/%E0%A4%A')).status, 400);
    const text = await side.call('POST', '/replica/node/create', {
      headers: { 'content-type': 'text/plain' },
      body: '{}',
    });
    assert.deepEqual([text.status, text.json.code], [415, 250119]);
    const json = { headers: { 'content-type': 'application/json' } };
    for (const body of ['', '{', '[]', 'null'])
      assert.equal((await side.call('POST', '/replica/node/create', { ...json, body })).json.code, 250106);
    const large = await side.call('POST', '/replica/node/create', { ...json, body: `"${'x'.repeat(9 << 20)}"` });
    assert.deepEqual([large.status, large.json.code], [413, 250106]);
  });

  test('an account works in its projects alone, at a real server everywhere', async () => {
    const users = [ADMIN, { username: 'plain', password: 'good', projects: ['mine'] }];
    const headers = { authorization: basic('plain', 'good') };
    const side = await bed.peer('accounts', { users });
    const create = (name: string): object => ({ name, displayName: name });
    assert.equal((await side.post('/replica/project/create', create('mine'), headers)).status, 200);
    assert.equal((await side.post('/replica/project/create', create('theirs'), headers)).status, 403);
    const real = await bed.peer('accounts-real', { users, faithful: true });
    assert.equal((await real.post('/replica/project/create', create('theirs'), headers)).status, 200);
    assert.equal((await real.call('GET', '/replica/blob/check?sha256=aa', { headers })).status, 403);
  });

  test('idle connections stay open for more than five minutes', async () => {
    const side = await bed.peer('idle');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (): Promise<{ port: number | undefined; keepAlive: string }> => {
      const sending = request(`${side.peer.url}/replica/ping`, {
        agent,
        headers: { authorization: basic('admin', 'password') },
      });
      sending.end();
      const [answer] = (await once(sending, 'response')) as [IncomingMessage];
      const { localPort: port } = answer.socket;
      answer.resume();
      await once(answer, 'end');
      return { port, keepAlive: String(answer.headers['keep-alive']) };
    };
    const [first, second] = [await ask(), await ask()];
    assert.equal(first.port, second.port);
    assert.ok(Number(/timeout=(\d+)/.exec(first.keepAlive)?.[1]) > 300, first.keepAlive);
    agent.destroy();
  });

  test('ends at an abort, with connections open', async () => {
    const stopping = new AbortController();
    const options = { mongo: bed.mongod.uri, database: 'abort', storePath: `${bed.directory}/abort`, users: [ADMIN] };
    const peer = await startPeer(options, stopping.signal);
    const agent = new Agent({ keepAlive: true });
    const sending = request(`${peer.url}/replica/version`, { agent });
    sending.end();
    const [answer] = (await once(sending, 'response')) as [IncomingMessage];
    answer.resume();
    stopping.abort();
    await peer.close();
    await assert.rejects(send(peer.url, 'GET', '/replica/version'), { code: 'ECONNREFUSED' });
    agent.destroy();
  });

  test("what it has written is another run's source", async () => {
    const side = await withFiles('as-source');
    const source = createBkRepoSource({
      uri: bed.mongod.uri,
      database: 'as-source',
      storage: { type: 'filesystem', path: side.storePath },
      clock: systemClock,
      logger: silentLogger,
    });
    try {
      const signal = AbortSignal.timeout(10_000);
      const repository = await source.repository('rp1', 'gen', signal);
      assert.ok(repository !== undefined);
      const paths: string[] = [];
      for await (const page of source.nodes(repository, {}, 100, signal))
        for (const node of page) {
          paths.push(node.fullPath);
          const stream = await source.open(repository, node, 0, signal);
          const chunks: Buffer[] = [];
          for await (const chunk of stream) chunks.push(chunk as Buffer);
          assert.equal(Buffer.concat(chunks).toString(), 'one');
        }
      assert.deepEqual(paths, ['/a/1', '/a/b/2', '/secret/3', '/z']);
    } finally {
      await source.close();
    }
    assert.equal(await side.db.collection<NodeDoc>(nodeCollectionName('rp1')).countDocuments({ folder: true }), 3);
  });
});

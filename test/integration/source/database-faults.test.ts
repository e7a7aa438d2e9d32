import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { MongoClient } from 'mongodb';
import type { PackageSource, SourceRepository } from '../../../src/engine/ports/source.ts';
import { putVersion } from '../../support/bkrepo/packages/version.ts';
import { bytesOf, NEVER, nodeOf, pagesOf, repositoryOf, SourceHarness } from './harness.ts';

let harness: SourceHarness;

before(async () => {
  harness = await SourceHarness.start();
  const repository = await harness.builder('bkrepo').repository('p', 'r');
  for (let index = 0; index < 20; index += 1) await repository.putFile(`/f${index}`, `content ${index}`);
  await repository.putBlockFile('/blocks', ['one', 'two']);
  await putVersion(repository, { key: 'npm://a', name: 'a', type: 'NPM' }, { name: '1.0.0' });
});

after(() => harness.stop());

async function failure(promise: Promise<unknown>): Promise<{ code: string; errorClass: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { code: string; errorClass: string; message: string };
  }
  assert.fail('it was expected to fail');
}

async function packagesOf(source: PackageSource, repository: SourceRepository): Promise<string[]> {
  const found: string[] = [];
  for await (const packages of source.packages(repository, undefined, 10, NEVER))
    for (const item of packages) {
      assert.ok(await source.findPackage(repository, item.key, NEVER));
      for await (const versions of source.versions(item.id, undefined, 10, NEVER)) {
        const names = versions.map((version) => version.name);
        assert.equal((await source.findVersions(item.id, names, NEVER)).size, names.length);
        found.push(...names.map((name) => `${item.key}@${name}`));
      }
    }
  return found;
}

const connect = (uri: string) => harness.source('bkrepo', { uri });

describe('the account of the source', () => {
  it('needs nothing but the role read on its database, which cannot write', async () => {
    const uri = harness.mongod.uriFor('strict');
    const source = connect(uri);
    await source.check(NEVER);
    assert.ok(await source.project('p', NEVER));
    const repository = await repositoryOf(source, 'p', 'r');
    assert.equal((await pagesOf(source, repository, {}, 7)).flat().length, 21);
    assert.equal((await pagesOf(source, repository, { path: '/f1*' })).flat().length, 11);
    assert.equal(String(await bytesOf(source, repository, await nodeOf(source, repository, '/f7'))), 'content 7');
    const blocks = await source.resolve(repository, await nodeOf(source, repository, '/blocks'), NEVER);
    assert.equal(String(await bytesOf(source, repository, blocks)), 'onetwo');
    assert.deepEqual(await packagesOf(source, repository), ['npm://a@1.0.0']);
    const client = new MongoClient(uri);
    await assert.rejects(client.db('bkrepo').collection('node_112').insertOne({}), { code: 13 });
    await client.close();
  });

  it('changes nothing: the same documents, collections and indexes as before', async () => {
    const state = async (): Promise<unknown> => {
      const database = harness.db('bkrepo');
      const { collections, md5 } = await database.command({ dbHash: 1 });
      const indexes = await Promise.all(Object.keys(collections).map((name) => database.collection(name).indexes()));
      return { collections, md5, indexes };
    };
    const before = await state();
    // With an administrator's account: what it does not do is not merely forbidden to it.
    const source = connect(harness.mongod.uri);
    const repository = await repositoryOf(source, 'p', 'r');
    for await (const page of source.nodes(repository, {}, 5, NEVER))
      for (const node of page) await bytesOf(source, repository, await source.resolve(repository, node, NEVER));
    assert.equal((await packagesOf(source, repository)).length, 1);
    assert.deepEqual(await state(), before);
  });

  const refused: readonly (readonly [what: string, uri: () => string])[] = [
    ['a wrong password', () => harness.mongod.uriFor('strict').replace(':strict@', ':wrong-word@')],
    ['no right to the database', () => harness.mongod.uriFor('stranger')],
    ['no account at all', () => harness.mongod.uriFor('strict').replace('strict:strict@', '')],
  ];
  for (const [what, uri] of refused) {
    it(`with ${what} is the spec error SourceUnauthorized, without the password`, async () => {
      const error = await failure(connect(uri()).repository('p', 'r', NEVER));
      assert.deepEqual([error.code, error.errorClass], ['SourceUnauthorized', 'spec'], error.message);
      assert.ok(!error.message.includes('wrong-word'));
    });
  }

  it('with a connection string that is none is the spec error SourceMisconfigured, without its text', () => {
    for (const uri of [
      'mongodb://u:hidden@word@host/',
      'http://u:hidden@host/',
      'mongodb://u:hidden@h/?nonsense=1',
      '',
    ])
      assert.throws(
        () => connect(uri),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'SourceMisconfigured');
          assert.ok(!`${error.message}${String(error.cause)}${error.stack}`.includes('hidden'));
          return true;
        },
      );
  });
});

describe('the database of the source', () => {
  it('that is not there is the retryable error SourceUnavailable, soon', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    const source = connect(`mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=300`);
    for (const call of [source.check(NEVER), source.project('p', NEVER)]) {
      const error = await failure(call);
      assert.deepEqual([error.code, error.errorClass], ['SourceUnavailable', 'retryable']);
    }
  });

  it('that lost its index is the spec error SourceIndexMissing: no scan of a whole shard', async () => {
    const repository = await harness.builder('noindex').repository('p', 'r');
    await repository.putFile('/f', 'x');
    await harness.db('noindex').collection('node_112').dropIndex('projectId_repoName_fullPath_idx');
    const source = harness.source('noindex');
    const error = await failure(pagesOf(source, await repositoryOf(source, 'p', 'r')));
    assert.deepEqual([error.code, error.errorClass], ['SourceIndexMissing', 'spec']);
  });

  it('that is too slow is retryable: each query has a time limit', async () => {
    const source = harness.source('bkrepo', { uri: harness.mongod.uri, maxTimeMs: 1000 });
    const repository = await repositoryOf(source, 'p', 'r');
    const admin = harness.db('admin');
    await admin.command({ configureFailPoint: 'maxTimeAlwaysTimeOut', mode: 'alwaysOn' });
    try {
      const error = await failure(pagesOf(source, repository));
      assert.deepEqual([error.code, error.errorClass], ['SourceUnavailable', 'retryable']);
    } finally {
      await admin.command({ configureFailPoint: 'maxTimeAlwaysTimeOut', mode: 'off' });
    }
  });

  it('asked with an aborted signal answers with its reason', async () => {
    const reason = new Error('enough');
    const source = connect(harness.mongod.uriFor('strict'));
    const repository = await repositoryOf(source, 'p', 'r');
    await assert.rejects(source.project('p', AbortSignal.abort(reason)), reason);
    const controller = new AbortController();
    await assert.rejects(async () => {
      for await (const page of source.nodes(repository, {}, 5, controller.signal)) {
        assert.equal(page.length, 5);
        controller.abort(reason);
      }
    }, reason);
  });

  it('that hangs is given up when the signal says so, and goes on afterwards', async () => {
    const source = connect(harness.mongod.uriFor('strict'));
    const repository = await repositoryOf(source, 'p', 'r');
    await harness.mongod.kill('SIGSTOP');
    try {
      await assert.rejects(source.findNodes(repository, ['/f1'], AbortSignal.timeout(200)), { name: 'TimeoutError' });
    } finally {
      await harness.mongod.kill('SIGCONT');
    }
    assert.equal((await source.findNodes(repository, ['/f1'], NEVER)).size, 1);
  });

  it('killed in mid-listing is retryable, and the listing goes on behind the last path after its return', async () => {
    const source = connect(`${harness.mongod.uriFor('strict')}&serverSelectionTimeoutMS=500`);
    const repository = await repositoryOf(source, 'p', 'r');
    const all = (await pagesOf(source, repository)).flat();
    const seen: string[] = [];
    const error = await failure(
      (async () => {
        for await (const page of source.nodes(repository, {}, 5, NEVER)) {
          seen.push(...page.map((node) => node.fullPath));
          if (seen.length === 10) await harness.mongod.kill('SIGKILL');
        }
      })(),
    );
    assert.deepEqual([error.code, error.errorClass], ['SourceUnavailable', 'retryable'], error.message);
    assert.equal(seen.length, 10);
    await harness.mongod.restart();
    const rest = (
      await pagesOf(connect(harness.mongod.uriFor('strict')), repository, { after: seen.at(-1) ?? '' })
    ).flat();
    assert.deepEqual([...seen, ...rest], all);
  });
});

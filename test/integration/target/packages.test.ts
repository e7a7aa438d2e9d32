/** Packages and versions at our own receiving side, once right and once with the defects of real servers. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Long, MongoClient, ObjectId } from 'mongodb';

import type { Target, TargetRepository } from '../../../src/engine/ports/target.ts';
import { type Peer, startPeer } from '../../../src/peer/server.ts';
import { createBkRepoTarget } from '../../../src/target/bkrepo/target.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { PACKAGE, sourceVersion, versionRequest } from './package-samples.ts';
import { blobOf, failureOf, PASSWORD, targetOptions } from './support.ts';

let mongod: Mongod;
let client: MongoClient;
before(async () => {
  mongod = await startMongod();
  client = await MongoClient.connect(mongod.uri);
});
after(async () => {
  await client.close();
  await mongod.stop();
});

for (const faithful of [false, true]) {
  describe(faithful ? 'a far side with the defects of real servers' : 'a far side that is right', () => {
    const database = `packages_${faithful}`;
    const signal = AbortSignal.timeout(60_000);
    let directory: string;
    let peer: Peer;
    let target: Target;

    before(async () => {
      directory = await makeTempDir('target-packages');
      const users = [
        { username: 'robot', password: PASSWORD, admin: true },
        { username: 'guest', password: PASSWORD, projects: ['other'] },
      ];
      const mongo = `${mongod.uri}&w=1&journal=false`;
      peer = await startPeer({ mongo, database, storePath: directory, users, faithful });
      target = createBkRepoTarget(targetOptions(`${peer.url}/replication`));
    });
    after(async () => {
      await target.close();
      await peer.close();
      await removeDir(directory);
    });

    async function repositoryOf(name: string): Promise<TargetRepository> {
      return await target.prepareRepository(
        {
          project: { name: 'p1', displayName: 'p1', description: null },
          repository: {
            projectId: 'p1',
            name,
            type: 'NPM',
            category: 'LOCAL',
            description: null,
            configuration: {},
            credentialsKey: null,
          },
          remoteProjectId: 'rp1',
          remoteRepoName: name,
          create: true,
        },
        signal,
      );
    }

    test('says its origin, without the prefix of its url', () => assert.equal(target.origin, peer.url));

    test('has no package and no version before one is made', async () => {
      const repository = await repositoryOf('none');
      assert.equal(await target.findPackage(repository, PACKAGE.key, signal), undefined);
      assert.equal((await target.findVersions(repository, PACKAGE.key, ['1.0.0'], signal)).size, 0);
      assert.equal((await target.findVersions(repository, PACKAGE.key, [], signal)).size, 0);
    });

    test('shows a version with every field as it was sent, and the package with it', async () => {
      const repository = await repositoryOf('fields');
      assert.equal(await target.createVersion(repository, versionRequest('1.0.0'), signal), 'created');
      const found = await target.findVersions(repository, PACKAGE.key, ['1.0.0', '1.0'], signal);
      assert.deepEqual([...found], [['1.0.0', sourceVersion('1.0.0')]]);
      assert.deepEqual(await target.findPackage(repository, PACKAGE.key, signal), {
        key: PACKAGE.key,
        latest: '1.0.0',
        description: 'a library',
        versionTag: { 'next.1': '1.0.0' },
        extension: faithful ? sourceVersion('1.0.0').extension : PACKAGE.extension,
      });
    });

    test('leaves an existing version alone unless it shall be overwritten, then replaces all of it', async () => {
      const repository = await repositoryOf('existing');
      await target.createVersion(repository, versionRequest('1.0.0'), signal);
      const bare = {
        manifestPath: null,
        artifactPath: null,
        artifactPaths: [],
        stageTag: [],
        tags: [],
        metadata: [],
        extension: {},
        size: 1,
      };
      assert.equal(await target.createVersion(repository, versionRequest('1.0.0', bare), signal), 'existed');
      const one = async (): Promise<unknown> =>
        (await target.findVersions(repository, PACKAGE.key, ['1.0.0'], signal)).get('1.0.0');
      assert.deepEqual(await one(), sourceVersion('1.0.0'));
      assert.equal(await target.createVersion(repository, versionRequest('1.0.0', bare, true), signal), 'created');
      assert.deepEqual(await one(), { name: '1.0.0', createdBy: 'alice', ...bare });
    });

    for (const [what, artifactPath] of [
      ['its own', '/b.zip'],
      ['none, so the last becomes it', null],
    ] as const)
      test(`takes all artifact paths of a version with an artifactPath: ${what}`, async () => {
        const repository = await repositoryOf(`paths-${artifactPath === null}`);
        const artifactPaths = ['/a.zip', '/b.zip', '/c.zip'];
        await target.createVersion(repository, versionRequest('1.0.0', { artifactPath: '/old.zip' }), signal);
        await target.createVersion(repository, versionRequest('1.0.0', { artifactPath, artifactPaths }, true), signal);
        const found = await target.findVersions(repository, PACKAGE.key, ['1.0.0'], signal);
        const version = found.get('1.0.0');
        assert.deepEqual([...(version?.artifactPaths ?? [])].sort(), artifactPaths);
        assert.equal(version?.artifactPath, artifactPath ?? '/c.zip');
      });

    test('the version written last is the latest', async () => {
      const repository = await repositoryOf('latest');
      for (const name of ['2.0.0', '1.0.0']) await target.createVersion(repository, versionRequest(name), signal);
      assert.equal((await target.findPackage(repository, PACKAGE.key, signal))?.latest, '1.0.0');
      await target.createVersion(repository, versionRequest('2.0.0', {}, true), signal);
      assert.equal((await target.findPackage(repository, PACKAGE.key, signal))?.latest, '2.0.0');
    });

    test('has a version deleted, twice as well, and the package with the last one', async () => {
      const repository = await repositoryOf('deleted');
      for (const name of ['1.0.0', '2.0.0']) await target.createVersion(repository, versionRequest(name), signal);
      for (const when of [new Date(), new Date(0)])
        await target.deleteVersion(repository, PACKAGE.key, '2.0.0', when, signal);
      const left = await target.findVersions(repository, PACKAGE.key, ['1.0.0', '2.0.0'], signal);
      assert.deepEqual([...left.keys()], ['1.0.0']);
      assert.equal((await target.findPackage(repository, PACKAGE.key, signal))?.latest, '1.0.0');
      await target.deleteVersion(repository, PACKAGE.key, '1.0.0', new Date(0), signal);
      assert.equal(await target.findPackage(repository, PACKAGE.key, signal), undefined);
      await target.deleteVersion(repository, PACKAGE.key, '1.0.0', new Date(), signal);
    });

    test('finds versions by their exact names, however these look in a pattern', async () => {
      const repository = await repositoryOf('names');
      const there = [
        '1.0',
        '1.0.0',
        '1.0+b.1',
        'a|b',
        '(x',
        '[y]',
        '^z$',
        'q\\E',
        '版本 1',
        "o'clock",
        'a/b',
        '100',
        '*',
      ];
      for (const name of there) await target.createVersion(repository, versionRequest(name), signal);
      const absent = ['1', '1.0.', '1x0', '1.00', 'a', 'b', '0', '.*', '版本', 'A|B', ''];
      const found = await target.findVersions(repository, PACKAGE.key, [...there, ...absent, '1.0'], signal);
      assert.deepEqual([...found.keys()].sort(), [...there].sort());
      for (const name of there)
        assert.equal((await target.findVersions(repository, PACKAGE.key, [name], signal)).size, 1, name);
      for (const name of absent)
        assert.equal((await target.findVersions(repository, PACKAGE.key, [name], signal)).size, 0, name);
    });

    test('answers exactly for 10,000 versions of one package in pages of 500', async () => {
      const repository = await repositoryOf('many');
      await target.createVersion(repository, versionRequest('1.0.0'), signal);
      const db = client.db(database);
      const owner = await db.collection('package').findOne({ repoName: 'many' });
      assert.ok(owner !== null);
      const template = await db.collection('package_version').findOne({ packageId: owner._id.toHexString() });
      const names = Array.from({ length: 10_000 }, (_, at) => `1.${at % 100}.${at}-rc`);
      const copies = names.filter((_, at) => at % 2 === 0).map((name) => ({ ...template, _id: new ObjectId(), name }));
      await db.collection('package_version').insertMany(copies);
      const history = names.map((_, at) => `0.${at}.0`);
      await db
        .collection('package')
        .updateOne({ _id: owner._id }, { $set: { historyVersion: history, versions: Long.fromNumber(5_001) } });
      let found = 0;
      for (let from = 0; from < names.length; from += 500) {
        const batch = names.slice(from, from + 500);
        const page = await target.findVersions(repository, PACKAGE.key, batch, signal);
        assert.deepEqual([...page.keys()].sort(), batch.filter((_, at) => at % 2 === 0).sort());
        found += page.size;
      }
      assert.equal(found, 5_000);
    });

    test('reads documents back, and sees that their bytes are others', async () => {
      const repository = await repositoryOf('documents');
      const content = Buffer.from('{"name":"@scope/lib"}');
      const blob = blobOf(content);
      assert.equal(await target.readBlob(repository, blob.sha256, blob.size, signal), undefined);
      await target.pushBlob(repository, blob, signal);
      const read = await target.readBlob(repository, blob.sha256, blob.size, signal);
      assert.deepEqual(Buffer.from(read ?? []), content);
      const file = join(directory, blob.sha256.slice(0, 2), blob.sha256.slice(2, 4), blob.sha256);
      for (const wrong of ['{"name":"@scope/lid"}', 'short', `${content.toString()} and more`]) {
        await writeFile(file, wrong);
        const error = await failureOf(target.readBlob(repository, blob.sha256, blob.size, signal));
        assert.deepEqual([error.errorClass, error.code], ['retryable', 'DigestMismatch']);
        assert.match(error.message, new RegExp(blob.sha256));
      }
    });

    test('serves an EDGE with nothing but blob calls for a repository that nobody prepared', async () => {
      const edge: TargetRepository = { projectId: 'rp-edge', name: 'never-made', repoType: 'NPM', storageKey: null };
      for (const content of [Buffer.from('small'), Buffer.alloc(9 * 1024 * 1024, 7)]) {
        const blob = blobOf(content);
        assert.equal(await target.blobStored(edge, blob.sha256, signal), false);
        await target.pushBlob(edge, blob, signal);
        assert.equal(await target.blobStored(edge, blob.sha256, signal), true);
        const back = await target.readBack(edge, blob.sha256, blob.size, signal);
        assert.deepEqual(back, { sha256: createHash('sha256').update(content).digest('hex'), size: content.length });
      }
      assert.equal(await client.db(database).collection('project').countDocuments({ name: 'rp-edge' }), 0);
    });

    test('an account that may not read the project is told so, not that there is nothing', async () => {
      const repository = await repositoryOf('private');
      const guest = createBkRepoTarget(targetOptions(peer.url, { username: 'guest' }));
      try {
        for (const work of [
          () => guest.findPackage(repository, PACKAGE.key, signal),
          () => guest.findVersions(repository, PACKAGE.key, ['1.0.0'], signal),
        ]) {
          const error = await failureOf(work());
          assert.deepEqual([error.errorClass, error.code, error.remoteCode], ['cluster', 'Forbidden', 250113]);
        }
      } finally {
        await guest.close();
      }
    });

    test('a repository that is not there is an error of the far side, not an absence', async () => {
      const gone: TargetRepository = { projectId: 'rp1', name: 'gone', storageKey: null };
      for (const work of [
        () => target.findPackage(gone, PACKAGE.key, signal),
        () => target.findVersions(gone, PACKAGE.key, ['1.0.0'], signal),
        () => target.createVersion(gone, versionRequest('1.0.0'), signal),
      ])
        assert.equal((await failureOf(work())).code, 'RemoteRepoMissing');
    });
  });
}

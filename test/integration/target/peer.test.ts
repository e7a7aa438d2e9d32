/** The client against our own receiving side, once right and once with the defects of real servers. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';

import type { RepositoryRequest, Target } from '../../../src/engine/ports/target.ts';
import { VerifiedStream } from '../../../src/lib/verified-stream.ts';
import { type Peer, startPeer } from '../../../src/peer/server.ts';
import { probeBkRepo } from '../../../src/target/bkrepo/probe.ts';
import { createBkRepoTarget } from '../../../src/target/bkrepo/target.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { blobOf, failureOf, PASSWORD, sourceNode, targetOptions } from './support.ts';

const MiB = 1024 * 1024;
let mongod: Mongod;
before(async () => {
  mongod = await startMongod();
});
after(async () => {
  await mongod.stop();
});

const sha256Of = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

function place(repoName: string, changes: Partial<RepositoryRequest> = {}): RepositoryRequest {
  return {
    project: { name: 'p1', displayName: 'p1', description: null },
    repository: {
      projectId: 'p1',
      name: repoName,
      type: 'GENERIC',
      category: 'LOCAL',
      description: null,
      configuration: {},
      credentialsKey: null,
    },
    remoteProjectId: 'rp1',
    remoteRepoName: repoName,
    create: true,
    ...changes,
  };
}

for (const faithful of [false, true]) {
  describe(faithful ? 'a far side with the defects of real servers' : 'a far side that is right', () => {
    let directory: string;
    let peer: Peer;
    let target: Target;
    const signal = AbortSignal.timeout(60_000);

    before(async () => {
      directory = await makeTempDir('target-peer');
      const users = [{ username: 'robot', password: PASSWORD, admin: true }];
      // An always denying blob/check is the default of one edition only; the peer switches it apart from the others.
      const defects = { checkMayDeny: faithful };
      const database = `peer_${faithful}`;
      // Nothing here is about what a power failure leaves.
      const mongo = `${mongod.uri}&w=1&journal=false`;
      peer = await startPeer({ mongo, database, storePath: directory, users, faithful, defects });
      target = createBkRepoTarget(targetOptions(peer.url));
    });
    after(async () => {
      await target.close();
      await peer.close();
      await removeDir(directory);
    });

    const stored = (sha256: string): Promise<Buffer> =>
      readFile(join(directory, sha256.slice(0, 2), sha256.slice(2, 4), sha256));

    test('answers a probe', async () => {
      const result = await probeBkRepo(targetOptions(`${peer.url}/replication`), signal);
      assert.equal(result.version, '1.0.0');
      assert.equal(result.timeZoneOffset, faithful ? '+08:00' : '+00:00');
    });

    test('refuses a wrong password', async () => {
      const error = await failureOf(probeBkRepo(targetOptions(peer.url, { password: 'wrong' }), signal));
      assert.deepEqual([error.errorClass, error.code, error.remoteCode], ['cluster', 'Unauthorized', 250114]);
    });

    test('has a repository made once, found again, and not of another type', async () => {
      const first = await target.prepareRepository(place('made'), signal);
      assert.deepEqual(first, { projectId: 'rp1', name: 'made', repoType: 'GENERIC', storageKey: null });
      assert.deepEqual(await target.prepareRepository(place('made'), signal), first);
      const request = place('made');
      const maven = { ...request, repository: { ...request.repository, type: 'MAVEN' } };
      assert.equal((await failureOf(target.prepareRepository(maven, signal))).code, 'RepositoryTypeMismatch');
    });

    test('takes small files of every name, and shows them with digest, size and metadata', async () => {
      const repository = await target.prepareRepository(place('small'), signal);
      const names = [
        '/plain.txt',
        '/a/sp ace.txt',
        '/a/plus+sign',
        '/per%cent',
        '/amp&eq=x',
        '/中文/文件.txt',
        "/q'uote",
        '/empty',
      ];
      const metadata = [
        { key: 'color', value: 'rot', system: false },
        { key: 'count', value: 3, system: false },
        { key: 'digest_list', value: ['a', 'b'], system: true },
      ];
      for (const fullPath of names) {
        const content = Buffer.from(fullPath === '/empty' ? '' : fullPath.repeat(100));
        const blob = blobOf(content);
        assert.equal(await target.pushBlob(repository, blob, signal), 'accepted');
        assert.ok((await stored(blob.sha256)).equals(content));
        const node = sourceNode({ fullPath, size: blob.size, sha256: blob.sha256, md5: blob.md5, metadata });
        assert.equal(await target.createNode(repository, node, { overwrite: false }, signal), 'created');
        assert.equal(await target.createNode(repository, node, { overwrite: false }, signal), 'existed');
      }
      const found = await target.findNodes(repository, [...names, '/a', '/nowhere'], signal);
      assert.deepEqual([...found.keys()].sort(), [...names, '/a'].sort());
      assert.equal(found.get('/a')?.folder, true);
      const shown = found.get('/中文/文件.txt');
      assert.equal(shown?.sha256, sha256Of(Buffer.from('/中文/文件.txt'.repeat(100))));
      assert.deepEqual(shown?.metadata, metadata);
      const folder = await failureOf(
        target.createNode(repository, sourceNode({ fullPath: '/a' }), { overwrite: true }, signal),
      );
      assert.equal(folder.errorClass, 'unit');
    });

    test('has metadata saved and deleted by key', async () => {
      const repository = await target.prepareRepository(place('meta'), signal);
      const blob = blobOf(Buffer.from('meta'));
      await target.pushBlob(repository, blob, signal);
      const node = sourceNode({ fullPath: '/m', size: blob.size, sha256: blob.sha256, md5: blob.md5 });
      await target.createNode(repository, node, { overwrite: false }, signal);
      await target.saveMetadata(repository, '/m', [{ key: 'k', value: true, system: false }], signal);
      await target.deleteMetadata(repository, '/m', ['color'], signal);
      const found = await target.findNodes(repository, ['/m'], signal);
      assert.deepEqual(found.get('/m')?.metadata, [{ key: 'k', value: true, system: false }]);
    });

    test('shows when a file was modified at its source, and has it deleted, but nothing beside it', async () => {
      const repository = await target.prepareRepository(place('gone'), signal);
      const blob = blobOf(Buffer.from('gone'));
      await target.pushBlob(repository, blob, signal);
      const { size, sha256, md5 } = blob;
      for (const fullPath of ['/d/f', '/d/f.md5'])
        await target.createNode(repository, sourceNode({ fullPath, size, sha256, md5 }), { overwrite: false }, signal);
      const found = await target.findNodes(repository, ['/d/f'], signal);
      assert.deepEqual(found.get('/d/f')?.lastModifiedDate, sourceNode().lastModifiedDate);
      for (const when of [new Date(), new Date(0)]) await target.deleteNode(repository, '/d/f', when, signal);
      assert.deepEqual([...(await target.findNodes(repository, ['/d/f', '/d/f.md5'], signal)).keys()], ['/d/f.md5']);
    });

    test('takes a large file by chunks; only an honest check lets that be a proof', async () => {
      const repository = await target.prepareRepository(place('large'), signal);
      const content = randomBytes(20 * MiB + 7);
      const blob = blobOf(content);
      assert.equal(await target.pushBlob(repository, blob, signal), faithful ? 'accepted' : 'verified');
      assert.ok((await stored(blob.sha256)).equals(content));
      assert.equal(await target.blobStored(repository, blob.sha256, signal), !faithful);
      const read = await target.readBack(repository, blob.sha256, blob.size, signal);
      assert.deepEqual(read, { sha256: blob.sha256, size: blob.size });
      assert.equal(await target.readBack(repository, 'f'.repeat(64), 5, signal), undefined);
      const empty = blobOf(Buffer.alloc(0));
      await target.pushBlob(repository, empty, signal);
      assert.deepEqual(await target.readBack(repository, empty.sha256, 0, signal), { sha256: empty.sha256, size: 0 });
    });

    test('gets wrong bytes noticed: refused where the server checks, seen by reading back where it does not', async () => {
      const repository = await target.prepareRepository(place('wrong'), signal);
      const right = randomBytes(10_000);
      const wrong = Buffer.from(right);
      wrong[77] = (wrong[77] ?? 0) ^ 1;
      const claimed = { sha256: sha256Of(right), md5: '0'.repeat(32), size: right.length };
      const push = target.pushBlob(
        repository,
        { ...claimed, open: () => Promise.resolve(Readable.from([wrong])) },
        signal,
      );
      if (faithful) {
        assert.equal(await push, 'accepted');
        const read = await target.readBack(repository, claimed.sha256, claimed.size, signal);
        assert.equal(read?.sha256, sha256Of(wrong));
        return;
      }
      const error = await failureOf(push);
      assert.deepEqual([error.errorClass, error.code, error.remoteCode], ['retryable', 'DigestMismatch', 251003]);
      assert.equal(await target.readBack(repository, claimed.sha256, claimed.size, signal), undefined);
    });

    test('moves 200 MB through bounded memory', async () => {
      const repository = await target.prepareRepository(place('stream'), signal);
      const piece = randomBytes(MiB);
      const count = 200;
      const hash = createHash('sha256');
      for (let round = 0; round < count; round += 1) hash.update(piece);
      const declared = { sha256: hash.digest('hex'), size: count * MiB };
      function* content(): Generator<Buffer> {
        for (let round = 0; round < count; round += 1) yield piece;
      }
      const open = (): Promise<Readable> =>
        Promise.resolve(Readable.from(content(), { objectMode: false }).pipe(new VerifiedStream(declared)));
      let peak = 0;
      const sample = setInterval(() => (peak = Math.max(peak, process.memoryUsage().arrayBuffers)), 5);
      const atRest = process.memoryUsage().arrayBuffers;
      await target.pushBlob(repository, { ...declared, md5: '0'.repeat(32), open }, signal);
      const read = await target.readBack(repository, declared.sha256, declared.size, signal);
      clearInterval(sample);
      assert.deepEqual(read, declared);
      assert.ok(peak - atRest < 100 * MiB, `${(peak - atRest) / MiB} MiB of buffers for both sides together`);
    });
  });
}

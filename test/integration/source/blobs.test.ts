import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Long } from 'mongodb';
import type { SourceNode, SourceRepository } from '../../../src/engine/ports/source.ts';
import type { BkRepoSource } from '../../../src/source/bkrepo-source.ts';
import type { BkRepoSourceOptions } from '../../../src/source/options.ts';
import type { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { seededBytes, writeBlob } from '../../support/bkrepo/content.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { eventually } from '../../support/wait.ts';
import { bytesOf, NEVER, nodeOf, repositoryOf, SourceHarness } from './harness.ts';

const OLD = new Date('2026-01-01T00:00:00Z');
const BIG = 3_000_001;

let harness: SourceHarness;
let count = 0;

before(async () => {
  harness = await SourceHarness.start();
});

after(() => harness.stop());

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const big = Buffer.concat([...seededBytes(BIG, 3)]);

interface Setup {
  readonly name: string;
  readonly builder: BkRepoBuilder;
  readonly files: RepositoryBuilder;
  readonly source: (options?: Partial<BkRepoSourceOptions>) => Promise<Opened>;
}

interface Opened {
  readonly source: BkRepoSource;
  readonly repository: SourceRepository;
  readonly node: (path: string) => Promise<SourceNode>;
  readonly read: (path: string, start?: number) => Promise<Buffer>;
}

/** A bk-repo of its own with one repository `p/r`. */
async function setup(credentialsKey?: string): Promise<Setup> {
  count += 1;
  const name = `blobs${count}`;
  const builder = harness.builder(name, { references: false });
  const files = await builder.repository('p', 'r', credentialsKey === undefined ? {} : { credentialsKey });
  return {
    name,
    builder,
    files,
    async source(options = {}) {
      const source = harness.source(name, options);
      const repository = await repositoryOf(source, 'p', 'r');
      const node = (path: string) => nodeOf(source, repository, path);
      return {
        source,
        repository,
        node,
        read: async (path, start = 0) => bytesOf(source, repository, await node(path), start),
      };
    },
  };
}

/** Files this process has open; where the system does not tell, none. */
async function openFiles(): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const descriptors = await readdir('/proc/self/fd');
  return Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => 'closed meanwhile')));
}

async function failure(promise: Promise<unknown>): Promise<{ code: string; errorClass: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    return error as { code: string; errorClass: string; message: string };
  }
  assert.fail('it was expected to fail');
}

describe('blobs on a file system', () => {
  it('come whole and from any byte on, empty ones too', async () => {
    const { files, source } = await setup();
    await files.putFile('/big', big);
    await files.putFile('/empty', '');
    const { read } = await source();
    assert.deepEqual(await read('/big'), big);
    for (const start of [1, 262_144, BIG - 1, BIG]) assert.deepEqual(await read('/big', start), big.subarray(start));
    assert.equal((await read('/empty')).length, 0);
    assert.equal((await failure(read('/big', BIG + 1))).code, 'SourceDataInvalid');
  });

  it('come from the cache before the store, and from the store when the cache has a half-written copy', async () => {
    const { name, files, source } = await setup();
    const cache = harness.path(`${name}-cache`);
    const { sha256: digest } = await files.putFile('/f', 'from the store');
    await mkdir(blobPath(cache, digest).replace(/[^/]+$/, ''), { recursive: true });
    const options = { storage: { type: 'filesystem', path: files.storeDir, cachePath: cache } } as const;
    const { read } = await source(options);
    assert.equal(String(await read('/f')), 'from the store');
    await writeFile(blobPath(cache, digest), 'from the cache');
    assert.equal(String(await read('/f')), 'from the cache');
    assert.equal(String(await read('/f', 9)), 'cache');
    assert.equal(String(await read('/f', 14)), '');
    await writeFile(blobPath(cache, digest), 'from the c');
    assert.equal(String(await read('/f')), 'from the store');
  });

  it('are looked for under the repository, the default and the key it was copied from, in that order', async () => {
    const { name, builder, files, source } = await setup('own');
    const dirs = { own: harness.path(`${name}-own`), copied: harness.path(`${name}-copied`) };
    await mkdir(dirs.own);
    await builder.storageCredentials('own', { type: 'filesystem', path: '/srv/own', cache: { enabled: true } });
    await builder.storageCredentials('copied', { type: 'filesystem', path: '/srv/copied' });
    const pathMap = [
      { from: '/srv', to: '/nowhere' },
      { from: '/srv/own/', to: dirs.own },
      { from: '/srv/copied', to: dirs.copied },
    ];
    const { sha256: digest } = await files.putFile('/f', 'content', {
      storeDir: dirs.copied,
      fields: { copyFromCredentialsKey: 'copied' },
    });
    const { read } = await source({ pathMap });
    await mkdir(files.storeDir, { recursive: true });
    const write = async (dir: string, bytes: string): Promise<void> => {
      await mkdir(blobPath(dir, digest).replace(/[^/]+$/, ''), { recursive: true });
      await writeFile(blobPath(dir, digest), bytes);
    };
    assert.equal(String(await read('/f')), 'content');
    await write(files.storeDir, 'default');
    assert.equal(String(await read('/f')), 'default');
    await write(dirs.own, 'ownedby');
    assert.equal(String(await read('/f')), 'ownedby');
  });

  it('fail as BlobMissing naming digest and places: retryable while the node is younger than ten minutes', async () => {
    const { files, source } = await setup();
    const now = Date.parse('2026-11-22T12:00:00Z');
    const put = (path: string, createdDate: Date, lastModifiedDate = createdDate) =>
      files.putFile(path, path, { createdDate, lastModifiedDate });
    await put('/old', new Date(now - 600_000));
    await put('/young', new Date(now - 599_999));
    await put('/moved', OLD, new Date(now - 1));
    const { read, node } = await source({ clock: new FakeClock({ now }) });
    for (const [path, errorClass] of [
      ['/old', 'unit'],
      ['/young', 'retryable'],
      ['/moved', 'retryable'],
    ] as const) {
      const { sha256: digest } = await node(path);
      await rm(blobPath(files.storeDir, digest));
      const error = await failure(read(path));
      assert.equal(error.code, 'BlobMissing');
      assert.equal(error.errorClass, errorClass, path);
      for (const part of [digest, path, files.storeDir, 'pull']) assert.ok(error.message.includes(part), error.message);
    }
  });

  it('fail when their size is wrong, before the first byte', async () => {
    const { files, source } = await setup();
    for (const change of [truncate, appendFile] as const) {
      const path = `/${change.name}`;
      const { sha256: digest } = await files.putFile(path, `content of ${path}`, { createdDate: OLD });
      await (change === truncate
        ? truncate(blobPath(files.storeDir, digest), 3)
        : appendFile(blobPath(files.storeDir, digest), 'x'));
      const { source: from, repository, node } = await source();
      const error = await failure(from.open(repository, await node(path), 0, NEVER));
      assert.equal(error.code, 'BlobSizeMismatch');
      assert.equal(error.errorClass, 'unit');
      assert.match(error.message, /bytes instead of/);
    }
  });

  it('fail when the file is cut while it is read', async () => {
    const { files, source } = await setup();
    const { sha256: digest } = await files.putFile('/big', big, { createdDate: OLD });
    const { source: from, repository, node } = await source();
    const stream = await from.open(repository, await node('/big'), 0, NEVER);
    await truncate(blobPath(files.storeDir, digest), 1000);
    assert.equal((await failure(stream.toArray())).code, 'BlobSizeMismatch');
  });

  it('are not "missing" when the directory of the store is not there', async () => {
    const { files, source } = await setup();
    await files.putFile('/f', 'x', { createdDate: OLD });
    const { read } = await source({ storage: { type: 'filesystem', path: harness.path('not-mounted') } });
    const error = await failure(read('/f'));
    assert.equal(error.code, 'SourceUnavailable');
    assert.equal(error.errorClass, 'retryable');
    assert.match(error.message, /not-mounted/);
  });

  it('are not "missing" when the file system answers anything but "no such file"', async () => {
    const { files, source } = await setup();
    const { sha256: digest } = await files.putFile('/f', 'x', { createdDate: OLD });
    await rm(blobPath(files.storeDir, digest));
    const folder = blobPath(files.storeDir, digest).replace(/\/[^/]+$/, '');
    await rm(folder, { recursive: true });
    await writeFile(folder, 'a file where a folder belongs');
    const error = await failure((await source()).read('/f'));
    assert.equal(error.code, 'BlobUnreadable');
    assert.match(error.message, /ENOTDIR/);
  });

  it('never follow a digest that is not one into the file system', async () => {
    const { files, source } = await setup();
    await files.putFile('/f', 'x', { fields: { sha256: '../../../../etc/passwd' } });
    await files.putFile('/none', 'x', { fields: { sha256: null } });
    const { read } = await source();
    for (const path of ['/f', '/none']) assert.equal((await failure(read(path))).code, 'SourceDataInvalid');
  });

  it('end with the reason of the signal, and leave no file open', async () => {
    const { files, source } = await setup();
    await files.putFile('/big', big);
    const { source: from, repository, node } = await source();
    const reason = new Error('enough');
    const controller = new AbortController();
    const stream = await from.open(repository, await node('/big'), 0, controller.signal);
    const chunks = stream[Symbol.asyncIterator]();
    await chunks.next();
    controller.abort(reason);
    await assert.rejects(async () => {
      for (;;) if ((await chunks.next()).done) break;
    }, reason);
    await assert.rejects(from.open(repository, await node('/big'), 0, AbortSignal.abort(reason)), reason);
    (await from.open(repository, await node('/big'), 0, NEVER)).destroy();
    await eventually(async () => !(await openFiles()).some((file) => file.startsWith(files.storeDir)));
  });
});

describe('special nodes', () => {
  let files: RepositoryBuilder;
  let opened: Opened;

  beforeEach(async () => {
    const made = await setup();
    files = made.files;
    opened = await made.source();
  });

  it('made of blocks are resolved to the digests of the whole, and read from any byte on', async () => {
    const parts = [big.subarray(0, 1_000_000), 'short', big.subarray(1_000_000), ''];
    await files.putBlockFile('/blocks', parts, { metadata: [{ key: 'k', value: 'v' }] });
    const whole = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const node = await opened.node('/blocks');
    assert.deepEqual([node.kind, node.size, node.sha256], ['block', whole.length, '0'.repeat(64)]);
    assert.deepEqual(node.metadata, [{ key: 'k', value: 'v', system: false }]);
    const resolved = await opened.source.resolve(opened.repository, node, NEVER);
    assert.equal(resolved.sha256, sha256(whole));
    assert.equal(resolved.md5, createHash('md5').update(whole).digest('hex'));
    assert.equal(resolved.size, whole.length);
    for (const start of [0, 1, 999_999, 1_000_000, 1_000_003, 1_000_005, whole.length - 1, whole.length])
      assert.deepEqual(
        await bytesOf(opened.source, opened.repository, resolved, start),
        whole.subarray(start),
        `from ${start}`,
      );
  });

  it('made of thousands of blocks are read page by page', async () => {
    const database = harness.db(`blobs${count}`);
    await files.putBlockFile('/many', ['x'.repeat(10)]);
    const blocks = database.collection(
      (await database.listCollections({ name: /^block_node_/ }).toArray())[0]?.name ?? '',
    );
    const template = await blocks.findOne({}, { projection: { _id: 0 }, promoteValues: false });
    const more = Array.from({ length: 2500 }, (_, index) => ({
      ...template,
      startPos: Long.fromNumber((index + 1) * 10),
      endPos: Long.fromNumber((index + 2) * 10 - 1),
    }));
    await blocks.insertMany(more);
    await files.changeNode('/many', { $set: { size: Long.fromNumber(25_010) } });
    const resolved = await opened.source.resolve(opened.repository, await opened.node('/many'), NEVER);
    assert.equal(resolved.sha256, sha256('x'.repeat(25_010)));
  });

  const day = 86_400_000;
  const broken: readonly (readonly [what: string, fields: (index: number) => object, words: RegExp])[] = [
    ['a gap', (index) => (index === 1 ? { startPos: 4, endPos: 6 } : {}), /a gap at byte 3/],
    ['an overlap', (index) => (index === 1 ? { startPos: 2, endPos: 4 } : {}), /an overlap at byte 2/],
    ['a missing end', (index) => (index === 2 ? { deleted: new Date() } : {}), /6 bytes and the node says 9/],
    ['an unfinished upload', (index) => (index === 0 ? { uploadId: 'u' } : {}), /a gap at byte 0/],
    [
      'a block of an earlier file',
      (index) => (index === 2 ? { createdDate: new Date(Date.now() - day) } : {}),
      /6 bytes/,
    ],
    ['an end that is not its own', (index) => (index === 1 ? { endPos: 4 } : {}), /ends at 4/],
  ];
  for (const [what, blockFields, words] of broken) {
    it(`made of blocks with ${what} are the unit error BlockFileBroken`, async () => {
      await files.putBlockFile('/blocks', ['one', 'two', 'six'], { blockFields });
      const node = await opened.node('/blocks');
      for (const error of [
        await failure(opened.source.resolve(opened.repository, node, NEVER)),
        await failure(bytesOf(opened.source, opened.repository, node)),
      ]) {
        assert.equal(error.code, 'BlockFileBroken');
        assert.equal(error.errorClass, 'unit');
        assert.match(error.message, words);
      }
    });
  }

  it('made of blocks, one of them altered or missing, are never given a digest', async () => {
    await files.putBlockFile('/altered', ['one', 'two'], { createdDate: OLD });
    await writeFile(blobPath(files.storeDir, sha256('two')), 'TWO');
    const altered = await failure(opened.source.resolve(opened.repository, await opened.node('/altered'), NEVER));
    assert.equal(altered.code, 'BlockFileBroken');
    assert.match(altered.message, /block at byte 3/);
    await rm(blobPath(files.storeDir, sha256('two')));
    const missing = await failure(opened.source.resolve(opened.repository, await opened.node('/altered'), NEVER));
    assert.equal(missing.code, 'BlobMissing');
    assert.match(missing.message, new RegExp(sha256('two')));
  });

  const kinds: readonly (readonly [kind: string, fields: object])[] = [
    ['archived', { archived: true }],
    ['compressed', { compressed: true }],
    ['link', { sha256: '0'.repeat(64), metadata: [{ key: 'targetFullPath', value: '/x', system: false }] }],
  ];
  for (const [kind, fields] of kinds) {
    it(`of kind ${kind} are listed, and the unit error UnsupportedNode when asked for`, async () => {
      await files.putFile('/special', 'x', { fields });
      const node = await opened.node('/special');
      assert.equal(node.kind, kind);
      for (const error of [
        await failure(opened.source.resolve(opened.repository, node, NEVER)),
        await failure(opened.source.open(opened.repository, node, 0, NEVER)),
      ]) {
        assert.equal(error.code, 'UnsupportedNode');
        assert.equal(error.errorClass, 'unit');
        assert.match(error.message, new RegExp(kind));
      }
    });
  }

  it('that are plain files are resolved to themselves', async () => {
    await files.putFile('/plain', 'x');
    const node = await opened.node('/plain');
    assert.deepEqual(await opened.source.resolve(opened.repository, node, NEVER), node);
  });
});

describe('where credentials lead', () => {
  const keys: readonly (readonly [what: string, credentials: object | undefined, words: RegExp])[] = [
    ['innercos', { type: 'innercos', secretId: 'i', secretKey: 'hidden', bucket: 'b', region: 'r' }, /innercos/],
    ['hdfs', { type: 'hdfs', url: 'hdfs://x' }, /hdfs/],
    ['an encrypted store', { type: 'filesystem', path: '/x', encrypt: { enabled: true, key: 'hidden' } }, /encrypt/],
    ['no document', undefined, /no such storage_credentials/],
  ];
  for (const [what, credentials, words] of keys) {
    it(`${what}: said in the error, without secrets, and the default is read all the same`, async () => {
      const { builder, files, source } = await setup('special');
      if (credentials !== undefined) await builder.storageCredentials('special', { ...credentials });
      await files.putFile('/there', 'in the default');
      await files.putFile('/gone', 'x', { createdDate: OLD });
      await rm(blobPath(files.storeDir, sha256('x')));
      const { read } = await source();
      assert.equal(String(await read('/there')), 'in the default');
      const error = await failure(read('/gone'));
      assert.equal(error.code, 'BlobMissing');
      assert.match(error.message, words);
      assert.ok(!error.message.includes('hidden'));
    });
  }

  it('a cache of a backend that cannot be read directly is read', async () => {
    const { name, builder, files, source } = await setup('cos');
    const cache = harness.path(`${name}-cache`);
    await builder.storageCredentials('cos', { type: 'innercos', cache: { enabled: true, path: cache } });
    await files.putFile('/f', 'cached');
    await rm(blobPath(files.storeDir, sha256('cached')));
    await writeBlob(cache, 'cached');
    assert.equal(String(await (await source()).read('/f')), 'cached');
  });

  it('changed credentials are found within a minute', async () => {
    const { name, builder, files, source } = await setup('moved');
    const clock = new FakeClock({ now: Date.now() });
    await builder.storageCredentials('moved', { type: 'filesystem', path: harness.path(`${name}-a`) });
    await mkdir(harness.path(`${name}-a`));
    await files.putFile('/f', 'in b', { storeDir: harness.path(`${name}-b`) });
    await mkdir(files.storeDir, { recursive: true });
    const { read } = await source({ clock });
    assert.equal((await failure(read('/f'))).code, 'BlobMissing');
    await harness
      .db(name)
      .collection('storage_credentials')
      .updateOne(
        {},
        { $set: { credentials: JSON.stringify({ type: 'filesystem', path: harness.path(`${name}-b`) }) } },
      );
    clock.advance(59_000);
    assert.equal((await failure(read('/f'))).code, 'BlobMissing');
    clock.advance(1000);
    assert.equal(String(await read('/f')), 'in b');
  });
});

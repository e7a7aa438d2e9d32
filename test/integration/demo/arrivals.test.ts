import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { Arrivals, type Sign } from '../../demo/realtime/arrivals.ts';
import type { Side } from '../../demo/verdict.ts';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

let mongod: Mongod;
let client: MongoClient;
let directory: string;
let builder: BkRepoBuilder;
let files: RepositoryBuilder;
let npm: RepositoryBuilder;
let side: Side;
before(async () => {
  mongod = await startMongod();
  client = await MongoClient.connect(mongod.uri);
  directory = await makeTempDir('demo-arrivals');
  builder = new BkRepoBuilder(client.db('far'), path.join(directory, 'store'));
  files = await builder.repository('mirror', 'files-2');
  npm = await builder.repository('mirror', 'npm-2', { type: 'NPM' });
  side = { name: 'far', db: builder.db, storeDir: builder.storeDir, projectId: 'mirror', origin: 'http://far.example' };
});
after(async () => {
  await client.close();
  await mongod.stop();
  await removeDir(directory);
});

const FILE = { repository: 'files', path: '/a.txt', there: true } as const;
const VERSION = { repository: 'npm', packageKey: 'npm://lib', version: '1.0.0', there: true } as const;
const DOCUMENT = { repository: 'npm', path: '/.npm/lib/package.json', there: true } as const;

interface Case {
  readonly name: string;
  readonly sign: Sign | (() => Promise<Sign>);
  /** What is there at first, and does not show it. */
  readonly first?: () => Promise<unknown>;
  readonly makeSo: () => Promise<unknown>;
}

const CASES: readonly Case[] = [
  {
    name: 'a new file',
    sign: FILE,
    makeSo: () => files.putFile('/a.txt', 'one'),
  },
  {
    name: 'other bytes of a file',
    sign: async () => {
      const { sha256 } = await files.putFile('/other.txt', 'two');
      return { ...FILE, sha256 };
    },
    makeSo: () => files.putFile('/a.txt', 'two'),
  },
  {
    name: 'metadata',
    sign: { ...FILE, metadata: { key: 'build', value: 2 } },
    first: () => files.putFile('/a.txt', 'two', { metadata: [{ key: 'build', value: 1 }] }),
    makeSo: () => files.putFile('/a.txt', 'two', { metadata: [{ key: 'build', value: 2 }] }),
  },
  {
    name: 'a file whose bytes are not in the store yet',
    sign: FILE,
    first: async () => {
      const { sha256 } = await files.putFile('/a.txt', 'three');
      await rm(blobPath(builder.storeDir, sha256));
    },
    makeSo: () => files.putFile('/a.txt', 'three'),
  },
  {
    name: 'a deletion',
    sign: { ...FILE, there: false },
    makeSo: () => files.deleteFile('/a.txt'),
  },
  {
    name: 'a version',
    sign: VERSION,
    first: () => putNpm(npm, 'lib', '0.9.0'),
    makeSo: () => putNpm(npm, 'lib', '1.0.0'),
  },
  {
    name: 'a document that names a version',
    sign: { ...DOCUMENT, text: { is: true, value: '/lib-1.1.0.tgz' } },
    makeSo: () => putNpm(npm, 'lib', '1.1.0'),
  },
  {
    name: 'a document that does not name a version any more',
    sign: { ...DOCUMENT, text: { is: false, value: '/lib-1.1.0.tgz' } },
    makeSo: () => npm.putFile('/.npm/lib/package.json', '{}'),
  },
  {
    name: 'a version that is gone',
    sign: { ...VERSION, there: false },
    makeSo: () => builder.db.collection('package_version').deleteMany({ name: '1.0.0' }),
  },
];

for (const { name, sign, first, makeSo } of CASES) {
  test(`is awaited until the far side shows it: ${name}`, async () => {
    const names = new Map([
      ['files', 'files-2'],
      ['npm', 'npm-2'],
    ]);
    const arrivals = new Arrivals([side], names);
    try {
      await first?.();
      const wanted = typeof sign === 'function' ? await sign() : sign;
      arrivals.expect({ what: name, signs: [{ ...FILE, path: '/other', there: false }, wanted] });
      await arrivals.settled(100);
      assert.deepEqual(
        arrivals.waiting.get('far')?.map(({ what }) => what),
        [name],
      );
      assert.equal(arrivals.isAwaited('/other'), true);
      await makeSo();
      await arrivals.settled(10_000);
      assert.equal(arrivals.isAwaited('/other'), false);
      const [arrived, ...more] = arrivals.arrived.get('far') ?? [];
      assert.ok(arrived !== undefined && arrived.lagMs >= 100, `${arrived?.lagMs} ms`);
      assert.deepEqual(more, []);
      arrivals.begin();
      assert.deepEqual(arrivals.arrived.get('far'), []);
    } finally {
      await arrivals.stop();
    }
  });
}

test('a far side that cannot be looked at is told to those who wait', async () => {
  const broken = await MongoClient.connect(mongod.uri);
  const arrivals = new Arrivals([{ ...side, db: broken.db('far') }], new Map());
  await broken.close();
  arrivals.expect({ what: 'a file', signs: [{ ...FILE, path: '/never' }] });
  await assert.rejects(arrivals.settled(10_000), /cannot be looked at/);
  assert.throws(() => arrivals.expect({ what: 'another', signs: [] }), /cannot be looked at/);
  await arrivals.stop();
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Document } from 'mongodb';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putVersion, type VersionSpec } from '../../support/bkrepo/packages/version.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { type FarSide, PROJECT, World } from '../../support/world.ts';
import {
  farNodes,
  farPackages,
  farRepository,
  farVersion,
  MIRROR,
  objectOf,
  requestsTo,
  tallyOf,
} from './far-state.ts';

const KEY = 'rds://p';
const PACKAGE = { key: KEY, name: 'p' };

type Strategy = 'SKIP' | 'OVERWRITE' | 'FAST_FAIL';
/** undefined = unchanged, which is counted and not recorded. */
type Fate = readonly [status: string, reason?: string] | undefined;

interface Case {
  readonly far: (repository: RepositoryBuilder, name: string) => Promise<unknown>;
  readonly fates: Readonly<Record<Strategy, Fate>>;
  /** Far-only metadata or extension keys that must survive. */
  readonly theirs?: 'version' | 'node' | 'extension';
}

const DIFFERENT: Case['fates'] = {
  SKIP: ['CONFLICT', 'Conflict'],
  OVERWRITE: ['SUCCESS'],
  FAST_FAIL: ['FAILED', 'Conflict'],
};
const ADDED: Case['fates'] = { SKIP: ['SUCCESS'], OVERWRITE: ['SUCCESS'], FAST_FAIL: ['SUCCESS'] };

const THEIRS = { key: 'theirs', value: 7 };

/** What a far side has of a version, by the version's name. */
const CASES: Readonly<Record<string, Case>> = {
  absent: { far: async () => {}, fates: ADDED },
  same: { far: (r, name) => put(r, name), fates: { SKIP: undefined, OVERWRITE: undefined, FAST_FAIL: undefined } },
  'metadata-of-version': {
    far: (r, name) => put(r, name, { version: { metadata: [{ key: 'm', value: 'old' }, THEIRS] } }),
    fates: DIFFERENT,
    theirs: 'version',
  },
  'metadata-of-a-node': {
    far: (r, name) => put(r, name, { nodeMetadata: [{ key: 'k', value: 'old' }, THEIRS] }),
    fates: DIFFERENT,
    theirs: 'node',
  },
  'content-of-a-node': { far: (r, name) => put(r, name, { content: 'another content' }), fates: DIFFERENT },
  'node-missing': {
    far: async (r, name) => {
      await put(r, name);
      await r.deleteFile(`/p/${name}/b.bin`);
    },
    fates: ADDED,
  },
  'version-missing': { far: (r, name) => put(r, name, { register: false }), fates: ADDED },
  'folder-in-the-way': {
    far: (r, name) => r.putFile(`/p/${name}/a.bin/inside`, 'they have a folder'),
    fates: {
      SKIP: ['CONFLICT', 'Conflict'],
      OVERWRITE: ['FAILED', 'FolderAtFarSide'],
      FAST_FAIL: ['FAILED', 'FolderAtFarSide'],
    },
  },
  'stage-tag': { far: (r, name) => put(r, name, { version: { stageTag: ['@prerelease'] } }), fates: DIFFERENT },
  tags: { far: (r, name) => put(r, name, { version: { tags: ['other'] } }), fates: DIFFERENT },
  extension: {
    far: (r, name) => put(r, name, { version: { extension: { e: 'old', theirs: 7 } } }),
    fates: DIFFERENT,
    theirs: 'extension',
  },
};

interface Difference {
  readonly version?: Partial<VersionSpec>;
  readonly nodeMetadata?: readonly { readonly key: string; readonly value: unknown }[];
  readonly content?: string;
  readonly register?: boolean;
}

/** A version of two files; without a difference as the source has it. */
async function put(repository: RepositoryBuilder, name: string, difference: Difference = {}): Promise<void> {
  await repository.putFile(`/p/${name}/a.bin`, difference.content ?? `a of ${name}`);
  const metadata = difference.nodeMetadata ?? [{ key: 'k', value: 'new' }];
  await repository.putFile(`/p/${name}/b.bin`, `b of ${name}`, { metadata });
  if (difference.register === false) return;
  await putVersion(
    repository,
    { ...PACKAGE, type: repository.type },
    {
      name,
      size: 10,
      artifactPath: `/p/${name}/a.bin`,
      metadata: [{ key: 'm', value: 'new' }],
      stageTag: ['@release'],
      tags: ['one', 'two'],
      extension: { e: 'new' },
      ...difference.version,
    },
  );
}

let world: World;
let source: RepositoryBuilder;
before(async () => {
  world = await World.start();
  source = await world.builder.repository(PROJECT, 'things', { type: 'RDS' });
  for (const name of Object.keys(CASES)) await put(source, name);
  await put(source, 'same');
});
after(() => world.stop());

interface Seen {
  readonly version: Document | null;
  readonly nodes: readonly Document[];
}

/** Everything that is stored of each version. */
async function stored(farSide: FarSide): Promise<Map<string, Seen>> {
  const seen = new Map<string, Seen>();
  for (const name of Object.keys(CASES)) {
    const nodes = await farNodes(farSide, source, `/p/${name}/`);
    const version = await farVersion(farSide, source, KEY, name);
    // What is to be the latest is sent again at the end, as it is: the protocol has no other way.
    if (name === 'same') delete version?.['lastModifiedDate'];
    seen.set(name, {
      version,
      // A server refreshes the size and date of a folder after anything below it changed.
      nodes: nodes.filter(({ folder }) => folder === false),
    });
  }
  return seen;
}

for (const faithful of [false, true]) {
  for (const strategy of ['SKIP', 'OVERWRITE', 'FAST_FAIL'] as const) {
    test(`${strategy} treats each difference of a version as written, at a ${faithful ? 'faithful' : 'sound'} far side`, async () => {
      const farSide = await world.farSide(`${strategy.toLowerCase().replace('_', '')}-${faithful ? 'f' : 's'}`, {
        faithful,
      });
      const far = await farRepository(farSide, source);
      for (const [name, { far: make }] of Object.entries(CASES)) await make(far, name);
      await CASES['same']?.far(far, 'same');
      const before = await stored(farSide);
      const run = await world.run([farSide], {
        objects: [objectOf(source)],
        setting: { conflictStrategy: strategy },
      });
      const details = await world.details(run.record, farSide);
      const after = await stored(farSide);
      const packages = await farPackages(farSide, source);
      const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, source.name);
      const there = await readBack(farSide.db, farSide.storeDir, MIRROR, source.name);
      for (const [name, { fates, theirs }] of Object.entries(CASES)) {
        const row = details.get(`${KEY}@${name}`);
        const fate = fates[strategy];
        assert.deepEqual(row && [row.status, ...(row.reason === undefined ? [] : [row.reason])], fate, name);
        if (fate?.[0] !== 'SUCCESS') {
          assert.deepEqual(after.get(name), before.get(name), `${name} is untouched as a whole`);
          continue;
        }
        for (const path of [`/p/${name}/a.bin`, `/p/${name}/b.bin`])
          assert.equal(there.get(path)?.sha256, here.get(path)?.sha256, path);
        const version = packages.get(KEY)?.versions.get(name);
        assert.deepEqual([version?.stageTag, version?.tags], [['@release'], ['one', 'two']], name);
        const metadata = Object.fromEntries(version?.metadata.map(({ key, value }) => [key, value]) ?? []);
        assert.deepEqual(metadata, { m: 'new', ...(theirs === 'version' ? { theirs: 7 } : {}) }, name);
        assert.deepEqual(version?.extension, { e: 'new', ...(theirs === 'extension' ? { theirs: 7 } : {}) }, name);
        const ofNode = there.get(`/p/${name}/b.bin`)?.metadata.map(({ key, value }) => [key, value]);
        assert.deepEqual(ofNode, [['k', 'new'], ...(theirs === 'node' ? [['theirs', 7]] : [])], name);
      }
      assert.deepEqual(packages.get(KEY)?.latest, 'same');
      assert.equal(details.size, Object.keys(CASES).length - 1);

      farSide.proxy.forget();
      const again = tallyOf(
        await world.run([farSide], { objects: [objectOf(source)], setting: { conflictStrategy: strategy } }),
      );
      assert.deepEqual([again.success, again.sentBytes], [0, 0]);
      assert.equal(
        requestsTo(farSide, 'version/create') + requestsTo(farSide, 'node/create'),
        0,
        'nothing is written again',
      );
    });
  }
}

for (const faithful of [false, true]) {
  test(`OVERWRITE deletes keys that this task wrote and the source has dropped, at a ${faithful ? 'faithful' : 'sound'} far side`, async () => {
    const repository = await world.builder.repository(PROJECT, `dropped-${faithful}`, { type: 'RDS' });
    const farSide = await world.farSide(`dropped-${faithful}`, { faithful });
    const metadata = (...keys: string[]) => keys.map((key) => ({ key, value: key }));
    const publish = (...keys: string[]) =>
      putGeneral(
        repository,
        PACKAGE,
        { name: '1', artifactPath: '/p/1/a.bin', metadata: metadata(...keys) },
        { '/p/1/a.bin': { content: 'a', metadata: metadata(...keys) } },
      );
    const run = () =>
      world.run([farSide], { objects: [objectOf(repository)], setting: { conflictStrategy: 'OVERWRITE' } });
    await publish('kept', 'dropped');
    assert.equal(tallyOf(await run()).success, 1);
    await farSide.db
      .collection('package_version')
      .updateOne({ name: '1' }, { $push: { metadata: { key: 'theirs', value: 1, system: false } } as Document });
    await publish('kept');
    assert.equal(tallyOf(await run()).success, 1);
    const version = (await farPackages(farSide, repository)).get(KEY)?.versions.get('1');
    assert.deepEqual(
      version?.metadata.map(({ key }) => key),
      ['kept', 'theirs'],
    );
    const there = await readBack(farSide.db, farSide.storeDir, MIRROR, repository.name);
    assert.deepEqual(
      there.get('/p/1/a.bin')?.metadata.map(({ key }) => key),
      ['kept'],
    );
    assert.deepEqual(tallyOf(await run()), {
      success: 0,
      unchanged: 1,
      conflict: 0,
      failed: 0,
      notTried: 0,
      sentBytes: 0,
    });
  });
}

for (const errorStrategy of ['CONTINUE', 'FAST_FAIL'] as const) {
  test(`errorStrategy ${errorStrategy}: one bad version among ten at one far side, the other far side goes on`, async () => {
    const failing = await world.farSide(`failing-${errorStrategy.toLowerCase().replace('_', '')}`);
    const healthy = await world.farSide(`healthy-${errorStrategy.toLowerCase().replace('_', '')}`);
    const repository = await world.builder.repository(PROJECT, `ten-${errorStrategy.toLowerCase()}`, { type: 'RDS' });
    for (let index = 0; index < 10; index += 1)
      await putGeneral(
        repository,
        PACKAGE,
        { name: `v${index}`, artifactPath: `/p/v${index}/a` },
        { [`/p/v${index}/a`]: `a${index}` },
      );
    const far = await farRepository(failing, repository);
    await far.putFile('/p/v2/a', 'something else');
    const run = await world.run([failing, healthy], {
      objects: [objectOf(repository)],
      concurrency: 1,
      setting: { errorStrategy, conflictStrategy: 'FAST_FAIL' },
    });
    const details = await world.details(run.record, failing);
    assert.equal(details.get(`${KEY}@v2`)?.status, 'FAILED');
    const { success, failed, notTried } = tallyOf(run);
    assert.deepEqual([success + notTried, failed, details.size], [9, 1, 10]);
    const visible = (await farPackages(failing, repository)).get(KEY)?.versions.size ?? 0;
    assert.equal(visible, success, 'no version is there that is recorded as not tried');
    if (errorStrategy === 'CONTINUE') assert.equal(notTried, 0);
    else {
      assert.ok(notTried >= 7, `${notTried} not tried`);
      assert.equal(run.outcome.farSides[0]?.error?.reason, 'FastFail');
    }
    assert.deepEqual([tallyOf(run, 1).success, run.outcome.farSides[1]?.error], [10, undefined]);
  });
}

test('under SKIP a file that appears at the far side while its version is written is not replaced', async () => {
  const repository = await world.builder.repository(PROJECT, 'race', { type: 'RDS' });
  await putGeneral(
    repository,
    PACKAGE,
    { name: '1', artifactPath: '/p/1/a' },
    { '/p/1/a': 'our a', '/p/1/b': 'our b' },
  );
  const farSide = await world.farSide('race');
  const far = await farRepository(farSide, repository);
  // Or both of them would make it at once.
  await far.makeFolders(['/p/1/b']);
  let theirs: Promise<unknown> | undefined;
  let there = false;
  farSide.proxy.setFault(({ url }) => {
    if (!url.includes('node/create')) return undefined;
    if (theirs !== undefined) return there ? undefined : { kind: 'answer', status: 503 };
    theirs = far.putFile('/p/1/b', 'their b').then(() => {
      there = true;
    });
    return undefined;
  });
  const run = await world.run([farSide], { objects: [objectOf(repository)] });
  await theirs;
  const row = (await world.details(run.record, farSide)).get(`${KEY}@1`);
  assert.deepEqual([row?.status, row?.reason], ['CONFLICT', 'Conflict']);
  assert.equal((await far.content('/p/1/b'))?.toString(), 'their b');
  assert.equal(await farVersion(farSide, repository, KEY, '1'), null);
});

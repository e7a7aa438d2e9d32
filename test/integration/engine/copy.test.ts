import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { type FarSide, World } from '../../support/world.ts';

let world: World;
let east: FarSide;
let west: FarSide;

const LARGE = 20 * 1024 * 1024;
/** More than a page of a listing. */
const MANY = 120;
const FILES = MANY + 9;

before(async () => {
  world = await World.start();
  east = await world.farSide('east');
  west = await world.farSide('west', { faithful: true });
});
after(() => world.stop());

test('a repository becomes equal, byte for byte, at every far side', async () => {
  const { files } = world;
  await files.putFile('/readme.txt', 'hello');
  await files.putFile('/empty', '');
  await files.putFile('/中文 目录/文件 名+%&#?=;.txt', 'names');
  await files.putFile('/quotes \' " $ [x] (y) *.txt', 'quotes');
  await files.putFile('/deep/a/b/c/d/e.bin', 'deep');
  await files.putFile('/large.bin', seededBytes(LARGE, 1));
  await files.putFile('/twin-1', 'the same content');
  await files.putFile('/twin-2', 'the same content');
  await files.putFile('/with/metadata', 'm', {
    metadata: [
      { key: 'text', value: 'v' },
      { key: 'number', value: 7 },
      { key: 'flag', value: true },
      { key: 'list', value: ['a', 'b'] },
      { key: 'mediaType', value: 'x/y', system: true },
    ],
    createdBy: 'alice',
    createdDate: new Date('2020-02-29T23:59:59.123Z'),
    lastModifiedDate: new Date('2021-10-31T00:30:00.456Z'),
  });
  await files.putFiles(
    Array.from({ length: MANY }, (_, index) => ({
      path: `/many/${index % 7}/file-${index}.txt`,
      content: `content ${index}`,
    })),
  );
  const { record, outcome } = await world.run([east, west]);
  for (const farSide of [east, west]) {
    assert.deepEqual(await world.differences(farSide), []);
    const details = await world.details(record, farSide);
    assert.equal(details.size, FILES);
    assert.deepEqual(new Set([...details.values()].map(({ status }) => status)), new Set(['SUCCESS']));
  }
  assert.deepEqual(
    outcome.farSides.map(({ clusterName, tally }) => [clusterName, tally.success, tally.failed, tally.unchanged]),
    [
      ['east', FILES, 0, 0],
      ['west', FILES, 0, 0],
    ],
  );
  assert.equal(record.status, 'SUCCESS');
});

test('the same run again moves no payload and writes no record', async () => {
  east.proxy.forget();
  const { record, outcome } = await world.run([east, west]);
  for (const { tally } of outcome.farSides)
    assert.deepEqual([tally.unchanged, tally.success, tally.sentBytes], [FILES, 0, 0]);
  assert.equal((await world.details(record, east)).size, 0);
  assert.equal(east.proxy.requests.filter(({ url }) => /blob|node\/create/.test(url)).length, 0);
});

test('one changed file is the only thing that crosses', async () => {
  await world.files.putFile('/readme.txt', 'hello again');
  east.proxy.forget();
  const { outcome } = await world.run([east], { setting: { conflictStrategy: 'OVERWRITE' } });
  assert.deepEqual(outcome.farSides[0]?.tally, {
    success: 1,
    unchanged: FILES - 1,
    conflict: 0,
    failed: 0,
    quarantined: 0,
    notTried: 0,
    totalBytes: outcome.farSides[0]?.tally.totalBytes,
    sentBytes: 11,
  });
  assert.equal(east.proxy.requests.filter(({ url }) => url.includes('blob/push')).length, 1);
  assert.deepEqual(await world.differences(east), []);
});

test('with verifyInterval a stored blob is proved again when its proof has grown old', async () => {
  const pulls = (): number => east.proxy.requests.filter(({ url }) => url.includes('blob/pull')).length;
  east.proxy.forget();
  await world.run([east], { setting: { verifyIntervalMs: 3_600_000 } });
  assert.equal(pulls(), 0, 'the proofs are young');
  const { outcome } = await world.run([east], { setting: { verifyIntervalMs: 0 } });
  assert.deepEqual([outcome.farSides[0]?.tally.unchanged, outcome.farSides[0]?.tally.sentBytes], [FILES, 0]);
  assert.ok(pulls() >= FILES - 1, `${pulls()} blobs were read back`);
});

test('with recordUnchanged every unit gets its record', async () => {
  const { record } = await world.run([east], { setting: { recordUnchanged: true } });
  const details = await world.details(record, east);
  assert.equal(details.size, FILES);
  assert.ok([...details.values()].every(({ status }) => status === 'UNCHANGED'));
});

test('a digest crosses once, and a small new file costs two requests and its share of a batch', async () => {
  const north = await world.farSide('north');
  const { outcome } = await world.run([north], { verification: 'never' });
  const pushes = north.proxy.requests.filter(({ url }) => url.includes('blob/push')).length;
  const creates = north.proxy.requests.filter(({ url }) => url.includes('node/create')).length;
  assert.equal(creates, FILES);
  assert.equal(pushes, FILES - 2, 'twins share a blob, the large one goes by chunks');
  const others = north.proxy.requests.length - pushes - creates;
  assert.ok(others < 40, `${others} further requests`);
  assert.equal(outcome.farSides[0]?.error, undefined);
  assert.deepEqual(await world.differences(north), []);
});

for (const [name, paths, expected] of [
  ['a file', ['/readme.txt'], ['/readme.txt']],
  ['a folder', ['/deep/'], ['/deep/a/b/c/d/e.bin']],
  ['names by *', ['/twin-*'], ['/twin-1', '/twin-2']],
  ['overlapping paths', ['/with', '/with/metadata', '/with/*'], ['/with/metadata']],
  ['names in Chinese', ['/中文 目录'], ['/中文 目录/文件 名+%&#?=;.txt']],
] as const) {
  test(`a path constraint copies ${name} and nothing else`, async () => {
    const remote = `by-path-${paths[0].replaceAll(/[^a-z]/g, '')}`;
    const object = {
      localRepoName: 'files',
      remoteProjectId: 'mirror',
      remoteRepoName: remote,
      repoType: 'GENERIC',
      paths,
    };
    const { record, outcome } = await world.run([east], { objects: [object] });
    assert.deepEqual([...(await world.details(record, east)).keys()].sort(), [...expected].sort());
    assert.equal(outcome.farSides[0]?.tally.success, expected.length);
  });
}

test('a folder without files is copied as nothing, and is no failure', async () => {
  await world.files.makeFolders(['/hollow/x']);
  const object = {
    localRepoName: 'files',
    remoteProjectId: 'mirror',
    remoteRepoName: 'hollow',
    repoType: 'GENERIC',
    paths: ['/hollow'],
  };
  const { outcome, record } = await world.run([east], { objects: [object] });
  assert.deepEqual([outcome.farSides[0]?.tally.failed, record.status], [0, 'SUCCESS']);
});

test('a path that is not there is one failed unit, and the others are copied', async () => {
  const object = {
    localRepoName: 'files',
    remoteProjectId: 'mirror',
    remoteRepoName: 'some',
    repoType: 'GENERIC',
    paths: ['/no/such', '/readme.txt'],
  };
  const { record, outcome } = await world.run([east], { objects: [object] });
  const details = await world.details(record, east);
  assert.equal(details.get('/no/such')?.reason, 'PathNotFound');
  assert.equal(details.get('/readme.txt')?.status, 'SUCCESS');
  assert.deepEqual([outcome.farSides[0]?.tally.success, outcome.farSides[0]?.tally.failed], [1, 1]);
});

test('a wrong repository name or type fails that object with a reason and leaves the others', async () => {
  const target = { remoteProjectId: 'mirror', remoteRepoName: 'other', paths: [] };
  const { outcome } = await world.run([east], {
    objects: [
      { localRepoName: 'absent', repoType: 'GENERIC', ...target },
      { localRepoName: 'files', repoType: 'GENERIC', ...target, paths: ['/readme.txt'] },
    ],
  });
  assert.equal(outcome.farSides[0]?.error?.reason, 'SourceRepositoryNotFound');
  assert.match(outcome.farSides[0]?.error?.message ?? '', /acme\/absent/);
  assert.equal(outcome.farSides[0]?.tally.success, 1);
  const wrongType = await world.run([east], { objects: [{ localRepoName: 'files', repoType: 'MAVEN', ...target }] });
  assert.equal(wrongType.outcome.farSides[0]?.error?.reason, 'SourceRepositoryTypeMismatch');
});

test('without includeMetadata only system entries and bans travel', async () => {
  const object = {
    localRepoName: 'files',
    remoteProjectId: 'mirror',
    remoteRepoName: 'bare',
    repoType: 'GENERIC',
    paths: ['/with'],
  };
  await world.run([east], { objects: [object], setting: { includeMetadata: false } });
  const { readBack } = await import('../../support/bkrepo/read-back.ts');
  const there = await readBack(east.db, east.storeDir, 'mirror', 'bare');
  assert.deepEqual(
    there.get('/with/metadata')?.metadata.map(({ key }) => key),
    ['mediaType'],
  );
  const again = await world.run([east], {
    objects: [object],
    setting: { includeMetadata: false, conflictStrategy: 'OVERWRITE' },
  });
  assert.equal(again.outcome.farSides[0]?.tally.unchanged, 1);
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { crossedSince, noteBefore } from '../../demo/crossed.ts';
import { byFarSide, byType, compareFarSides, type Side, table, type Verdict } from '../../demo/verdict.ts';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const REPOSITORIES = [
  { type: 'GENERIC', repoName: 'files', remoteRepoName: 'files-2' },
  { type: 'NPM', repoName: 'npm', remoteRepoName: 'npm-2' },
];

/** A tool of its author has settings called `dist`, too. */
const PUBLISHED = {
  tarball: Buffer.from('a tarball'),
  manifest: { name: 'lib', version: '1.0.0', 'ts-scripts': { dist: ['dist'] } },
};

let mongod: Mongod;
let client: MongoClient;
let directory: string;
before(async () => {
  mongod = await startMongod();
  client = await MongoClient.connect(mongod.uri);
  directory = await makeTempDir('demo-verdict');
});
after(async () => {
  await client.close();
  await mongod.stop();
  await removeDir(directory);
});

/** A side with one file and one npm package with a tarball. `host`: what its documents name. */
async function side(name: string, project: string, suffix: string, host?: string): Promise<Side> {
  const origin = `http://${name}.example`;
  const builder = new BkRepoBuilder(client.db(name), `${directory}/${name}`, { now: () => NOW });
  await (await builder.repository(project, `files${suffix}`)).putFile('/a.txt', 'a');
  const npm = await builder.repository(project, `npm${suffix}`, { type: 'NPM' });
  await putNpm(npm, 'lib', '1.0.0', { host: host ?? origin, published: PUBLISHED });
  return { name, db: builder.db, storeDir: builder.storeDir, projectId: project, origin };
}

async function compared(label: string, change: (far: Side) => Promise<unknown>): Promise<readonly Verdict[]> {
  const source = await side(`${label}_source`, 'p', '');
  const far = await side(`${label}_far`, 'p2', '-2');
  await change(far);
  return compareFarSides(source, [far], REPOSITORIES);
}

const noChange = async (): Promise<void> => undefined;

test('sides whose files, packages and documents agree but for the addresses of tarballs are equal', async () => {
  const verdicts = await compared('equal', noChange);
  assert.deepEqual(
    verdicts.map(({ type, files, versions, equal, differences }) => [type, files, versions, equal, differences]),
    [
      ['GENERIC', 1, 0, true, []],
      ['NPM', 3, 1, true, []],
    ],
  );
});

const CHANGES: readonly {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly change: (far: Side) => Promise<unknown>;
  readonly told: RegExp;
}[] = [
  {
    name: 'a file of a package that is not there',
    label: 'file_gone',
    type: 'NPM',
    change: (far) => existing(far).deleteFile('/lib/-/lib-1.0.0.tgz'),
    told: /\/lib\/-\/lib-1\.0\.0\.tgz: only at source/,
  },
  {
    name: 'a version that is not there',
    label: 'version_gone',
    type: 'NPM',
    change: (far) => far.db.collection('package_version').deleteMany({}),
    told: /npm:\/\/lib@1\.0\.0: only at source/,
  },
  {
    name: 'metadata of a version',
    label: 'metadata',
    type: 'NPM',
    change: (far) => far.db.collection('package_version').updateMany({}, { $set: { metadata: [] } }),
    told: /npm:\/\/lib@1\.0\.0: metadata/,
  },
  {
    name: 'the latest version',
    label: 'latest',
    type: 'NPM',
    change: (far) => far.db.collection('package').updateMany({}, { $set: { latest: '0.9.0' } }),
    told: /npm:\/\/lib: latest/,
  },
  {
    name: 'a document that leads back to the source',
    label: 'leads_back',
    type: 'NPM',
    change: (far) =>
      putNpm(existing(far), 'lib', '1.0.0', { host: 'http://leads_back_source.example', published: PUBLISHED }),
    told: /no tarball of the far side/,
  },
];

for (const { name, label, type, change, told } of CHANGES) {
  test(`sides are told apart by ${name}`, async () => {
    const verdicts = await compared(label, change);
    const verdict = verdicts.find((one) => one.type === type);
    assert.equal(verdict?.equal, false);
    assert.match(verdict?.differences.join('\n') ?? '', told);
    assert.equal(verdicts.find((one) => one.type !== type)?.equal, true);
    assert.match(table(verdicts), new RegExp(`${label}_far +${type} .* NO`));
  });
}

function existing({ db, storeDir, projectId }: Side): ReturnType<BkRepoBuilder['existing']> {
  return new BkRepoBuilder(db, storeDir, { now: () => NOW }).existing(projectId, 'npm-2', 'NPM');
}

test('an empty repository proves nothing', async () => {
  const source = await side('empty_source', 'p', '');
  const far = await side('empty_far', 'p2', '-2');
  const nothing = { type: 'OCI', repoName: 'none', remoteRepoName: 'none' };
  const [verdict] = await compareFarSides(source, [far], [nothing]);
  assert.equal(verdict?.equal, false);
});

test('a file put again and a version written again both count as crossed', async () => {
  const far = await side('crossed', 'p2', '-2');
  const before = await noteBefore([far]);
  assert.deepEqual(await crossedSince(before, [far]), { paths: [], bytes: 0, versions: [] });
  await new BkRepoBuilder(far.db, far.storeDir).existing('p2', 'files-2').putFile('/a.txt', 'changed');
  await far.db.collection('package_version').updateOne({}, { $set: { lastModifiedDate: new Date(0) } });
  assert.deepEqual(await crossedSince(before, [far]), { paths: ['files-2/a.txt'], bytes: 7, versions: ['1.0.0'] });
});

test('far sides are summed over their repositories, types judged over all far sides', () => {
  const of = (cluster: string, type: string, files: number, equal = true): Verdict => ({
    cluster,
    type,
    files,
    bytes: files * 10,
    versions: files - 1,
    equal,
    differences: [],
  });
  const verdicts = [of('a', 'NPM', 3), of('a', 'OCI', 5), of('b', 'NPM', 2, false), of('b', 'OCI', 5)];
  assert.deepEqual(byFarSide(verdicts), [
    { cluster: 'a', files: 8, bytes: 80, equal: true },
    { cluster: 'b', files: 7, bytes: 70, equal: false },
  ]);
  assert.deepEqual(byType(verdicts), {
    NPM: { files: 2, versions: 1, equal: false },
    OCI: { files: 5, versions: 4, equal: true },
  });
});

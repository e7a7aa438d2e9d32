/** A real bk-repo's database and store, listed and read through the source, against a reading that shares no code. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Source, SourceNode, SourceRepository } from '../../../src/engine/ports/source.ts';
import type { BkRepoSource } from '../../../src/source/bkrepo-source.ts';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { FIXTURE_LIVE_FILES, FIXTURE_PROJECT, fixtureMissing, loadFixture } from '../../support/bkrepo/fixture.ts';
import { type ReadBackFile, readBack } from '../../support/bkrepo/read-back.ts';
import { NEVER, nodeOf, pagesOf, repositoryOf, SourceHarness } from './harness.ts';

const missing = fixtureMissing();
if (missing !== false) process.stdout.write(`the tests on a real bk-repo's data ${missing}\n`);

describe("a real bk-repo's data", { skip: missing }, () => {
  let harness: SourceHarness;
  let source: BkRepoSource;

  before(async () => {
    harness = await SourceHarness.start();
    await loadFixture(harness.db('fixture'), harness.path('fixture-store'));
    source = harness.source('fixture');
  });

  after(() => harness.stop());

  for (const [name, count] of Object.entries(FIXTURE_LIVE_FILES)) {
    it(`${name}: all ${count} live files, every byte and every field`, async () => {
      const repository = await repositoryOf(source, FIXTURE_PROJECT, name);
      const files = await readAll(source, repository);
      assert.equal(files.size, count);
      const expected = await readBack(harness.db('fixture'), harness.path('fixture-store'), FIXTURE_PROJECT, name);
      assert.deepEqual(compareSides(expected, files, { names: ['read back', 'source'] }), []);
    });
  }

  it('tells the project and its repositories; the deleted one is not there', async () => {
    const project = await source.project(FIXTURE_PROJECT, NEVER);
    assert.deepEqual(project, { name: 'fx', displayName: 'fx 测试项目', description: 'fixture project' });
    const gen = await repositoryOf(source, FIXTURE_PROJECT, 'gen');
    assert.equal(gen.type, 'GENERIC');
    assert.equal(gen.category, 'LOCAL');
    assert.equal(gen.description, 'GENERIC fixture, updated');
    assert.deepEqual(gen.configuration, { type: 'local', webHook: { webHookList: [] }, settings: {} });
    assert.equal(gen.credentialsKey, null);
    assert.equal(await source.repository(FIXTURE_PROJECT, 'old', NEVER), undefined);
  });

  it('keeps the metadata of every kind that servers write', async () => {
    const gen = await repositoryOf(source, FIXTURE_PROJECT, 'gen');
    const plain = (await nodeOf(source, gen, '/ops/meta.txt')).metadata;
    assert.deepEqual(
      plain.map(({ key, value, system }) => [key, value, system]),
      [
        ['flag', 'true', false],
        ['stage', '@release', false],
        ['中文键', '值', false],
        ['num', '7', false],
        ['count', 12, false],
        ['list', ['a', 'b'], false],
        ['described', 'v', false],
      ],
    );
    const oci = await repositoryOf(source, FIXTURE_PROJECT, 'oci');
    const [manifests] = await pagesOf(source, oci, { path: '/team' });
    const manifest = await nodeOf(source, oci, manifests?.find((path) => path.endsWith('manifest.json')) ?? '');
    const digests = manifest.metadata.find((entry) => entry.key === 'digest_list');
    assert.ok(Array.isArray(digests?.value) && digests.value.length > 1 && digests.system);
  });

  it('selects folders and names as a task says them', async () => {
    const gen = await repositoryOf(source, FIXTURE_PROJECT, 'gen');
    for (const [path, count] of [
      ['/special', 15],
      ['/中文目录', 2],
      ['/special/*e.txt', 3],
      ['/a', 3],
      ['/ops/folder*', 4],
    ] as const)
      assert.equal((await pagesOf(source, gen, { path })).flat().length, count, path);
    assert.deepEqual(await pagesOf(source, gen, { path: '/ops/emptydir' }), [[]]);
    assert.deepEqual(await pagesOf(source, gen, { path: '/ops/del.txt' }), []);
  });
});

async function readAll(source: Source, repository: SourceRepository): Promise<Map<string, ReadBackFile>> {
  const files = new Map<string, ReadBackFile>();
  for await (const page of source.nodes(repository, {}, 10, NEVER))
    for (const node of page) files.set(node.fullPath, await readOne(source, repository, node));
  return files;
}

async function readOne(source: Source, repository: SourceRepository, node: SourceNode): Promise<ReadBackFile> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  let size = 0;
  for await (const chunk of await source.open(repository, node, 0, NEVER)) {
    sha256.update(chunk as Buffer);
    md5.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  const digests = { size, sha256: sha256.digest('hex'), md5: md5.digest('hex') };
  assert.deepEqual(digests, { size: node.size, sha256: node.sha256, md5: node.md5 });
  return {
    ...digests,
    metadata: node.metadata
      .map((entry) => ({
        key: entry.key,
        value: entry.value,
        system: entry.system,
        description: entry.description ?? null,
        link: entry.link ?? null,
      }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
    createdBy: node.createdBy,
    createdDate: node.createdDate,
    lastModifiedDate: node.lastModifiedDate,
    problems: [],
  };
}

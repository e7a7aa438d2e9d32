import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { putGeneral } from '../../support/bkrepo/packages/general.ts';
import { putImage } from '../../support/bkrepo/packages/image.ts';
import { type MixedRepository, mixedProject } from '../../support/bkrepo/packages/mixed.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { removeVersion } from '../../support/bkrepo/packages/version.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import type { Fault, SeenRequest } from '../../support/fault-proxy.ts';
import { namedIn } from '../../support/schedule/documents.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, World } from '../../support/world.ts';
import { farNodes, farPackages, farVersion, objectOf, requestsTo, tallyOf } from './far-state.ts';

/* Single faults over packages: what must be survived, one by one, where random schedules may miss it. */

const PROJECT = 'mixed';
const BOTH = [false, true];
const MIB = 1024 * 1024;

let world: World;
let mixed: readonly MixedRepository[];
let repositories = 0;
before(async () => {
  world = await World.start();
  mixed = await mixedProject(world.builder, { projectId: PROJECT, types: ['NPM', 'MAVEN', 'OCI', 'PYPI'] });
});
after(() => world.stop());

/** A repository of this test's own. */
function repositoryOf(type: string): Promise<RepositoryBuilder> {
  repositories += 1;
  return world.builder.repository(PROJECT, `own${repositories}`, { type });
}

function mixedOf(type: string): MixedRepository {
  return mixed.find((one) => one.type === type) ?? assert.fail(type);
}

const is = (part: string) => (request: SeenRequest) => request.url.includes(part);

/** `old`: not so young that a missing blob may still come. */
const old = { createdDate: new Date(Date.now() - 3_600_000), lastModifiedDate: new Date(Date.now() - 3_600_000) };

type Run = Awaited<ReturnType<World['run']>>;

/** How each unit ended, for runs of one object. */
async function unitsOf(run: Run, farSide: FarSide): Promise<Record<string, string>> {
  const details = await world.details(run.record, farSide);
  return Object.fromEntries([...details].map(([unit, { status, reason }]) => [unit, reason ?? status]));
}

for (const faithful of BOTH) {
  const kind = faithful ? 'faithful' : 'sound';

  test(`fault 10: a large layer cut at 90 % goes on where it was (${kind})`, async () => {
    const repository = await repositoryOf('OCI');
    const layer = gzipSync(Buffer.concat([...seededBytes(20 * MIB, faithful ? 11 : 12)]), { level: 0 });
    await putImage(repository, 'app', 'large', { layers: [layer] });
    const farSide = await world.farSide(`cut-${kind}`, { faithful });
    let chunks = 0;
    farSide.proxy.setFault(({ method }): Fault | undefined => {
      if (method !== 'PATCH') return undefined;
      chunks += 1;
      return chunks === 3 ? { kind: 'reset', afterBytes: 2 * MIB } : undefined;
    });
    const run = await world.run([farSide], { project: PROJECT, objects: [objectOf(repository)] });
    assert.equal((await unitsOf(run, farSide))['oci://app@large'], 'SUCCESS');
    assert.equal(
      farSide.proxy.requests.filter(({ url }) => /\/blobs\/uploads\/?(?:\?|$)/.test(url)).length,
      1,
      'one session',
    );
    const uploaded = farSide.proxy.uploadedBytes();
    assert.ok(uploaded < 24 * MIB, `${uploaded} bytes were sent for a layer of ${layer.length}`);
    assert.deepEqual(await problems(farSide, repository), []);
  });

  test(`fault 11: no version appears whose bytes were altered on their way, others do (${kind})`, async () => {
    const repository = await repositoryOf('NPM');
    const [first, second] = [await putNpm(repository, 'lib', '1.0.0'), await putNpm(repository, 'lib', '1.1.0')];
    const altered = await digestOf(repository, second.paths[0]);
    const farSide = await world.farSide(`altered-${kind}`, { faithful });
    farSide.proxy.setFault((request) =>
      is(`blob/push`)(request) && request.url.includes(altered) ? { kind: 'corrupt-request' } : undefined,
    );
    const run = await world.run([farSide], { project: PROJECT, objects: [objectOf(repository)] });
    const units = await unitsOf(run, farSide);
    assert.equal(units['npm://lib@1.0.0'], 'SUCCESS');
    assert.match(units['npm://lib@1.1.0'] ?? '', faithful ? /^StoredBytesDiffer$/ : /^DigestMismatch$/);
    assert.equal(await farVersion(farSide, repository, second.packageKey, '1.1.0'), null);
    assert.deepEqual(await farNodes(farSide, repository, second.paths[0]), [], 'and nothing of it was created');
    const found = (await farPackages(farSide, repository)).get(first.packageKey);
    assert.equal(found?.latest, '1.0.0');
    assert.deepEqual(await namedAt(farSide, repository, '/.npm/lib/package.json'), ['1.0.0']);
    assert.deepEqual(await problems(farSide, repository), []);
  });

  test(`fault 14: a question that fails is never read as "absent" (${kind})`, async () => {
    const repository = mixedOf('PYPI').repository;
    for (const [index, question] of ['node/search', 'version/page', 'package/info'].entries()) {
      const farSide = await world.farSide(`silent-${index}-${kind}`, { faithful });
      await world.run([farSide], { project: PROJECT, objects: [objectOf(repository)] });
      const before = await farNodes(farSide, repository);
      await putVersionNode(repository, `2.${index}.${faithful ? 1 : 0}`);
      farSide.proxy.setFault((request) =>
        is(question)(request) ? { kind: 'answer', status: 500, body: '{"code":250102}' } : undefined,
      );
      farSide.proxy.forget();
      const run = await world.run([farSide], { project: PROJECT, objects: [objectOf(repository)] });
      const { success, failed, notTried } = tallyOf(run);
      assert.equal(requestsTo(farSide, 'package/version/create'), 0, question);
      assert.ok(failed + notTried > 0, `${question}: ${JSON.stringify(tallyOf(run))}`);
      if (question === 'node/search') {
        assert.equal(success, 0);
        assert.deepEqual(await farNodes(farSide, repository), before);
      }
    }
  });
}

test('fault 12: a version whose source bytes are not what they should be leaves nothing at the far side', async () => {
  const repository = await repositoryOf('HUGGINGFACE');
  const root = '/org/lib/resolve';
  const put = (version: string): Promise<unknown> =>
    putGeneral(
      repository,
      { key: 'huggingface://model/org/lib', name: 'org/lib' },
      { name: version, artifactPath: `${root}/${version}/weights`, createdDate: old.createdDate },
      {
        [`${root}/${version}/config`]: { content: `config ${version}`, ...old },
        [`${root}/${version}/weights`]: { content: `weights ${version}`, ...old },
      },
    );
  await put('1.0');
  await put('2.0');
  const wrong = await digestOf(repository, `${root}/2.0/weights`);
  await writeFile(blobPath(world.builder.storeDir, wrong), 'weights 9.9');
  const farSide = await world.farSide('wrong-source');
  const run = await world.run([farSide], { project: PROJECT, objects: [objectOf(repository)] });
  const units = await unitsOf(run, farSide);
  assert.equal(units['huggingface://model/org/lib@1.0'], 'SUCCESS');
  assert.equal(units['huggingface://model/org/lib@2.0'], 'SourceBytesDiffer');
  assert.deepEqual(await farNodes(farSide, repository, `${root}/2.0`), []);
  assert.equal((await farPackages(farSide, repository)).get('huggingface://model/org/lib')?.latest, '1.0');
  assert.deepEqual(await problems(farSide, repository), []);
});

test('fault 13: what is replaced, removed or added while pages are read neither hides nor doubles the rest', async () => {
  const repository = await repositoryOf('HUGGINGFACE');
  const put = (name: string, text = name): Promise<unknown> =>
    putGeneral(
      repository,
      { key: `huggingface://model/${name}`, name },
      { name: '1.0', artifactPath: `/model/${name}/1.0/weights` },
      { [`/model/${name}/1.0/weights`]: `weights ${text}` },
    );
  const names = Array.from({ length: 12 }, (_, index) => `m${String(index).padStart(2, '0')}`);
  for (const name of names) await put(name);
  const farSide = await world.farSide('shifting');
  let changed: Promise<void> | undefined;
  farSide.proxy.setFault((request) => {
    if (is('blob/push')(request))
      changed ??= (async () => {
        // Removed before and behind the place of the listing, added before it, replaced behind it.
        for (const name of ['m00', 'm11']) {
          await removeVersion(repository, `huggingface://model/${name}`, '1.0');
          await repository.deleteFile(`/model/${name}/1.0/weights`);
        }
        await put('a00');
        await put('m10', 'anew');
      })();
    return undefined;
  });
  const limits = { patience: 10_000, attempts: 8, backoff: { base: 20, cap: 200 }, pageSize: 2, settleSize: 50 };
  const run = await world.run([farSide], {
    project: PROJECT,
    objects: [objectOf(repository)],
    concurrency: 2,
    deps: { limits },
  });
  await changed;
  const units = await unitsOf(run, farSide);
  for (const name of names.slice(1, 11)) assert.equal(units[`huggingface://model/${name}@1.0`], 'SUCCESS', name);
  const gone = ['huggingface://model/m00@1.0', 'huggingface://model/m11@1.0'];
  const others = Object.entries(units).filter(([unit, status]) => status !== 'SUCCESS' && !gone.includes(unit));
  assert.deepEqual(others, []);
  const there = await readBack(farSide.db, farSide.storeDir, 'mirror', repository.name);
  const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, repository.name);
  for (const name of names.slice(1, 11)) {
    const path = `/model/${name}/1.0/weights`;
    assert.equal(there.get(path)?.sha256, here.get(path)?.sha256, path);
  }
  assert.deepEqual(await problems(farSide, repository), []);
});

test('fault 18: a blob call that is led elsewhere is refused, and nobody else is shown the credentials', async () => {
  const seen: http.IncomingHttpHeaders[] = [];
  const elsewhere = http.createServer((request, response) => {
    seen.push(request.headers);
    response.end('{"code":0}');
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/taken`;
  try {
    for (const call of ['blob/pull', 'blob/push']) {
      const farSide = await world.farSide(`led-${call.slice(5)}`, { faithful: true });
      farSide.proxy.setFault((request) =>
        is(call)(request) ? { kind: 'answer', status: 307, headers: { location } } : undefined,
      );
      const run = await world.run([farSide], { project: PROJECT, objects: [objectOf(mixedOf('OCI').repository)] });
      assert.equal(run.outcome.farSides[0]?.error?.reason, 'RedirectRefused');
      assert.equal(tallyOf(run).success, 0);
    }
    assert.deepEqual(seen, []);
  } finally {
    elsewhere.close();
  }
});

const FULL: readonly (readonly [string, Fault])[] = [
  ['disk', { kind: 'answer', status: 507, body: '{"code":251101,"message":"no space left","data":null}' }],
  ['limit', { kind: 'answer', status: 413, body: '<html>413 Request Entity Too Large</html>' }],
  ['quota', { kind: 'answer', status: 400, body: '{"code":251025,"message":"quota","data":null}' }],
];
for (const [what, fault] of FULL) {
  test(`fault 19: a far side that is full (${what}) is stopped with its reason, the other gets everything`, async () => {
    const full = await world.farSide(`full-${what}`);
    const free = await world.farSide(`free-${what}`);
    full.proxy.setFault((request) => (is('blob/push')(request) ? fault : undefined));
    const objects = mixed.map(({ repository }) => objectOf(repository));
    const run = await world.run([full, free], { project: PROJECT, objects });
    const [stopped, served] = run.outcome.farSides;
    assert.equal(stopped?.error?.reason, 'FarSideFull');
    assert.equal(served?.error, undefined);
    const [mine, others] = [tallyOf(run, 0), tallyOf(run, 1)];
    assert.deepEqual([others.failed, others.notTried, mine.success], [0, 0, 0]);
    assert.deepEqual(await unitKeys(run, full), await unitKeys(run, free), 'every unit is recorded at both');
    assert.ok(mine.notTried > mine.failed, JSON.stringify(mine));
    assert.equal((await farPackages(full, mixedOf('OCI').repository)).size, 0);
  });
}

test('fault 20: a version that fails for ever is told, and holds up nothing, in this run and in the next', async () => {
  const { repository, packages } = mixedOf('OCI');
  const [poison = assert.fail()] = packages;
  const digest = await digestOf(repository, poison.paths[0]);
  const farSide = await world.farSide('poisoned');
  farSide.proxy.setFault((request) =>
    is('blob/push')(request) && request.url.includes(digest)
      ? { kind: 'answer', status: 500, body: '{"code":250102,"message":"scanner refused","data":null}' }
      : undefined,
  );
  const options = { project: PROJECT, objects: [objectOf(repository)] };
  const unit = `${poison.packageKey}@${poison.version}`;
  const first = await world.run([farSide], options);
  const details = await world.details(first.record, farSide);
  const failed = [...details].filter(([, { status }]) => status === 'FAILED');
  assert.deepEqual(
    failed.map(([name]) => name),
    [unit],
  );
  assert.match(details.get(unit)?.errorReason ?? '', /scanner refused/);
  assert.equal(first.record.status, 'FAILED');
  assert.ok(JSON.stringify(first.outcome.farSides[0]?.examples).includes(unit));
  const second = await world.run([farSide], options);
  assert.deepEqual([tallyOf(second).failed, tallyOf(second).success], [1, 0], 'the others are not sent again');
  farSide.proxy.setFault(undefined);
  const third = await world.run([farSide], options);
  assert.deepEqual([tallyOf(third).failed, tallyOf(third).success], [0, 1], 'and it comes when it can');
});

test('fault 21: a far side at 1 KB/s does not hold up the other', async () => {
  const slow = await world.farSide('crawling');
  const fast = await world.farSide('running');
  slow.proxy.setFault((request) => (is('blob/push')(request) ? { kind: 'slow', bytesPerSecond: 1024 } : undefined));
  const done = new Map<string, number>();
  const stop = new AbortController();
  const running = world.run([slow, fast], {
    project: PROJECT,
    objects: [objectOf(mixedOf('OCI').repository)],
    signal: stop.signal,
    patience: 60_000,
    deps: { onProgress: ({ clusterName, tally }) => void done.set(clusterName, tally.success) },
  });
  const units = mixedOf('OCI').packages.length + 1;
  try {
    await eventually(() => done.get('running') === units, { timeoutMs: 15_000 });
    assert.ok((done.get('crawling') ?? 0) < units);
  } finally {
    stop.abort();
    await running.catch(() => undefined);
  }
});

async function unitKeys(run: Run, { name }: FarSide): Promise<readonly string[]> {
  const page = { pageNumber: 1, pageSize: 1000 };
  const found = await world.journal.details(run.record.id, { clusterName: name }, page, AbortSignal.timeout(10_000));
  return found.records.map(({ unitKey }) => unitKey).sort();
}

async function digestOf(repository: RepositoryBuilder, path = ''): Promise<string> {
  const files = await readBack(world.builder.db, world.builder.storeDir, PROJECT, repository.name);
  return files.get(path)?.sha256 ?? assert.fail(path);
}

/** What is wrong with files and packages of a far side by themselves. */
async function problems(farSide: FarSide, repository: RepositoryBuilder): Promise<readonly string[]> {
  const files = await readBack(farSide.db, farSide.storeDir, 'mirror', repository.name);
  const packages = await farPackages(farSide, repository);
  return [...files.values(), ...packages.values()].flatMap((one) => one.problems);
}

async function namedAt(farSide: FarSide, repository: RepositoryBuilder, path: string): Promise<readonly string[]> {
  const files = await readBack(farSide.db, farSide.storeDir, 'mirror', repository.name);
  const bytes = await readFile(blobPath(farSide.storeDir, files.get(path)?.sha256 ?? ''));
  return namedIn(repository.type, path, bytes).flatMap(({ versions }) => versions);
}

async function putVersionNode(repository: RepositoryBuilder, version: string): Promise<void> {
  const path = `/mixed-dist/${version}/mixed_dist-${version}.tar.gz`;
  await putGeneral(
    repository,
    { key: 'pypi://mixed-dist', name: 'mixed-dist' },
    { name: version, artifactPath: path },
    { [path]: `distribution ${version}` },
  );
}

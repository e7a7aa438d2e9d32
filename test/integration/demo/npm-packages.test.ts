import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { downloadedPackages } from '../../demo/packages/npm.ts';
import { tgz } from '../../support/bkrepo/packages/archives.ts';
import { type AfterHook, tempDirFor } from '../../support/tempdir.ts';

interface Installed {
  readonly directory: string;
  readonly name: string;
  readonly version: string;
  /** false = npm's cache has lost it. */
  readonly cached?: boolean;
  /** What the cache has instead. */
  readonly damaged?: boolean;
}

/** A project as `npm ci` leaves it; npm's cache lies below it. */
async function project(
  t: AfterHook,
  dependencies: readonly string[],
  installed: readonly Installed[],
): Promise<string> {
  const root = await tempDirFor(t, 'npm-project');
  const packages: Record<string, object> = { '': {} };
  for (const { directory, name, version, cached = true, damaged = false } of installed) {
    const manifest = JSON.stringify({ name, version, description: `about ${name}` });
    const tarball = tgz({ 'package/package.json': manifest });
    const digest = createHash('sha512').update(tarball).digest();
    const hex = digest.toString('hex');
    packages[directory] = { version, integrity: `sha512-${digest.toString('base64')}` };
    await put(path.join(root, directory, 'package.json'), manifest);
    await put(path.join(root, directory, 'README.md'), `read ${name}`);
    const file = path.join('cache/_cacache/content-v2/sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
    if (cached) await put(path.join(root, file), damaged ? 'not what it was' : tarball);
  }
  const direct = Object.fromEntries(dependencies.map((name) => [name, '*']));
  await put(
    path.join(root, 'package.json'),
    JSON.stringify({ name: 'project', version: '1.0.0', dependencies: direct }),
  );
  await put(path.join(root, 'package-lock.json'), JSON.stringify({ packages }));
  await put(path.join(root, '.npmrc'), `cache=${path.join(root, 'cache')}\n`);
  return root;
}

async function put(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** Without what `npm run` says of npm's cache. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name)));

test('scoped direct dependencies and every version of what is there twice are taken, oldest first, as the registry gave them', async (t) => {
  const root = await project(
    t,
    ['@scope/one', 'plain', 'twice'],
    [
      { directory: 'node_modules/@scope/one', name: '@scope/one', version: '1.0.0' },
      { directory: 'node_modules/@scope/indirect', name: '@scope/indirect', version: '1.0.0' },
      { directory: 'node_modules/plain', name: 'plain', version: '1.0.0' },
      { directory: 'node_modules/twice', name: 'twice', version: '10.0.0' },
      { directory: 'node_modules/plain/node_modules/twice', name: 'twice', version: '9.1.0' },
    ],
  );
  const said: string[] = [];
  const packages = await downloadedPackages(root, (line) => said.push(line), environment);
  assert.deepEqual(
    packages.map(({ name, version, file }) => [name, version, file]),
    [
      ['@scope/one', '1.0.0', 'scope-one-1.0.0.tgz'],
      ['twice', '9.1.0', 'twice-9.1.0.tgz'],
      ['twice', '10.0.0', 'twice-10.0.0.tgz'],
    ],
  );
  const manifest = { name: 'twice', version: '9.1.0', description: 'about twice' };
  assert.deepEqual(packages[1]?.manifest, { ...manifest, readme: 'read twice' });
  assert.deepEqual(Buffer.from(packages[1]?.tarball ?? []), tgz({ 'package/package.json': JSON.stringify(manifest) }));
  assert.deepEqual(said, []);
});

for (const [what, state] of [
  ['lost', { cached: false }],
  ['no longer has whole', { damaged: true }],
] as const) {
  test(`what npm's cache has ${what} is packed from node_modules, and this is said`, async (t) => {
    const root = await project(
      t,
      ['@scope/one', '@scope/two'],
      [
        { directory: 'node_modules/@scope/one', name: '@scope/one', version: '1.0.0', ...state },
        { directory: 'node_modules/@scope/two', name: '@scope/two', version: '1.0.0' },
      ],
    );
    const said: string[] = [];
    const packages = await downloadedPackages(root, (line) => said.push(line), environment);
    assert.deepEqual(
      packages.map(({ name }) => name),
      ['@scope/one', '@scope/two'],
    );
    assert.deepEqual([...(packages[0]?.tarball.subarray(0, 2) ?? [])], [0x1f, 0x8b], 'a gzip file');
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /packs 1 packages of node_modules/);
  });
}

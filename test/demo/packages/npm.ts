/**
 * Real npm packages: what `npm ci` downloaded for this project. Tarballs come from npm's own cache, byte for byte as the
 * registry gave them, checked against the lock file; one that is not there any more is packed from node_modules. Nothing
 * is fetched.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { command, compareVersions } from '../../support/assets/command.ts';
import { putNpm, tagNpm } from '../../support/bkrepo/packages/npm.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Of the tarball, e.g. `fastify-busboy-3.2.6.tgz`. */
  readonly file: string;
  readonly tarball: Uint8Array;
  /** Its package.json, and its README as `readme`. */
  readonly manifest: Readonly<Record<string, unknown>>;
}

interface Locked {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  readonly directory: string;
}

type Npm = (...args: readonly string[]) => Promise<string>;

/** Bytes; larger tarballs are left out. */
const LARGEST = 1024 * 1024;
/** Where the made-up source says that its tarballs are. */
export const SOURCE_HOST = 'http://bkrepo.source.example.com';

/**
 * The scoped packages that the project at `root` depends on directly, and all that it has in several versions, with all of
 * them: about twenty. Sorted by name, then version.
 */
export async function downloadedPackages(
  root: string,
  report: (line: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly NpmPackage[]> {
  const chosen = await chosenPackages(root);
  const npm: Npm = (...args) => command('npm', args, { cwd: root, env, timeoutMs: 60_000 });
  const npmCache = (await npm('config', 'get', 'cache')).trim();
  const tarballs = await Promise.all(chosen.map((locked) => cachedTarball(npmCache, locked.integrity)));
  const missing = chosen.filter((_, index) => tarballs[index] === undefined);
  const packed = missing.length === 0 ? new Map<string, Buffer>() : await pack(npm, missing, report);
  const packages: NpmPackage[] = [];
  for (const [index, { name, version, directory }] of chosen.entries()) {
    const tarball = tarballs[index] ?? packed.get(directory);
    if (tarball === undefined) throw new Error(`npm packed nothing for ${directory}`);
    if (tarball.length > LARGEST) continue;
    const manifest = await manifestOf(path.join(root, directory));
    const file = `${name.replace(/^@/, '').replace('/', '-')}-${version}.tgz`;
    packages.push({ name, version, file, tarball, manifest });
  }
  return packages;
}

/** Publishes them, the newest version of each last; an older one gets the dist-tag `previous`. */
export async function publishPackages(repository: RepositoryBuilder, packages: readonly NpmPackage[]): Promise<void> {
  for (const [name, versions] of Map.groupBy(packages, (one) => one.name)) {
    for (const { version, tarball, manifest } of versions)
      await putNpm(repository, name, version, { host: SOURCE_HOST, published: { tarball, manifest } });
    const previous = versions.at(-2);
    if (previous !== undefined) await tagNpm(repository, name, { previous: previous.version });
  }
}

async function chosenPackages(root: string): Promise<readonly Locked[]> {
  const { dependencies, devDependencies } = await json(path.join(root, 'package.json'));
  const direct = new Set([...Object.keys(dependencies ?? {}), ...Object.keys(devDependencies ?? {})]);
  const { packages } = await json(path.join(root, 'package-lock.json'));
  const locked = new Map<string, Locked>();
  for (const [directory, entry] of Object.entries((packages ?? {}) as Record<string, Record<string, unknown>>)) {
    const { version, integrity } = entry;
    if (typeof version !== 'string' || typeof integrity !== 'string') continue;
    const name = directory.slice(directory.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const installed = existsSync(path.join(root, directory, 'package.json'));
    if (installed && /^[\d.]+$/.test(version))
      locked.set(`${name}@${version}`, { name, version, integrity, directory });
  }
  const byName = Map.groupBy(locked.values(), (one) => one.name);
  return [...byName]
    .filter(([name, versions]) => (name.startsWith('@') && direct.has(name)) || versions.length > 1)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, versions]) => versions.sort((a, b) => compareVersions(a.version, b.version)));
}

/** npm's cache keeps content under its own digest. undefined = it is not there, or no longer what it was. */
async function cachedTarball(npmCache: string, integrity: string): Promise<Buffer | undefined> {
  const [algorithm = '', base64 = ''] = integrity.split('-');
  const hex = Buffer.from(base64, 'base64').toString('hex');
  const file = path.join(npmCache, '_cacache/content-v2', algorithm, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
  if (!existsSync(file)) return undefined;
  const content = await readFile(file);
  return createHash(algorithm).update(content).digest('base64') === base64 ? content : undefined;
}

/** By directory. */
async function pack(
  npm: Npm,
  packages: readonly Locked[],
  report: (line: string) => void,
): Promise<ReadonlyMap<string, Buffer>> {
  report(`npm's cache has not all of it: npm packs ${packages.length} packages of node_modules`);
  const into = await makeTempDir('npm-pack');
  try {
    const packed = new Map<string, Buffer>();
    for (const { directory } of packages) {
      const printed = await npm('pack', `./${directory}`, '--ignore-scripts', '--silent', '--pack-destination', into);
      const file = printed.trim().split('\n').at(-1) ?? '';
      packed.set(directory, await readFile(path.join(into, file)));
    }
    return packed;
  } finally {
    await removeDir(into);
  }
}

async function manifestOf(directory: string): Promise<Readonly<Record<string, unknown>>> {
  const manifest = await json(path.join(directory, 'package.json'));
  const readme = path.join(directory, 'README.md');
  return existsSync(readme) ? { ...manifest, readme: await readFile(readme, 'utf8') } : manifest;
}

async function json(file: string): Promise<Readonly<Record<string, object | undefined>>> {
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, object | undefined>;
}

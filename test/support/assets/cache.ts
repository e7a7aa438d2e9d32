import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, lstat, mkdir, readdir, readFile, readlink, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { WayFailed } from './way.ts';

/*
 * The cache of unpacked and built parts: a directory per part and recipe, complete with a manifest of the SHA-256 of
 * every file, and never changed after it appeared under its name. It is checked in full before it is used, by each program
 * unless the one that started it says that it has done so.
 */

export interface Manifest {
  readonly part: string;
  readonly version: string;
  /** Which way brought it. */
  readonly how: string;
  /** Path below the directory → SHA-256 in hexadecimal, or `link:` and the target of a symbolic link. */
  readonly files: Readonly<Record<string, string>>;
}

const MANIFEST = 'manifest.json';
/** The variable that names the directories, as in a PATH, that need no further check. */
export const CHECKED = 'TEST_CHECKED_PARTS';

/** `$XDG_CACHE_HOME/bkrepo-replicator`, else `~/.cache/bkrepo-replicator`. */
export function cacheRoot(environment: NodeJS.ProcessEnv): string {
  const base = environment['XDG_CACHE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'bkrepo-replicator');
}

/** The name of a part's directory: other recipes and other machines do not meet. */
export function cacheName(part: string, recipe: string): string {
  return `${part}-${recipe}-${process.platform}-${process.arch}`;
}

/** @throws {WayFailed} when nothing is there, or when what is there is not what was put there */
export async function verify(directory: string): Promise<Manifest> {
  const manifest = await readManifest(directory);
  if (process.env[CHECKED]?.split(delimiter).includes(directory) === true) return manifest;
  const found = await digestTree(directory);
  delete found[MANIFEST];
  const names = new Set([...Object.keys(manifest.files), ...Object.keys(found)]);
  for (const name of names) {
    const expected = manifest.files[name] ?? 'no such file';
    const actual = found[name] ?? 'no such file';
    if (expected !== actual)
      throw new WayFailed(`${join(directory, name)} is damaged: expected ${expected}, found ${actual}`);
  }
  return manifest;
}

async function readManifest(directory: string): Promise<Manifest> {
  let text: string;
  try {
    await access(directory);
  } catch {
    throw new WayFailed(`nothing at ${directory}`);
  }
  try {
    text = await readFile(join(directory, MANIFEST), 'utf8');
    const manifest = JSON.parse(text) as Partial<Manifest>;
    if (typeof manifest.version === 'string' && typeof manifest.files === 'object') return manifest as Manifest;
  } catch (error) {
    throw new WayFailed(`${directory} has no readable ${MANIFEST}`, { cause: error });
  }
  throw new WayFailed(`${directory} has no readable ${MANIFEST}`);
}

/**
 * Lets `fill` fill a directory of its own and then gives it its name in one step, so that nobody ever sees half a part.
 * To be called under the part's lock. What a killed process left half done is removed first.
 */
export async function publish(
  directory: string,
  fill: (draft: string) => Promise<Omit<Manifest, 'files'>>,
): Promise<Manifest> {
  const parent = dirname(directory);
  await mkdir(parent, { recursive: true });
  const prefix = `${relative(parent, directory)}.draft-`;
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true, force: true });
  }
  const draft = join(parent, `${prefix}${randomUUID()}`);
  await mkdir(draft, { mode: 0o700 });
  try {
    const about = await fill(draft);
    const manifest: Manifest = { ...about, files: await digestTree(draft) };
    await writeFile(join(draft, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
    await rm(directory, { recursive: true, force: true });
    await rename(draft, directory);
    return manifest;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function digestTree(root: string): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const status = await lstat(path);
    if (status.isSymbolicLink()) digests[relative(root, path)] = `link:${await readlink(path)}`;
    else if (status.isFile()) digests[relative(root, path)] = await sha256(path);
  }
  return digests;
}

/** SHA-256 of a file's content, in hexadecimal. */
async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

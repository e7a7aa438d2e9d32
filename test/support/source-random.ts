/**
 * Somebody who does anything at random to the repositories of a source, on few paths, so that what is done collides. The
 * same seed does the same to the same source. What the server refuses, or does not answer, is told and done with.
 */
import { seededBytes } from './bkrepo/content.ts';
import type { SeededRandom } from './seed.ts';
import type { SourceRepository } from './source-repository.ts';
import { hasVersions, putVersionOf, removeVersionOf } from './source-versions.ts';
import { RefusedError } from './source-writer.ts';

const FOLDERS = ['', '/a', '/a/b', '/a b/文件', '/c'] as const;
const FILES = ['x.txt', 'y.bin', 'z #1.txt'] as const;
const PACKAGES = ['lib', 'tool'] as const;
const VERSIONS = ['1.0.0', '1.1.0', '2.0.0'] as const;
const KEYS = ['color', 'build', 'a.b'] as const;
const MOST_DAYS = 30;

export interface RandomSourceOptions {
  /** Tried only where the far sides shall learn of it: default all. */
  readonly without?: readonly Operation[];
}

interface Act {
  readonly random: SeededRandom;
  readonly repository: SourceRepository;
  /** Of the same kind as `repository`; often itself. */
  readonly other: SourceRepository;
}

type Perform = (act: Act) => Promise<string>;

/** How often each is done, in relation, and what it does; it answers with what it was about. */
const OPERATIONS = {
  put: [8, put],
  'put again': [2, putAgain],
  'large file': [1, putLarge],
  mkdir: [1, makeFolder],
  'delete file': [4, (act) => about(act, 'files', (path) => act.repository.deleteFile(path))],
  'delete folder': [1, (act) => about(act, 'folders', (path) => act.repository.deleteFile(path))],
  rename: [3, (act) => relocate(act, 'files', 'rename')],
  'rename folder': [1, (act) => relocate(act, 'folders', 'rename')],
  move: [3, (act) => relocate(act, 'files', 'move')],
  'move folder': [1, (act) => relocate(act, 'folders', 'move')],
  copy: [3, (act) => relocate(act, 'files', 'copy')],
  'copy folder': [1, (act) => relocate(act, 'folders', 'copy')],
  'save metadata': [4, saveMetadata],
  'delete metadata': [2, deleteMetadata],
  expire: [1, expire],
} as const satisfies Readonly<Record<string, readonly [number, Perform]>>;

const PACKAGE_OPERATIONS = {
  'put version': [6, putVersion],
  'delete version': [3, removeVersion],
  'save node metadata': [1, saveMetadata],
  'put loose file': [1, putLoose],
} as const satisfies Readonly<Record<string, readonly [number, Perform]>>;

export type Operation = keyof typeof OPERATIONS | keyof typeof PACKAGE_OPERATIONS;

export class RandomSource {
  readonly #random: SeededRandom;
  readonly #repositories: readonly SourceRepository[];
  readonly #without: ReadonlySet<string>;

  constructor(random: SeededRandom, repositories: readonly SourceRepository[], options: RandomSourceOptions = {}) {
    this.#random = random;
    this.#repositories = repositories;
    this.#without = new Set(options.without);
  }

  /** Does something, and says what: `files: rename /a/x.txt to /c: 251012 Node [/c] existed`. */
  async act(): Promise<string> {
    const random = this.#random;
    const repository = random.pick(this.#repositories);
    const alike = this.#repositories.filter(({ type }) => type === repository.type);
    const other = random.below(4) === 0 ? random.pick(alike) : repository;
    const [name, perform] = this.#operation(repository);
    try {
      return `${repository.name}: ${name} ${await perform({ random, repository, other })}`;
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      return `${repository.name}: ${name}: ${error.message}`;
    }
  }

  #operation({ type }: SourceRepository): readonly [string, Perform] {
    const table: Readonly<Record<string, readonly [number, Perform]>> = hasVersions(type)
      ? PACKAGE_OPERATIONS
      : OPERATIONS;
    const choices = Object.entries(table).filter(([name]) => !this.#without.has(name));
    const weights = choices.flatMap(([name, [weight, perform]]) =>
      Array.from({ length: weight }, () => [name, perform] as const),
    );
    return this.#random.pick(weights);
  }
}

function anyPath(random: SeededRandom): string {
  return `${random.pick(FOLDERS)}/${random.pick(FILES)}`;
}

/** One that is there, or now and then one that perhaps is not. */
async function somePath({ random, repository }: Act, kind: 'files' | 'folders'): Promise<string> {
  const there = await repository.paths(kind);
  if (there.length > 0 && random.below(10) > 0) return random.pick(there);
  return kind === 'files' ? anyPath(random) : random.pick(FOLDERS.slice(1));
}

async function about(
  act: Act,
  kind: 'files' | 'folders',
  perform: (path: string) => Promise<unknown>,
): Promise<string> {
  const path = await somePath(act, kind);
  await perform(path);
  return path;
}

async function put({ random, repository }: Act): Promise<string> {
  const path = anyPath(random);
  const content = random.below(10) === 0 ? '' : `content ${random.below(6)}`;
  const metadata = random.below(3) === 0 ? [{ key: random.pick(KEYS), value: `v${random.below(3)}` }] : [];
  await repository.putFile(path, content, { metadata });
  return `${path} "${content}"`;
}

/** The same bytes once more: another node with the same digest. */
async function putAgain(act: Act): Promise<string> {
  const path = await somePath(act, 'files');
  await act.repository.putFile(path, (await act.repository.content(path)) ?? 'first');
  return path;
}

async function putLarge({ random, repository }: Act): Promise<string> {
  const path = anyPath(random);
  const size = 50_000 + random.below(200_000);
  await repository.putFile(path, seededBytes(size, random.below(1_000)));
  return `${path} of ${size} bytes`;
}

async function makeFolder({ random, repository }: Act): Promise<string> {
  const path = `${random.pick(FOLDERS)}/empty`;
  await repository.makeFolder(path);
  return path;
}

/** To a new name, onto what is there, or into a folder, of this repository or another one. */
async function relocate(act: Act, kind: 'files' | 'folders', how: 'rename' | 'move' | 'copy'): Promise<string> {
  const { random, repository, other } = act;
  const from = await somePath(act, kind);
  const folder = random.pick(FOLDERS);
  const into = folder !== '' && random.below(3) === 0;
  const to = into ? folder : `${folder}/${kind === 'files' ? random.pick(FILES) : `d${random.below(2)}`}`;
  // A far side keeps folders: where one was, no file can be afterwards.
  if (into) await makeSure(how === 'rename' ? repository : other, folder);
  if (how === 'rename') await repository.rename(from, to);
  else await repository[how](from, to, { to: other, overwrite: random.below(4) > 0 });
  return how === 'rename' ? `${from} to ${to}` : `${from} to ${other.name}${to}`;
}

/** Of a folder that may be there. */
async function makeSure(repository: SourceRepository, folder: string): Promise<void> {
  const folders = await repository.paths('folders');
  if (!folders.includes(folder)) await repository.makeFolder(folder);
}

async function saveMetadata(act: Act): Promise<string> {
  const { random, repository } = act;
  const key = random.pick(KEYS);
  const value = random.pick([`v${random.below(5)}`, random.below(5), true, ['one', 'two']]);
  const path = await somePath(act, 'files');
  await repository.saveMetadata(path, [{ key, value }]);
  return `${path} ${key}=${JSON.stringify(value)}`;
}

async function deleteMetadata(act: Act): Promise<string> {
  const keys = act.random.shuffle(KEYS).slice(0, 1 + act.random.below(2));
  return `${await about(act, 'files', (path) => act.repository.deleteMetadata(path, keys))} ${keys.join(', ')}`;
}

async function expire(act: Act): Promise<string> {
  const days = act.random.below(3) * MOST_DAYS;
  return `${await about(act, 'files', (path) => act.repository.expire(path, days))} in ${days} days`;
}

async function putVersion({ random, repository }: Act): Promise<string> {
  const variant = random.below(3);
  const { packageKey, version } = await putVersionOf(repository, random.pick(PACKAGES), random.pick(VERSIONS), variant);
  return `${packageKey}@${version} (${variant})`;
}

async function removeVersion({ random, repository }: Act): Promise<string> {
  const [name, version] = [random.pick(PACKAGES), random.pick(VERSIONS)];
  await removeVersionOf(repository, name, version);
  return `${name}@${version}`;
}

async function putLoose({ random, repository }: Act): Promise<string> {
  const path = `/loose/${random.pick(FILES)}`;
  await repository.putFile(path, `loose ${random.below(4)}`);
  return path;
}

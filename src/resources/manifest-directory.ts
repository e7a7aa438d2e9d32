/**
 * Reads the input directory as it is now: every `.yaml`, `.yml` and `.json` below it, through symbolic links (git-sync
 * and ConfigMap volumes swap one), without hidden names. A file reached on two ways is read once. What cannot be read is
 * a problem of that file; a directory that cannot be read at all makes the whole scan fail, so that an absent mount is
 * never taken for "everything was deleted".
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { ReplicationError } from '../domain/errors.ts';
import { type DirectoryProblem, type ManifestFile, parseManifestFile } from './manifest-file.ts';

const MAX_FILES = 10_000;
const MAX_DEPTH = 16;
const MAX_DIRECTORIES = 1_000;
/** Bytes of one file. */
const MAX_FILE = 4 * 1024 * 1024;

export interface ScannedFile extends ManifestFile {
  readonly file: string;
}

export interface DirectoryScan {
  readonly files: readonly ScannedFile[];
  /** Of the directory itself: too many files, an unreadable part. Then nothing may be taken for deleted. */
  readonly problems: readonly DirectoryProblem[];
  /** Real paths, to be watched. */
  readonly directories: readonly string[];
}

interface Parsed {
  readonly text: string;
  readonly result: ManifestFile;
}

/** Remembers parsed files by their text: a directory that did not change costs only its reading. */
export class ManifestDirectory {
  readonly #root: string;
  #parsed: ReadonlyMap<string, Parsed> = new Map();

  constructor(root: string) {
    this.#root = root;
  }

  /** Fails with retryable error `DirectoryUnreadable`. */
  async scan(signal: AbortSignal): Promise<DirectoryScan> {
    const walk: Walk = { files: new Map(), directories: new Set(), problems: [] };
    try {
      await visit(await realpath(this.#root), '', 0, walk, signal);
    } catch (error) {
      signal.throwIfAborted();
      const words = error instanceof Error ? error.message : String(error);
      throw new ReplicationError(
        'retryable',
        'DirectoryUnreadable',
        `cannot read the directory ${this.#root}: ${words}`,
        {
          cause: error,
        },
      );
    }
    const parsed = new Map<string, Parsed>();
    const files: ScannedFile[] = [];
    for (const [real, file] of walk.files) {
      signal.throwIfAborted();
      files.push({ file, ...(await this.#read(real, file, parsed)) });
    }
    this.#parsed = parsed;
    return { files, problems: walk.problems, directories: [...walk.directories] };
  }

  async #read(real: string, file: string, parsed: Map<string, Parsed>): Promise<ManifestFile> {
    let text: string;
    try {
      const { size } = await stat(real);
      if (size > MAX_FILE) return unreadable(file, `larger than ${MAX_FILE} bytes`);
      text = await readFile(real, 'utf8');
    } catch (error) {
      return unreadable(file, `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
    const known = this.#parsed.get(file);
    const result = known?.text === text ? known.result : parseManifestFile(file, text);
    parsed.set(file, { text, result });
    return result;
  }
}

interface Walk {
  /** Real path → path relative to the root. */
  readonly files: Map<string, string>;
  readonly directories: Set<string>;
  readonly problems: DirectoryProblem[];
}

async function visit(real: string, relative: string, depth: number, walk: Walk, signal: AbortSignal): Promise<void> {
  if (walk.directories.has(real)) return;
  if (depth > MAX_DEPTH || walk.directories.size >= MAX_DIRECTORIES) {
    walk.problems.push({ file: relative, message: `not read: more than ${MAX_DIRECTORIES} directories, or too deep` });
    return;
  }
  const names = await readdir(real);
  walk.directories.add(real);
  for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
    if (name.startsWith('.')) continue;
    signal.throwIfAborted();
    const path = relative === '' ? name : `${relative}/${name}`;
    try {
      const target = await realpath(join(real, name));
      const found = await stat(target);
      if (found.isDirectory()) await visit(target, path, depth + 1, walk, signal);
      else if (found.isFile() && /\.(ya?ml|json)$/i.test(name)) addFile(target, path, walk);
    } catch (error) {
      signal.throwIfAborted();
      const words = error instanceof Error ? error.message : String(error);
      walk.problems.push({ file: path, message: `cannot be read: ${words}` });
    }
  }
}

function addFile(real: string, file: string, walk: Walk): void {
  if (walk.files.size < MAX_FILES) {
    if (!walk.files.has(real)) walk.files.set(real, file);
  } else if (walk.files.size === MAX_FILES && !walk.problems.some((problem) => problem.file === ''))
    walk.problems.push({ file: '', message: `not all was read: more than ${MAX_FILES} files` });
}

function unreadable(file: string, message: string): ManifestFile {
  return { documents: [], problems: [{ file, message }], foreign: [] };
}

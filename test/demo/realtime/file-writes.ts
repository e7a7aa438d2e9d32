/** What users do to files, each at a path that no far side is behind with. */
import type { SeededRandom } from '../../support/seed.ts';
import type { SourceRepository } from '../../support/source-repository.ts';
import { eventually } from '../../support/wait.ts';
import type { Arrivals, FileSign, Write } from './arrivals.ts';

/** How often each is done. */
export const FILE_WRITES = {
  upload: 104,
  overwrite: 52,
  metadata: 44,
  rename: 20,
  move: 20,
  delete: 20,
  'folder rename': 4,
} as const;
type Kind = keyof typeof FILE_WRITES;

const FOLDERS = ['/work', '/work/nightly', '/work/发布', '/work/a b'];
const SEEDS = 60;
const FILES_OF_SET = 3;
/** Bytes. */
const SMALLEST = 16;
const LARGEST = 64 * 1024;
/** Milliseconds. */
const PATIENCE = 60_000;

export class FileWrites {
  readonly #repository: SourceRepository;
  readonly #random: SeededRandom;
  /** Digest by path. */
  readonly #files = new Map<string, string>();
  /** Folders that are renamed as a whole, with the digests of their files. */
  readonly #sets: { readonly folder: string; readonly digests: readonly string[] }[] = [];
  #count = 0;

  constructor(repository: SourceRepository, random: SeededRandom) {
    this.#repository = repository;
    this.#random = random;
  }

  /** What there is before anybody follows. */
  async prepare(): Promise<void> {
    for (let file = 0; file < SEEDS; file += 1) await this.#upload(this.#newPath());
    for (let set = 0; set < FILE_WRITES['folder rename']; set += 1) {
      const folder = `/sets/${set}`;
      const digests: string[] = [];
      for (let file = 0; file < FILES_OF_SET; file += 1)
        digests.push((await this.#repository.putFile(`${folder}/${file}.bin`, this.#content())).sha256);
      this.#sets.push({ folder, digests });
    }
  }

  async perform(kind: Kind, arrivals: Arrivals): Promise<Write> {
    if (kind === 'folder rename') return await this.#renameFolder();
    if (kind === 'upload') return { what: kind, signs: [await this.#upload(this.#newPath())] };
    const path = await this.#settledPath(arrivals);
    if (kind === 'overwrite') return { what: kind, signs: [await this.#upload(path)] };
    if (kind === 'metadata') return { what: kind, signs: [await this.#describe(path)] };
    if (kind === 'delete') return { what: kind, signs: [await this.#delete(path)] };
    const to =
      kind === 'move' ? this.#newPath() : `${path.slice(0, path.lastIndexOf('/'))}/renamed ${this.#next()}.bin`;
    await this.#repository[kind](path, to);
    return { what: kind, signs: [this.#gone(path), this.#there(to, this.#taken(path))] };
  }

  async #upload(path: string): Promise<FileSign> {
    const { sha256 } = await this.#repository.putFile(path, this.#content());
    return this.#there(path, sha256);
  }

  async #describe(path: string): Promise<FileSign> {
    const metadata = { key: 'build', value: this.#next() };
    await this.#repository.saveMetadata(path, [metadata]);
    return { repository: this.#repository.name, path, there: true, metadata };
  }

  async #delete(path: string): Promise<FileSign> {
    await this.#repository.deleteFile(path);
    this.#taken(path);
    return this.#gone(path);
  }

  async #renameFolder(): Promise<Write> {
    const set = this.#sets.pop();
    if (set === undefined) throw new Error('every folder was renamed');
    const to = `/sets/renamed ${this.#next()}`;
    await this.#repository.rename(set.folder, to);
    const signs = set.digests.flatMap((sha256, file) => [
      this.#gone(`${set.folder}/${file}.bin`),
      { repository: this.#repository.name, path: `${to}/${file}.bin`, there: true, sha256 },
    ]);
    return { what: 'folder rename', signs };
  }

  #settledPath(arrivals: Arrivals): Promise<string> {
    const find = (): string | undefined =>
      this.#random.shuffle([...this.#files.keys()]).find((path) => !arrivals.isAwaited(path));
    return eventually(find, { timeoutMs: PATIENCE, intervalMs: 10 });
  }

  #there(path: string, sha256: string): FileSign {
    this.#files.set(path, sha256);
    return { repository: this.#repository.name, path, there: true, sha256 };
  }

  #gone(path: string): FileSign {
    return { repository: this.#repository.name, path, there: false };
  }

  #taken(path: string): string {
    const sha256 = this.#files.get(path) ?? '';
    this.#files.delete(path);
    return sha256;
  }

  #newPath(): string {
    return `${this.#random.pick(FOLDERS)}/file ${this.#next()}.bin`;
  }

  /** Never the same twice. */
  #content(): Uint8Array {
    return this.#random.bytes(SMALLEST + this.#random.below(LARGEST));
  }

  #next(): number {
    this.#count += 1;
    return this.#count;
  }
}

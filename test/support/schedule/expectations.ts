/** Which files make a version whole: what the builders of test data put, not what the program thinks. */
import type { PutResult } from '../bkrepo/packages/version.ts';
import type { RepositoryBuilder } from '../bkrepo/repository-builder.ts';
import { isShared } from './documents.ts';

export interface ExpectedVersion {
  readonly type: string;
  readonly repoName: string;
  readonly packageKey: string;
  readonly version: string;
  readonly paths: readonly string[];
  /** Changed while a run was under way: then what the version itself records is all that can be asked for. */
  readonly moving: boolean;
}

export class Expectations {
  readonly #versions = new Map<string, ExpectedVersion>();
  readonly #own = new Map<string, ExpectedVersion>();

  get all(): readonly ExpectedVersion[] {
    return [...this.#versions.values()];
  }

  /** `puts` of one repository; the files of an index's children belong to it. */
  async add(repository: RepositoryBuilder, puts: readonly PutResult[], moving = false): Promise<void> {
    const { type, name: repoName } = repository;
    for (const { packageKey, version, paths } of puts) {
      const children = await childrenOf(repository, paths);
      const own = puts.filter((put) => put.packageKey === packageKey && put.paths.some((path) => children.has(path)));
      const files = new Set([...paths, ...own.flatMap((put) => put.paths)].filter((path) => !isShared(type, path)));
      this.#versions.set(`${repoName} ${packageKey}@${version}`, {
        type,
        repoName,
        packageKey,
        version,
        paths: [...files],
        moving,
      });
    }
  }

  /** What only a far side has: found under the name of that side and its repository, and not among {@link all}. */
  addOwn(place: string, type: string, { packageKey, version, paths }: PutResult): void {
    const files = paths.filter((path) => !isShared(type, path));
    this.#own.set(`${place} ${packageKey}@${version}`, {
      type,
      repoName: place,
      packageKey,
      version,
      paths: files,
      moving: false,
    });
  }

  find(repoName: string, packageKey: string, version: string): ExpectedVersion | undefined {
    const name = `${repoName} ${packageKey}@${version}`;
    return this.#versions.get(name) ?? this.#own.get(name);
  }

  remove({ repoName, packageKey, version }: ExpectedVersion): void {
    this.#versions.delete(`${repoName} ${packageKey}@${version}`);
  }
}

/** Paths of the manifests that an image index names by digest. */
async function childrenOf(repository: RepositoryBuilder, paths: readonly string[]): Promise<ReadonlySet<string>> {
  const index = paths.find((path) => path.endsWith('/list.manifest.json'));
  if (index === undefined) return new Set();
  const { manifests } = JSON.parse(String(await repository.content(index))) as { manifests: { digest: string }[] };
  const digests = manifests.map(({ digest }) => digest.slice('sha256:'.length));
  const nodes = await repository.builder.shard('node', repository.projectId);
  const found = nodes.find({
    projectId: repository.projectId,
    repoName: repository.name,
    sha256: { $in: digests },
    deleted: null,
  });
  return new Set((await found.toArray()).map((node) => String(node['fullPath'])));
}

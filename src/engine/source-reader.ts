/**
 * The source as a run reads it: every call to the database with retries against the health of the source. A listing
 * (nodes, packages, versions) is restarted behind the last item seen when a page fails, so that an outage of the
 * database costs no unit, and nothing is told twice.
 */
import type { Readable } from 'node:stream';
import type { EndpointHealth } from './endpoint-health.ts';
import type {
  NodeScope,
  Source,
  SourceNode,
  SourcePackage,
  SourceProject,
  SourceRepository,
  SourceVersion,
} from './ports/source.ts';

export class SourceReader {
  readonly #source: Source;
  readonly #health: EndpointHealth;

  constructor(source: Source, health: EndpointHealth) {
    this.#source = source;
    this.#health = health;
  }

  project(projectId: string, signal: AbortSignal): Promise<SourceProject | undefined> {
    return this.#health.run(() => this.#source.project(projectId, signal), signal);
  }

  repository(projectId: string, name: string, signal: AbortSignal): Promise<SourceRepository | undefined> {
    return this.#health.run(() => this.#source.repository(projectId, name, signal), signal);
  }

  findNodes(
    repository: SourceRepository,
    fullPaths: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SourceNode>> {
    return this.#health.run(() => this.#source.findNodes(repository, fullPaths, signal), signal);
  }

  resolve(repository: SourceRepository, node: SourceNode, signal: AbortSignal): Promise<SourceNode> {
    return this.#health.run(() => this.#source.resolve(repository, node, signal), signal);
  }

  /** One attempt: a blob that cannot be read is its unit's trouble, not the source's. */
  open(repository: SourceRepository, node: SourceNode, start: number, signal: AbortSignal): Promise<Readable> {
    return this.#source.open(repository, node, start, signal);
  }

  findPackage(repository: SourceRepository, key: string, signal: AbortSignal): Promise<SourcePackage | undefined> {
    return this.#health.run(() => this.#source.findPackage(repository, key, signal), signal);
  }

  findVersions(
    packageId: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, SourceVersion>> {
    return this.#health.run(() => this.#source.findVersions(packageId, names, signal), signal);
  }

  nodes(
    repository: SourceRepository,
    path: string | undefined,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly SourceNode[]> {
    const scope: NodeScope = path === undefined ? {} : { path };
    return this.#listing(
      (after) => this.#source.nodes(repository, after === undefined ? scope : { ...scope, after }, pageSize, signal),
      (node) => node.fullPath,
      signal,
    );
  }

  packages(
    repository: SourceRepository,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly SourcePackage[]> {
    return this.#listing(
      (after) => this.#source.packages(repository, after, pageSize, signal),
      (item) => item.key,
      signal,
    );
  }

  versions(packageId: string, pageSize: number, signal: AbortSignal): AsyncIterable<readonly SourceVersion[]> {
    return this.#listing(
      (after) => this.#source.versions(packageId, after, pageSize, signal),
      (version) => version.name,
      signal,
    );
  }

  /** Each page with retries; `pagesBehind` begins (again) behind the last item seen. */
  async *#listing<T>(
    pagesBehind: (after: string | undefined) => AsyncIterable<readonly T[]>,
    keyOf: (item: T) => string,
    signal: AbortSignal,
  ): AsyncGenerator<readonly T[]> {
    let after: string | undefined;
    let pages: AsyncIterator<readonly T[]> | undefined;
    for (;;) {
      const page = await this.#health.run(async () => {
        try {
          pages ??= pagesBehind(after)[Symbol.asyncIterator]();
          return await pages.next();
        } catch (error) {
          pages = undefined;
          throw error;
        }
      }, signal);
      if (page.done === true) return;
      const last = page.value.at(-1);
      if (last !== undefined) after = keyOf(last);
      yield page.value;
    }
  }
}

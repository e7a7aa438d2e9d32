/**
 * The source as a run reads it: every call to the database with retries against the health of
 * the source. Listing is restarted behind
 * the last path seen when a page fails, so that an outage of the database costs no unit.
 */
import type { Readable } from 'node:stream';
import type { EndpointHealth } from './endpoint-health.ts';
import type { Source, SourceNode, SourceProject, SourceRepository } from './ports.ts';

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
  open(repository: SourceRepository, node: SourceNode, signal: AbortSignal): Promise<Readable> {
    return this.#source.open(repository, node, 0, signal);
  }

  async *nodes(
    repository: SourceRepository,
    path: string | undefined,
    pageSize: number,
    signal: AbortSignal,
  ): AsyncIterable<readonly SourceNode[]> {
    let after: string | undefined;
    let finished = false;
    let pages: AsyncIterator<readonly SourceNode[]> | undefined;
    while (!finished) {
      const page = await this.#health.run(async () => {
        try {
          pages ??= this.#source
            .nodes(
              repository,
              { ...(path === undefined ? {} : { path }), ...(after === undefined ? {} : { after }) },
              pageSize,
              signal,
            )
            [Symbol.asyncIterator]();
          return await pages.next();
        } catch (error) {
          pages = undefined;
          throw error;
        }
      }, signal);
      finished = page.done === true;
      if (page.done === true) continue;
      after = page.value.at(-1)?.fullPath ?? after;
      yield page.value;
    }
  }
}

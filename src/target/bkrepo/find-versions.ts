/**
 * Which of the named versions a far side has. Some hundred names go into one question as a pattern (version-pattern.ts);
 * the answer is matched by exact name, and counted: one that may be incomplete is never read as "absent".
 *
 * "Not found" is believed only of a server that reads patterns: one that has answered a pattern with a version named in
 * it, at the latest the package's newest version as a control. Servers that do not are asked for each name
 * (find-versions-by-name.ts). So a far side that holds 10,000 versions is asked twice for 500 names, not 500 times.
 */
import { ReplicationError } from '../../domain/errors.ts';
import type { TargetRepository, TargetVersion } from '../../engine/ports/target.ts';
import { unexpectedAnswer } from './answer-errors.ts';
import type { BkRepoClient } from './client.ts';
import { findVersionsByName } from './find-versions-by-name.ts';
import { VersionPages } from './version-pages.ts';
import { patternBatches, versionPattern } from './version-pattern.ts';

type Found = ReadonlyMap<string, TargetVersion>;

/** How long a server that read a pattern is taken for one that reads patterns. */
const PATTERNS_PROVEN_MS = 600_000;

export class VersionFinder {
  readonly #client: BkRepoClient;
  /** By the monotonic clock. */
  #patternsProvenUntil = Number.NEGATIVE_INFINITY;

  constructor(client: BkRepoClient) {
    this.#client = client;
  }

  async find(
    repository: TargetRepository,
    packageKey: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<Found> {
    const pages = new VersionPages(this.#client, repository, packageKey, signal);
    const found = new Map<string, TargetVersion>();
    for (const batch of patternBatches(new Set(names))) {
      for (const [name, version] of await this.#findBatch(pages, batch)) found.set(name, version);
    }
    return found;
  }

  async #findBatch(pages: VersionPages, names: readonly string[]): Promise<Found> {
    try {
      const found = await this.#byPattern(pages, names);
      return found ?? (await findVersionsByName(pages, names));
    } catch (error) {
      if (!(error instanceof ReplicationError) || error.code !== 'AnswerTooLarge' || names.length === 1) throw error;
    }
    const middle = Math.ceil(names.length / 2);
    const first = await this.#findBatch(pages, names.slice(0, middle));
    const second = await this.#findBatch(pages, names.slice(middle));
    return new Map([...first, ...second]);
  }

  /** Undefined = the server did not read the names as a pattern. */
  async #byPattern(pages: VersionPages, names: readonly string[]): Promise<Found | undefined> {
    const { clock } = this.#client.options;
    const page = await pages.read({ version: versionPattern(names), pageNumber: 1, pageSize: names.length });
    const asked = new Set(names);
    const found = new Map(page.records.filter(({ name }) => asked.has(name)).map((version) => [version.name, version]));
    if (page.total > page.records.length) return undefined;
    if (found.size > 0) this.#patternsProvenUntil = clock.monotonic() + PATTERNS_PROVEN_MS;
    if (found.size === names.length || clock.monotonic() < this.#patternsProvenUntil) return found;
    const control = await controlVersion(pages);
    if (control === undefined) return found;
    const again = await pages.read({ version: versionPattern([control]), pageNumber: 1, pageSize: 1 });
    if (again.records[0]?.name !== control) return undefined;
    this.#patternsProvenUntil = clock.monotonic() + PATTERNS_PROVEN_MS;
    return found;
  }
}

/** Name of a version that the package has; undefined = it has none at all. */
async function controlVersion(pages: VersionPages): Promise<string | undefined> {
  const { records, total } = await pages.read({ version: null, pageNumber: 1, pageSize: 1 });
  if (total === 0 && records.length === 0) return undefined;
  if (records[0] !== undefined) return records[0].name;
  throw unexpectedAnswer(pages.what, `counted ${total} versions and showed none`, 200);
}

/**
 * How much a selection holds, counted by the database itself. Guarantees: what a listing would show at that moment, each
 * file or version once, or has shown a while ago where counting took long; every query is answered by one of bk-repo's own
 * unique indexes; a few counts at a time, and one that takes longer than its time is broken off at the database, so that
 * nobody's work there suffers. Not guaranteed: one moment for all of it; whoever counts must live with files that come
 * and go.
 */
import { createHash } from 'node:crypto';
import type { Document } from 'mongodb';
import type { SelectionCount, SourceRepository, SourceSelection } from '../../engine/ports/source.ts';
import type { Clock } from '../../lib/clock.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { PACKAGE_COLLECTION, PACKAGE_VERSION_COLLECTION } from '../schema/collections.ts';
import type { PackageDoc } from '../schema/documents.ts';
import { nodeCollectionName } from '../schema/sharding.ts';
import { CountMemory } from './count-memory.ts';
import type { SourceDatabase } from './database.ts';
import { classified } from './driver-errors.ts';
import { FULL_PATH_INDEX, liveFiles } from './node-listing.ts';
import { PACKAGE_KEY_INDEX, VERSION_NAME_INDEX } from './package-listing.ts';
import { ownPieces, pieceFilter } from './path-pieces.ts';

/** Counts at the same time. */
const AT_ONCE = 2;
/** What one count may take in all. Milliseconds. */
const LONGEST_COUNT = 20_000;
/** Packages looked up with one query. */
const PACKAGES_AT_ONCE = 1_000;

const NOTHING: SelectionCount = { units: 0, bytes: 0 };

interface FoundPackage {
  readonly id: string;
  readonly key: string;
}

/** Milliseconds that a query may still take, at least 1. */
type TimeLeft = () => number;

export class SelectionCounter {
  readonly #database: SourceDatabase;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #turns = new Semaphore(AT_ONCE);
  readonly #memory: CountMemory;

  constructor(database: SourceDatabase, clock: Clock, logger: Logger) {
    this.#database = database;
    this.#clock = clock;
    this.#logger = logger;
    this.#memory = new CountMemory(clock);
  }

  async count(repository: SourceRepository, selection: SourceSelection, signal: AbortSignal): Promise<SelectionCount> {
    const leave = await this.#turns.acquire(signal);
    try {
      const asked = JSON.stringify([repository.projectId, repository.name, selection]);
      const key = createHash('sha256').update(asked).digest('hex');
      return await this.#memory.recall(key, (inner) => this.#counted(repository, selection, inner), signal);
    } finally {
      leave();
    }
  }

  async #counted(
    repository: SourceRepository,
    selection: SourceSelection,
    signal: AbortSignal,
  ): Promise<SelectionCount> {
    try {
      const end = this.#clock.monotonic() + Math.min(LONGEST_COUNT, this.#database.maxTimeMs);
      const left = (): number => Math.max(1, Math.floor(end - this.#clock.monotonic()));
      if (selection.kind === 'files') return await this.#files(repository, selection.paths, left, signal);
      return selection.packages.length === 0
        ? await this.#allVersions(repository, left, signal)
        : await this.#versions(repository, selection.packages, left, signal);
    } catch (error) {
      const { projectId, name } = repository;
      // Whoever counts lives without the number, and does not tell.
      if (!signal.aborted) this.#logger.debug('what a selection holds was not counted', { projectId, name, error });
      throw error;
    }
  }

  async #files(
    repository: SourceRepository,
    paths: readonly string[],
    left: TimeLeft,
    signal: AbortSignal,
  ): Promise<SelectionCount> {
    const { projectId, name } = repository;
    const live = liveFiles(repository, this.#clock.now());
    const collection = nodeCollectionName(projectId, this.#database.shardCount);
    let sum = NOTHING;
    for (const { piece, without } of ownPieces(paths)) {
      const others = without.length === 0 ? {} : { $nor: without.map(pieceFilter) };
      const filter = { ...live, ...pieceFilter(piece), ...others };
      sum = add(
        sum,
        await this.#sum(`nodes of ${projectId}/${name}`, collection, filter, FULL_PATH_INDEX, left, signal),
      );
    }
    return sum;
  }

  async #allVersions(repository: SourceRepository, left: TimeLeft, signal: AbortSignal): Promise<SelectionCount> {
    let sum = NOTHING;
    let bounds: Document = { $gte: '' };
    for (;;) {
      const page = await this.#packages(repository, bounds, left, signal);
      if (page.length > 0) sum = add(sum, await this.#ofPackages(page, undefined, left, signal));
      const last = page.at(-1);
      if (last === undefined || page.length < PACKAGES_AT_ONCE) return sum;
      bounds = { $gt: last.key };
    }
  }

  /** A name that was asked for is a unit, found or not. */
  async #versions(
    repository: SourceRepository,
    selected: (SourceSelection & { readonly kind: 'versions' })['packages'],
    left: TimeLeft,
    signal: AbortSignal,
  ): Promise<SelectionCount> {
    const names = new Map<string, Set<string> | 'all'>();
    for (const { packageKey, versions } of selected) {
      const known = names.get(packageKey);
      if (versions.length === 0 || known === 'all') names.set(packageKey, 'all');
      else names.set(packageKey, new Set([...(known ?? []), ...versions]));
    }
    const found: FoundPackage[] = [];
    const keys = [...names.keys()];
    for (let at = 0; at < keys.length; at += PACKAGES_AT_ONCE)
      found.push(...(await this.#packages(repository, { $in: keys.slice(at, at + PACKAGES_AT_ONCE) }, left, signal)));
    const whole = found.filter(({ key }) => names.get(key) === 'all');
    let sum = add(
      { units: names.size - found.length, bytes: 0 },
      await this.#ofPackages(whole, undefined, left, signal),
    );
    for (const one of found) {
      const wanted = names.get(one.key);
      if (wanted === undefined || wanted === 'all') continue;
      const { bytes } = await this.#ofPackages([one], [...wanted], left, signal);
      sum = add(sum, { units: wanted.size, bytes });
    }
    return sum;
  }

  #ofPackages(
    packages: readonly FoundPackage[],
    versions: readonly string[] | undefined,
    left: TimeLeft,
    signal: AbortSignal,
  ): Promise<SelectionCount> {
    const filter = {
      packageId: { $in: packages.map(({ id }) => id) },
      ...(versions === undefined ? {} : { name: { $in: versions } }),
    };
    const what = `versions of ${packages.length} packages`;
    return this.#sum(what, PACKAGE_VERSION_COLLECTION, filter, VERSION_NAME_INDEX, left, signal);
  }

  /** At most {@link PACKAGES_AT_ONCE}, in the order of their keys. */
  async #packages(
    { projectId, name: repoName }: SourceRepository,
    key: Document,
    left: TimeLeft,
    signal: AbortSignal,
  ): Promise<readonly FoundPackage[]> {
    const docs = await classified(`packages of ${projectId}/${repoName}`, signal, () =>
      this.#database
        .collection<PackageDoc>(PACKAGE_COLLECTION)
        .find(
          { projectId, repoName, key },
          { projection: { key: 1 }, hint: PACKAGE_KEY_INDEX, maxTimeMS: left(), signal },
        )
        .sort({ key: 1 })
        .limit(PACKAGES_AT_ONCE)
        .batchSize(PACKAGES_AT_ONCE + 1)
        .toArray(),
    );
    return docs.map((doc) => ({ id: doc._id.toHexString(), key: doc.key }));
  }

  async #sum(
    what: string,
    collection: string,
    filter: Document,
    hint: Document,
    left: TimeLeft,
    signal: AbortSignal,
  ): Promise<SelectionCount> {
    const [sum] = await classified(what, signal, () =>
      this.#database
        .leisurely(collection)
        .aggregate<Document>(
          [{ $match: filter }, { $group: { _id: null, units: { $sum: 1 }, bytes: { $sum: '$size' } } }],
          { hint, maxTimeMS: left(), signal },
        )
        .toArray(),
    );
    return sum === undefined ? NOTHING : { units: Number(sum['units']), bytes: Number(sum['bytes']) };
  }
}

function add(a: SelectionCount, b: SelectionCount): SelectionCount {
  return { units: a.units + b.units, bytes: a.bytes + b.bytes };
}

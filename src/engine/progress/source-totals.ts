/**
 * What a run has to do in all, counted at the source beside the run: once for each task object, whatever the number of
 * far sides. Guarantees: the run neither waits for it nor fails with it; what could not be counted makes the total
 * unknown, never wrong. It ends with the run.
 */
import { classify } from '../../domain/errors.ts';
import type { SelectionCount, Source, SourceRepository, SourceSelection } from '../ports.ts';
import type { RunObject, RunPlan } from '../run-types.ts';
import { repositoryOf } from '../source-repository.ts';

export interface TotalsOptions {
  readonly plan: RunPlan;
  readonly source: Pick<Source, 'project' | 'repository' | 'count'>;
  /** Told when a total has become known. */
  readonly onKnown: () => void;
}

/** An object that cannot be begun is one failed unit. */
const NOT_THERE: SelectionCount = { units: 1, bytes: 0 };

export class SourceTotals {
  readonly #options: TotalsOptions;
  readonly #stop = new AbortController();
  readonly #known = new Map<boolean, SelectionCount>();
  readonly #counting: Promise<void>;

  /** `kinds`: for far sides that get blobs only (true), for others (false), or for both. */
  constructor(options: TotalsOptions, kinds: ReadonlySet<boolean>) {
    this.#options = options;
    this.#counting = this.#count(kinds);
  }

  /** For a far side that gets blobs only or for another; undefined = not known (yet). */
  of(blobsOnly: boolean): SelectionCount | undefined {
    return this.#known.get(blobsOnly);
  }

  /** Resolves when nothing goes on any more. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#counting;
  }

  async #count(kinds: ReadonlySet<boolean>): Promise<void> {
    const { plan, onKnown } = this.#options;
    // What failed in an earlier run cannot be counted at the source: it is met one after another.
    if (plan.retryOf !== undefined) return;
    const counts = new Map<string, SelectionCount>();
    for (const blobsOnly of kinds) {
      const sum = { units: 0, bytes: 0 };
      for (const object of plan.objects) {
        const count = await this.#object(object, blobsOnly, counts);
        if (count === undefined) return;
        sum.units += count.units;
        sum.bytes += count.bytes;
      }
      this.#known.set(blobsOnly, sum);
      onKnown();
    }
  }

  async #object(
    object: RunObject,
    blobsOnly: boolean,
    counts: Map<string, SelectionCount>,
  ): Promise<SelectionCount | undefined> {
    const selection = selectionOf(object, blobsOnly);
    const key = JSON.stringify([object.localRepoName, object.repoType, selection]);
    const known = counts.get(key);
    if (known !== undefined) return known;
    const count = await this.#counted(object, selection);
    if (count !== undefined) counts.set(key, count);
    return count;
  }

  /** Why the source could not count is told there; a total is not worth more than that. */
  async #counted(object: RunObject, selection: SourceSelection): Promise<SelectionCount | undefined> {
    const { plan, source } = this.#options;
    const { signal } = this.#stop;
    let repository: SourceRepository;
    try {
      ({ repository } = await repositoryOf(source, plan.localProjectId, object, signal));
    } catch (error) {
      return classify(error).errorClass === 'unit' ? NOT_THERE : undefined;
    }
    return await source.count(repository, selection, signal).catch(() => undefined);
  }
}

/** What the units of an object are, as the engine performs it. */
function selectionOf({ paths, packages = [], repoType }: RunObject, blobsOnly: boolean): SourceSelection {
  if (packages.length > 0) return { kind: 'versions', packages };
  if (paths.length > 0 || blobsOnly || repoType === 'GENERIC') return { kind: 'files', paths };
  return { kind: 'versions', packages: [] };
}

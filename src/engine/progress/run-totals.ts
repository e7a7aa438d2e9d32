/**
 * What a run has to do in all, counted beside the run: at the source, once for each task object whatever the number of
 * far sides; in a retry, from the earlier record of each far side. Guarantees: the run neither waits for it nor fails
 * with it; what could not be counted makes the total unknown, never wrong. It ends with the run.
 */
import { classify } from '../../domain/errors.ts';
import type { RunJournal } from '../ports/journal.ts';
import type { SelectionCount, Source, SourceRepository, SourceSelection } from '../ports/source.ts';
import type { RunObject, RunPlan } from '../run-types.ts';
import { repositoryOf } from '../source-repository.ts';
import { unitKey } from '../unit-key.ts';

export interface TotalsOptions {
  readonly plan: RunPlan;
  readonly farSides: readonly { readonly clusterId: string; readonly blobsOnly: boolean }[];
  readonly source: Pick<Source, 'project' | 'repository' | 'count'>;
  readonly journal: Pick<RunJournal, 'failedUnits'>;
  /** Told when a total has become known. */
  readonly onKnown: () => void;
}

/** An object that cannot be begun is one failed unit. */
const NOT_THERE: SelectionCount = { units: 1, bytes: 0 };
/** Records of failed units read together. */
const PAGE = 1_000;

export class RunTotals {
  readonly #options: TotalsOptions;
  readonly #stop = new AbortController();
  /** By cluster id. */
  readonly #known = new Map<string, SelectionCount>();
  /** What the source said, if it could: it is asked once about the same selection. */
  readonly #counted = new Map<string, SelectionCount | undefined>();
  readonly #counting: Promise<void>;

  constructor(options: TotalsOptions) {
    this.#options = options;
    this.#counting = this.#count();
  }

  /** undefined = not known (yet). */
  of(clusterId: string): SelectionCount | undefined {
    return this.#known.get(clusterId);
  }

  /** Resolves when nothing goes on any more. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#counting;
  }

  async #count(): Promise<void> {
    const { plan, farSides, onKnown } = this.#options;
    for (const { clusterId, blobsOnly } of farSides) {
      const { retryOf } = plan;
      if (plan.only !== undefined) return;
      const count =
        retryOf === undefined ? await this.#objects(blobsOnly) : await this.#failed(retryOf, clusterId, blobsOnly);
      if (count === undefined) continue;
      this.#known.set(clusterId, count);
      onKnown();
    }
  }

  async #objects(blobsOnly: boolean): Promise<SelectionCount | undefined> {
    const sum = { units: 0, bytes: 0 };
    for (const object of this.#options.plan.objects) {
      const count = await this.#object(object, blobsOnly);
      if (count === undefined) return undefined;
      sum.units += count.units;
      sum.bytes += count.bytes;
    }
    return sum;
  }

  /** Of an object that could not be begun all is to be done. A journal that does not answer is the run's own trouble. */
  async #failed(recordId: string, clusterId: string, blobsOnly: boolean): Promise<SelectionCount | undefined> {
    const { plan, journal } = this.#options;
    const sum = { units: 0, bytes: 0 };
    for (let after: string | undefined; ; ) {
      const page = await journal
        .failedUnits(recordId, clusterId, after, PAGE, this.#stop.signal)
        .catch(() => undefined);
      if (page === undefined) return undefined;
      for (const detail of page) {
        const whole = plan.objects.find((_, index) => detail.unitKey === unitKey(index, '/'));
        const count = whole === undefined ? { units: 1, bytes: detail.size } : await this.#object(whole, blobsOnly);
        if (count === undefined) return undefined;
        sum.units += count.units;
        sum.bytes += count.bytes;
      }
      after = page.at(-1)?.unitKey;
      if (after === undefined) return sum;
    }
  }

  async #object(object: RunObject, blobsOnly: boolean): Promise<SelectionCount | undefined> {
    const selection = selectionOf(object, blobsOnly);
    const key = JSON.stringify([object.localRepoName, object.repoType, selection]);
    if (!this.#counted.has(key)) this.#counted.set(key, await this.#selection(object, selection));
    return this.#counted.get(key);
  }

  /** Why the source could not count is told there; a total is not worth more than that. */
  async #selection(object: RunObject, selection: SourceSelection): Promise<SelectionCount | undefined> {
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

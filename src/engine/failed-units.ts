/**
 * The units that an earlier run of the task has recorded as failed or not tried at one far side: what a retry works on.
 * Read from the journal page by page, each question behind the last answer; nothing is held in memory.
 */

import type { RunJournal, UnitDetail } from './ports/journal.ts';
import { unitKey } from './unit-key.ts';
import type { SelectedScope, UnitSelection } from './unit-selection.ts';

export interface FailedUnitsOptions {
  readonly journal: Pick<RunJournal, 'failedUnits'>;
  readonly recordId: string;
  readonly clusterId: string;
  readonly pageSize: number;
}

/** Sorts behind all that begins with less than a slash, in binary order. */
const LAST_BEFORE_SLASH = '.\u{10ffff}';

export class FailedUnits implements UnitSelection {
  readonly tellsMissing = true;
  readonly #options: FailedUnitsOptions;

  constructor(options: FailedUnitsOptions) {
    this.#options = options;
  }

  /** `whole`: the object could not be begun (its unit is `/`), so nobody knows what of it is missing. */
  async scope(index: number, signal: AbortSignal): Promise<SelectedScope> {
    const begun = await this.#read(unitKey(index, LAST_BEFORE_SLASH), 1, signal);
    if (begun[0]?.unitKey === unitKey(index, '/')) return 'whole';
    const [first] = await this.#read(unitKey(index, ''), 1, signal);
    return first?.unitKey.startsWith(unitKey(index, '')) === true ? 'units' : 'nothing';
  }

  packages(index: number, signal: AbortSignal, packageKey?: string): AsyncGenerator<readonly UnitDetail[]> {
    return this.#pages(index, signal, packageKey === undefined ? '' : `${packageKey}@`);
  }

  /** Of one object, or of those of it whose key (behind the object's) begins with `prefix`. */
  async *#pages(index: number, signal: AbortSignal, prefix: string): AsyncGenerator<readonly UnitDetail[]> {
    const beginning = unitKey(index, prefix);
    for (let after = beginning; ; ) {
      const page = await this.#read(after, this.#options.pageSize, signal);
      const own = page.filter(({ unitKey: key }) => key.startsWith(beginning));
      if (own.length > 0) yield own;
      const last = page.at(-1);
      if (last === undefined || own.length < page.length) return;
      after = last.unitKey;
    }
  }

  /** Paths of files, page by page: index documents among them. */
  async *paths(index: number, signal: AbortSignal): AsyncGenerator<readonly string[]> {
    for await (const page of this.#pages(index, signal, '/')) {
      const paths = page.filter(({ packageKey }) => packageKey === undefined).map(({ fullPath }) => fullPath);
      if (paths.length > 0) yield paths;
    }
  }

  /** Those that failed themselves: they were missing, or are files. */
  async named(index: number, paths: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const found = new Set<string>();
    for await (const page of this.paths(index, signal))
      for (const path of page) if (paths.includes(path)) found.add(path);
    return paths.filter((path) => found.has(path));
  }

  #read(after: string, pageSize: number, signal: AbortSignal): Promise<readonly UnitDetail[]> {
    const { journal, recordId, clusterId } = this.#options;
    return journal.failedUnits(recordId, clusterId, after, pageSize, signal);
  }
}

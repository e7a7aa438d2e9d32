/**
 * The units that an earlier run of the task has recorded as failed or not tried at one far side: what a retry works on.
 * Read from the journal page by page, each question behind the last answer; nothing is held in memory.
 */

import type { RunJournal, UnitDetail } from './ports/journal.ts';
import { unitKey } from './unit-key.ts';

export interface FailedUnitsOptions {
  readonly journal: Pick<RunJournal, 'failedUnits'>;
  readonly recordId: string;
  readonly clusterId: string;
  readonly pageSize: number;
}

/** What a retry has to do of one task object. */
export type RetryScope = 'nothing' | 'units' | 'whole';

/** Sorts behind all that begins with less than a slash, in binary order. */
const LAST_BEFORE_SLASH = '.\u{10ffff}';

export class FailedUnits {
  readonly #options: FailedUnitsOptions;

  constructor(options: FailedUnitsOptions) {
    this.#options = options;
  }

  /** `whole`: the object could not be begun (its unit is `/`), so nobody knows what of it is missing. */
  async scope(index: number, signal: AbortSignal): Promise<RetryScope> {
    const begun = await this.#read(unitKey(index, LAST_BEFORE_SLASH), 1, signal);
    if (begun[0]?.unitKey === unitKey(index, '/')) return 'whole';
    const [first] = await this.#read(unitKey(index, ''), 1, signal);
    return first?.unitKey.startsWith(unitKey(index, '')) === true ? 'units' : 'nothing';
  }

  /** Of one object, or of those of it whose key (behind the object's) begins with `prefix`. */
  async *pages(index: number, signal: AbortSignal, prefix = ''): AsyncGenerator<readonly UnitDetail[]> {
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
    for await (const page of this.pages(index, signal, '/')) {
      const paths = page.filter(({ packageKey }) => packageKey === undefined).map(({ fullPath }) => fullPath);
      if (paths.length > 0) yield paths;
    }
  }

  #read(after: string, pageSize: number, signal: AbortSignal): Promise<readonly UnitDetail[]> {
    const { journal, recordId, clusterId } = this.#options;
    return journal.failedUnits(recordId, clusterId, after, pageSize, signal);
  }
}

/** Paths that a task names and that failed themselves: they were missing, or are files. As many as the task names. */
export async function failedPaths(
  failedBefore: FailedUnits,
  index: number,
  named: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found = new Set<string>();
  for await (const paths of failedBefore.paths(index, signal))
    for (const path of paths) if (named.includes(path)) found.add(path);
  return named.filter((path) => found.has(path));
}

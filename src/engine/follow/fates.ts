/** What became of the keys of one batch, by the final records of the units that they stand for. Pure. */
import type { UnitEnd } from '../recorder.ts';
import type { Item } from './backlog.ts';
import { covers, keyOfUnit } from './dirty-keys.ts';

export interface Fate {
  readonly item: Item;
  /**
   * `done`: its units are on record, and failures among them are told apart. `back`: the far side, or the source, was not
   * asked about all of it. `failed`: its repository could not be begun. `gone`: the source has nothing of it.
   */
  readonly fate: 'done' | 'back' | 'failed' | 'gone';
  readonly failures: readonly UnitEnd[];
}

export function fatesOf(items: readonly Item[], ends: readonly UnitEnd[]): readonly Fate[] {
  const index = new EndIndex(ends);
  return items.map((item) => {
    const { repoName } = item.key;
    const own = index.of(item);
    const begun = index.ofRepository(repoName);
    const failures = own.filter(({ status }) => status === 'FAILED');
    if ([...own, ...begun].some(({ status }) => status === 'NOT_TRIED')) return { item, fate: 'back', failures };
    const refused = begun.find(({ status }) => status === 'FAILED');
    if (refused?.reason === 'SourceRepositoryNotFound') return { item, fate: 'gone', failures: [] };
    if (refused !== undefined) return { item, fate: 'failed', failures: [] };
    return { item, fate: own.length === 0 ? 'gone' : 'done', failures };
  });
}

/** Units by what they are; a folder's are looked for among all. */
class EndIndex {
  readonly #ends: readonly UnitEnd[];
  readonly #byName = new Map<string, UnitEnd[]>();

  constructor(ends: readonly UnitEnd[]) {
    this.#ends = ends;
    for (const end of ends) {
      const { repoName, name } = keyOfUnit(end);
      const key = `${repoName}\0${name}`;
      const known = this.#byName.get(key);
      if (known === undefined) this.#byName.set(key, [end]);
      else known.push(end);
    }
  }

  of({ key }: Item): readonly UnitEnd[] {
    const ends = key.kind === 'folder' ? this.#ends : (this.#byName.get(`${key.repoName}\0${key.name}`) ?? []);
    return ends.filter((end) => covers(key, keyOfUnit(end)));
  }

  /** A repository that could not be begun, or not be read to its end, is a unit of its own. */
  ofRepository(repoName: string): readonly UnitEnd[] {
    return this.#byName.get(`${repoName}\0/`) ?? [];
  }
}

/** The rule that all merged documents share: whose entry of a version stands in the result. */
import type { Side } from './document-text.ts';
import {
  askMissingVersions,
  askPresence,
  type IndexInput,
  type IndexInquiry,
  type Presence,
} from './index-document.ts';

export interface ChosenEntry<E> {
  readonly id: string;
  readonly entry: E;
  readonly from: Side;
}

export interface EntrySides<E> {
  readonly source: ReadonlyMap<string, E>;
  readonly far: ReadonlyMap<string, E>;
  /**
   * The files of which one must be there so that the entry may stand, the most likely first. None = the entry names no
   * file of this repository, so it stands as it is.
   */
  readonly pathsOf: (id: string, entry: E, side: Side) => readonly string[];
  /** Whether the source's entry may be used in this run. */
  readonly selected: (id: string) => boolean;
  /** The package version that an entry of the source's stands for; several where its key has more than one form. */
  readonly versionsOf: (id: string, entry: E) => readonly NamedVersion[];
}

export interface NamedVersion {
  readonly packageKey: string;
  readonly name: string;
}

/**
 * The source's order first, then what only the far side has. An entry is the source's when its file lies at the far side
 * with the source's content; the far side's own when the file differs, was not selected, or only the far side has it; none
 * when the far side lacks the file. What the far side's document does not name yet must be there as a package version,
 * too, if it is one at the source: its files are there before it is.
 */
export function* chooseEntries<E>(sides: EntrySides<E>): IndexInquiry<readonly ChosenEntry<E>[]> {
  const { source, far, pathsOf, selected } = sides;
  const paths = new Set<string>();
  for (const [id, entry] of source) {
    if (selected(id)) for (const path of pathsOf(id, entry, 'source')) paths.add(path);
  }
  for (const [id, entry] of far) for (const path of pathsOf(id, entry, 'far side')) paths.add(path);
  const presence = yield* askPresence([...paths]);
  const stateOf = (candidates: readonly string[]): Presence =>
    candidates.length === 0 ? 'same' : firstState(candidates);
  const firstState = (candidates: readonly string[]): Presence =>
    candidates.map((path) => presence.get(path) ?? 'absent').find((state) => state !== 'absent') ?? 'absent';
  const usable = new Map(
    [...source].filter(([id, entry]) => selected(id) && stateOf(pathsOf(id, entry, 'source')) === 'same'),
  );
  const incomplete = yield* incompleteEntries(new Map([...usable].filter(([id]) => !far.has(id))), sides.versionsOf);

  const chosen: ChosenEntry<E>[] = [];
  const takeFar = (id: string, entry: E): void => {
    if (stateOf(pathsOf(id, entry, 'far side')) !== 'absent') chosen.push({ id, entry, from: 'far side' });
  };
  for (const [id, entry] of source) {
    const own = far.get(id);
    if (usable.has(id) && !incomplete.has(id)) chosen.push({ id, entry, from: 'source' });
    else if (own !== undefined) takeFar(id, own);
  }
  for (const [id, entry] of far) if (!source.has(id)) takeFar(id, entry);
  return chosen;
}

function* incompleteEntries<E>(
  entries: ReadonlyMap<string, E>,
  versionsOf: EntrySides<E>['versionsOf'],
): IndexInquiry<ReadonlySet<string>> {
  const named = [...entries].flatMap(([id, entry]) => versionsOf(id, entry).map((version) => ({ id, ...version })));
  const found = new Set<string>();
  for (const [packageKey, ofPackage] of Map.groupBy(named, (version) => version.packageKey)) {
    const missing = yield* askMissingVersions(packageKey, [...new Set(ofPackage.map(({ name }) => name))]);
    for (const { id, name } of ofPackage) if (missing.has(name)) found.add(id);
  }
  return found;
}

/** The versions of a package that this run copies: the answer for one version's name. */
export function selectionOf(input: IndexInput, packageKey: string): (version: string) => boolean {
  if (input.wholeRepository || input.selected === 'any') return () => true;
  const mine = input.selected.filter((selection) => selection.packageKey === packageKey);
  if (mine.some((selection) => selection.versions === undefined)) return () => true;
  const names = new Set(mine.flatMap((selection) => selection.versions ?? []));
  return (version) => names.has(version);
}

/** Every version of the package belongs to this run, which therefore rules the package's own fields. */
export function selectsAll(input: IndexInput, packageKey: string): boolean {
  if (input.wholeRepository || input.selected === 'any') return input.wholeRepository;
  return input.selected.some((selection) => selection.packageKey === packageKey && selection.versions === undefined);
}

/** What stands behind `{scheme}://` in a package key (contract §6.5); undefined for a key of another type. */
export function nameOfKey(key: string, scheme: string): string | undefined {
  const prefix = `${scheme}://`;
  const name = key.startsWith(prefix) ? key.slice(prefix.length) : '';
  return name === '' ? undefined : name;
}

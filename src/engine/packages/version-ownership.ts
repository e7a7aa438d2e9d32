/**
 * What of one package version is the task's at a far side: metadata keys that it put there, and, of a task that follows its
 * source, what it may delete with the version. Guarantees: it is put down before the far side is written to, so that no
 * crash leaves there what nobody owns; what turns out to be somebody else's is given up again.
 */
import type { Verdict } from '../../domain/compare.ts';
import type { ObjectContext } from '../context.ts';
import { keysOf } from '../node-writing.ts';
import { adopts, follows, leftThere, own, stateOf } from '../ownership.ts';
import type { OwnedNode } from '../ports/journal.ts';
import { type ComparedVersion, ownedName } from './version-compare.ts';
import type { VersionFile } from './version-unit.ts';

export class VersionOwnership {
  readonly #context: ObjectContext;
  /** Put down as ours before they were created, with their digests; without one: the version. */
  readonly #meant = new Map<string, string | undefined>();

  constructor(context: ObjectContext) {
    this.#context = context;
  }

  /** What is about to be put at the far side, before it is. */
  async beforeWriting(known: ComparedVersion, signal: AbortSignal): Promise<void> {
    const isNew = known.farVersion === undefined;
    const changed = known.plan.files.filter((_, index) => known.files[index]?.verdict !== 'same');
    const keys = keysToPut(known, changed);
    const created = changed.filter((file) => verdictOf(known, file) === 'absent').map(({ node }) => node);
    // What was put down before may be what arrives now: it stays.
    for (const { fullPath, sha256 } of created) if (!known.owned.has(fullPath)) this.#meant.set(fullPath, sha256);
    const version = ownedName(known);
    if (isNew && !known.owned.has(version)) this.#meant.set(version, undefined);
    await this.#write([...keys, ...this.#ofFollower(known)], signal);
  }

  /**
   * Once more, because somebody may have taken it for another's meanwhile. Keys that the source has dropped are gone from
   * the far side: they are nobody's any more.
   */
  async written(known: ComparedVersion, signal: AbortSignal): Promise<void> {
    const dropped = known.plan.files.filter(({ node }) => hasDropped(known.farFiles.get(node.fullPath), keysOf(node)));
    const { version } = known.unit;
    const keys = dropped.map(({ node }) => ({ fullPath: node.fullPath, keys: keysOf(node) }));
    const ofVersion = hasDropped(known, keysOf(version)) ? [{ fullPath: ownedName(known), keys: keysOf(version) }] : [];
    await this.#write([...keys, ...ofVersion, ...this.#ofFollower(known)], signal);
  }

  /** It is there as it should be; it may have come from other documents of the source than it did. */
  async met(known: ComparedVersion, signal: AbortSignal): Promise<void> {
    if (adopts(this.#context)) await own(this.#context, ownedOf(known, known.plan.files, true), signal);
    else await own(this.#context, moved(known), signal);
  }

  /** Somebody else has put there what was ours to put. */
  async notOurs(signal: AbortSignal): Promise<void> {
    const given = [...this.#meant].map(([fullPath, meant]) => {
      const condition = meant === undefined ? {} : { meant };
      return { fullPath, keys: [], file: null, ...condition };
    });
    this.#meant.clear();
    await this.#write(given, signal);
  }

  #ofFollower(known: ComparedVersion): readonly OwnedNode[] {
    if (!follows(this.#context)) return [];
    const files = known.plan.files.filter((file) => isWritten(verdictOf(known, file)));
    return ownedOf(known, files, known.farVersion === undefined);
  }

  async #write(owned: readonly OwnedNode[], signal: AbortSignal): Promise<void> {
    const { link, target, deps } = this.#context;
    if (owned.length > 0) await deps.journal.writeOwnedKeys(link.id, target, owned, signal);
  }
}

/** What is equal may have come from other documents of the source, and a file before its version. */
function moved(known: ComparedVersion): readonly OwnedNode[] {
  const { unit, plan, owned } = known;
  const name = ownedName(known);
  const ids = new Map(plan.files.map(({ node }) => [node.fullPath, node.id]));
  ids.set(name, unit.version.id);
  return [...ids].flatMap(([fullPath, sourceId]): OwnedNode[] => {
    const file = owned.get(fullPath);
    if (file === undefined) return [];
    const partOf = fullPath === name ? undefined : (file.partOf ?? name);
    if (file.sourceId === sourceId && file.partOf === partOf) return [];
    return [{ fullPath, file: { ...file, sourceId, ...(partOf === undefined ? {} : { partOf }) } }];
  });
}

function verdictOf({ plan, files }: ComparedVersion, file: VersionFile): Verdict | undefined {
  return files[plan.files.indexOf(file)]?.verdict;
}

function isWritten(verdict: Verdict | undefined): boolean {
  return verdict === 'absent' || verdict === 'different';
}

function keysToPut(known: ComparedVersion, changed: readonly VersionFile[]): readonly OwnedNode[] {
  const { version } = known.unit;
  const files = changed.map(({ node }) => ({
    fullPath: node.fullPath,
    moreKeys: keysOf(node),
  }));
  const own = { fullPath: ownedName(known), moreKeys: keysOf(version) };
  const all = known.differing?.length === 0 ? files : [...files, own];
  return all.filter(({ moreKeys }) => moreKeys.length > 0);
}

function hasDropped(there: { readonly ownedKeys: readonly string[] } | undefined, keys: readonly string[]): boolean {
  return there?.ownedKeys.some((key) => !keys.includes(key)) === true;
}

function ownedOf(known: ComparedVersion, files: readonly VersionFile[], version: boolean): readonly OwnedNode[] {
  const partOf = ownedName(known);
  return [
    ...files.map(({ node }) => {
      const formerly = leftThere(known.owned.get(node.fullPath), known.farFiles.get(node.fullPath)?.far);
      return {
        fullPath: node.fullPath,
        file: stateOf(node, { partOf, ...(formerly === undefined ? {} : { formerly }) }),
      };
    }),
    ...(version ? [{ fullPath: partOf, file: { sha256: null, sourceId: known.unit.version.id } }] : []),
  ];
}

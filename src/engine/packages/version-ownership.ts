/**
 * What of one package version is the task's at a far side: metadata keys that it put there, and, of a task that follows its
 * source, what it may delete with the version. Guarantees: it is put down before the far side is written to, so that no
 * crash leaves there what nobody owns; what turns out to be somebody else's is given up again.
 */
import type { Verdict } from '../../domain/compare.ts';
import type { ObjectContext } from '../context.ts';
import { keysOf } from '../node-writing.ts';
import { adopts, follows, goneMeanwhile, leftThere, own, stateOf } from '../ownership.ts';
import type { OwnedNode } from '../ports/journal.ts';
import { type ComparedVersion, ownedName } from './version-compare.ts';
import type { VersionFile } from './version-unit.ts';

export class VersionOwnership {
  readonly #context: ObjectContext;
  /** Put down as ours before they were created. */
  readonly #meant = new Set<string>();

  constructor(context: ObjectContext) {
    this.#context = context;
  }

  /** What is about to be put at the far side, before it is. */
  async beforeWriting(known: ComparedVersion, signal: AbortSignal): Promise<void> {
    const isNew = known.farVersion === undefined;
    const changed = known.plan.files.filter((_, index) => known.files[index]?.verdict !== 'same');
    const keys = keysToPut(known, changed);
    const files = !follows(this.#context)
      ? []
      : ownedOf(
          known,
          changed.filter((file) => isWritten(verdictOf(known, file))),
          isNew,
        );
    const created = changed.filter((file) => verdictOf(known, file) === 'absent').map(({ node }) => node.fullPath);
    // What was put down before may be what arrives now: it stays.
    for (const name of isNew ? [...created, ownedName(known)] : created)
      if (!known.owned.has(name)) this.#meant.add(name);
    await this.#write([...keys, ...files], signal);
  }

  /** The source has removed it while it was written. */
  async goneMeanwhile(known: ComparedVersion, signal: AbortSignal): Promise<void> {
    const { package: found, version } = known.unit;
    const written = known.plan.files.filter((file) => isWritten(verdictOf(known, file)));
    const unit = { fullPath: '', packageKey: found.key, version: version.name };
    await goneMeanwhile(this.#context, ownedOf(known, written, known.farVersion === undefined), [unit], signal);
  }

  /** Keys that the source has dropped are gone from the far side: they are nobody's any more. */
  async written(known: ComparedVersion, signal: AbortSignal): Promise<void> {
    const dropped = known.plan.files.filter(({ node }) => hasDropped(known.farFiles.get(node.fullPath), keysOf(node)));
    const { version } = known.unit;
    const owned = dropped.map(({ node }) => ({ fullPath: node.fullPath, keys: keysOf(node) }));
    const own = hasDropped(known, keysOf(version)) ? [{ fullPath: ownedName(known), keys: keysOf(version) }] : [];
    await this.#write([...owned, ...own], signal);
  }

  /** It is there as it should be: adopted, or, where somebody else put what was ours to put, given up. */
  async met(known: ComparedVersion, wrote: boolean, signal: AbortSignal): Promise<void> {
    if (adopts(this.#context)) await own(this.#context, ownedOf(known, known.plan.files, true), signal);
    else if (!wrote) await this.notOurs(signal);
  }

  /** Somebody else has put there what was ours to put. */
  async notOurs(signal: AbortSignal): Promise<void> {
    const names = [...this.#meant];
    this.#meant.clear();
    await this.#write(
      names.map((fullPath) => ({ fullPath, keys: [], file: null })),
      signal,
    );
  }

  async #write(owned: readonly OwnedNode[], signal: AbortSignal): Promise<void> {
    const { link, target, deps } = this.#context;
    if (owned.length > 0) await deps.journal.writeOwnedKeys(link.id, target, owned, signal);
  }
}

function verdictOf({ plan, files }: ComparedVersion, file: VersionFile): Verdict | undefined {
  return files[plan.files.indexOf(file)]?.verdict;
}

function isWritten(verdict: Verdict | undefined): boolean {
  return verdict === 'absent' || verdict === 'different';
}

/** With those that are still to be deleted there. */
function keysToPut(known: ComparedVersion, changed: readonly VersionFile[]): readonly OwnedNode[] {
  const { version } = known.unit;
  const files = changed.map(({ node }) => ({
    fullPath: node.fullPath,
    keys: joined(known.farFiles.get(node.fullPath)?.ownedKeys, keysOf(node)),
  }));
  const own = { fullPath: ownedName(known), keys: joined(known.ownedKeys, keysOf(version)) };
  const all = known.differing?.length === 0 ? files : [...files, own];
  return all.filter(({ keys }) => keys.length > 0);
}

function joined(owned: readonly string[] | undefined, keys: readonly string[]): readonly string[] {
  return [...new Set([...(owned ?? []), ...keys])];
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

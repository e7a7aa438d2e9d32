/** What of one package version a task that follows its source may delete at a far side, with the version itself. */
import type { Verdict } from '../../domain/compare.ts';
import type { ObjectContext } from '../context.ts';
import { adopts, follows, own, stateOf } from '../ownership.ts';
import type { OwnedNode } from '../ports/journal.ts';
import { type ComparedVersion, ownedName } from './version-compare.ts';
import type { VersionFile } from './version-unit.ts';

export class VersionOwnership {
  readonly #context: ObjectContext;
  /** Put down as ours before they were written. */
  readonly #meant = new Set<string>();

  constructor(context: ObjectContext) {
    this.#context = context;
  }

  /** What is about to be put at the far side, before it is. */
  async beforeWriting(known: ComparedVersion, signal: AbortSignal): Promise<void> {
    if (!follows(this.#context)) return;
    const written = known.plan.files.filter((_, index) => isNew(known.files[index]?.verdict));
    const owned = ownedOf(known, written, known.farVersion === undefined);
    for (const { fullPath } of owned) this.#meant.add(fullPath);
    await own(this.#context, owned, signal);
  }

  /** It is there as it should be: adopted, or, where somebody else put what was ours to put, given up. */
  async met(known: ComparedVersion, wrote: boolean, signal: AbortSignal): Promise<void> {
    if (adopts(this.#context)) await own(this.#context, ownedOf(known, known.plan.files, true), signal);
    else if (!wrote)
      await own(
        this.#context,
        [...this.#meant].map((fullPath) => ({ fullPath, file: null })),
        signal,
      );
  }
}

function isNew(verdict: Verdict | undefined): boolean {
  return verdict === 'absent' || verdict === 'different';
}

function ownedOf(known: ComparedVersion, files: readonly VersionFile[], version: boolean): readonly OwnedNode[] {
  const partOf = ownedName(known);
  return [
    ...files.map(({ node }) => {
      const there = known.farFiles.get(node.fullPath)?.far?.sha256;
      const formerly = known.ownFiles.has(node.fullPath) && typeof there === 'string' ? { formerly: there } : {};
      return { fullPath: node.fullPath, file: stateOf(node, { partOf, ...formerly }) };
    }),
    ...(version ? [{ fullPath: partOf, file: { sha256: null, sourceId: known.unit.version.id } }] : []),
  ];
}

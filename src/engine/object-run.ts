/**
 * One task object at one far side: package versions first, then files, then the documents that name them. Guarantees:
 * what is left when the far side is given up is recorded as not tried. An orderly stop is thrown after what was in flight
 * has ended.
 */
import { indexRulesFor } from '../domain/indexes/rules.ts';
import { normalisePath, selects } from '../domain/paths.ts';
import type { ObjectContext, ObjectRunOptions } from './context.ts';
import { FileRun } from './files/file-run.ts';
import { Claims } from './packages/claims.ts';
import { IndexWorker } from './packages/index-worker.ts';
import { PackageRun } from './packages/package-run.ts';
import type { SourceNode } from './ports/source.ts';
import { shareOf } from './unit-errors.ts';

export async function runObject(context: ObjectContext, options: ObjectRunOptions): Promise<void> {
  const { object, recorder, deps } = context;
  const files = new FileRun(context, options);
  try {
    if (object.paths.length > 0) await runPaths(context, options, files, [...new Set(object.paths.map(normalisePath))]);
    else await runRepository(context, options, files);
  } finally {
    await files.settled();
  }
  await recorder.flush(options.run);
  deps.drain.throwIfAborted();
}

/** Documents that name others are merged as everywhere, behind the files: the far side's are not ours to replace. */
async function runPaths(
  context: ObjectContext,
  options: ObjectRunOptions,
  files: FileRun,
  paths: readonly string[],
): Promise<void> {
  const claims = new Claims();
  const rules = indexRulesFor(context.repository.type);
  const indexes = new IndexWorker(context, { ...options, rules, claims, byPath: true });
  const met = new Set<string>();
  const loose = looseFiles(claims, indexes, met);
  const { only, index } = context;
  const named = only === undefined ? paths : await only.named(index, paths, options.run);
  const isOf = (some: readonly string[], { fullPath }: SourceNode): boolean =>
    some.some((path) => selects(path, fullPath));
  for (const [position, path] of named.entries()) {
    const selected = (node: SourceNode): boolean => !isOf(named.slice(0, position), node) && loose(node);
    await shareOf(context, options, () => files.scope(path, selected));
  }
  if (only !== undefined) {
    const selected = (node: SourceNode): boolean => !isOf(named, node) && loose(node);
    await shareOf(context, options, () => files.some(only.paths(index, options.run), selected));
  }
  await files.finish();
  if (!context.deps.drain.aborted) await shareOf(context, options, () => indexes.atEnd(met, false, options.farSide));
}

/** Without a selection of packages the whole repository: also the files that belong to no version. */
async function runRepository(context: ObjectContext, options: ObjectRunOptions, files: FileRun): Promise<void> {
  const { type } = context.repository;
  const { only, index } = context;
  const whole = (context.object.packages ?? []).length === 0;
  const claims = new Claims();
  const indexes = new IndexWorker(context, { ...options, rules: indexRulesFor(type), claims, byPath: false });
  const met = new Set<string>();
  const packages = new PackageRun(context, { ...options, claims, indexes });
  if (!whole || type !== 'GENERIC') {
    if (only !== undefined) await shareOf(context, options, () => ask(indexes, only.paths(index, options.run)));
    const shared = whole && only === undefined ? undefined : met;
    await shareOf(context, options, () => packages.execute(shared));
  }
  const loose = looseFiles(claims, indexes, met);
  if (only !== undefined) {
    await shareOf(context, options, () => files.some(only.paths(index, options.run), loose));
  } else if (whole) {
    const selected = type === 'GENERIC' ? loose : foreseen(loose, context);
    await shareOf(context, options, () => files.scope('/', selected));
  }
  await files.finish();
  const ofRepository = only === undefined || packages.hasBegun;
  if (!context.deps.drain.aborted)
    await shareOf(context, options, () => indexes.atEnd(met, ofRepository, options.farSide));
}

/** Before the packages: their documents would be taken for what is remembered of them. */
async function ask(indexes: IndexWorker, pages: AsyncIterable<readonly string[]>): Promise<void> {
  for await (const paths of pages) for (const path of paths) indexes.ask(path);
}

/** Loose files beside packages are not in the count of what there is to do before they are met. */
function foreseen(selected: (node: SourceNode) => boolean, { foresee }: ObjectContext): (node: SourceNode) => boolean {
  return (node) => {
    const chosen = selected(node);
    if (chosen) foresee(1, node.size);
    return chosen;
  };
}

/** Files that belong to nothing else; index documents among them go to `met`. */
function looseFiles(claims: Claims, indexes: IndexWorker, met: Set<string>): (node: SourceNode) => boolean {
  return ({ fullPath }) => {
    if (!indexes.meets(fullPath)) return !claims.has(fullPath);
    // Also one in the folder of a version: that version may have failed before its documents were treated.
    if (!indexes.hasTreated(fullPath)) met.add(fullPath);
    return false;
  };
}

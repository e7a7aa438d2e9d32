/**
 * What a task last found in order about an index document at a far side, kept in the journal: so that a run without any
 * change reads no document. Guarantees: both sides' digests and metadata, of the checksum files too, the selection and
 * the addresses are part of what is compared; what differs in one of them is not "as remembered". Not seen: a file that
 * somebody takes from under a document of the far side without touching the document; `verifyIntervalMs` ends a memory.
 */
import { hash } from 'node:crypto';
import type { ObjectContext } from '../context.ts';
import type { Sight } from './index-merge.ts';
import { addressesOf } from './version-plan.ts';

/** To be raised with every change of the rules by which documents are merged. */
const RULES_REVISION = 1;

export type IndexMemory = (fingerprint: string) => boolean;

/** Tells of a fingerprint whether it is the one that was remembered for the document. */
export async function recall(context: ObjectContext, fullPath: string, signal: AbortSignal): Promise<IndexMemory> {
  const { deps, link, target, setting } = context;
  const name = nameOf(fullPath);
  const [known, at] = (await deps.journal.findOwnedKeys(link.id, target, [name], signal)).get(name) ?? [];
  const age = deps.clock.now() - Number(at);
  const good =
    known !== undefined && age >= 0 && (setting.verifyIntervalMs === null || age <= setting.verifyIntervalMs);
  return (fingerprint) => good && fingerprint === known;
}

export async function remember(
  context: ObjectContext,
  fullPath: string,
  fingerprint: string,
  signal: AbortSignal,
): Promise<void> {
  const { deps, link, target } = context;
  const keys = [fingerprint, String(deps.clock.now())];
  await deps.journal.writeOwnedKeys(link.id, target, [{ fullPath: nameOf(fullPath), keys }], signal);
}

/** `paths`: of the document and its checksum files. */
export function fingerprintOf(context: ObjectContext, paths: readonly string[], { source, far }: Sight): string {
  const { object, setting } = context;
  const facts = paths.map((path) => {
    const here = source.get(path);
    const there = far.get(path);
    return [
      path,
      here === undefined ? null : [here.kind, here.sha256, here.size, here.metadata],
      there === undefined ? null : [there.folder, there.sha256, there.size, there.metadata],
    ];
  });
  const selection = [object.paths, object.packages ?? []];
  const all = [RULES_REVISION, setting.includeMetadata, selection, addressesOf(context), facts];
  return hash('sha256', JSON.stringify(all), 'hex');
}

/** No path: it begins without a slash. */
function nameOf(fullPath: string): string {
  return `index:${fullPath}`;
}

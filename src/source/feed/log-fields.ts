/** What entries of the logs are made of. Nothing is sure about them: whatever is not as it should be is absent here. */
import { ObjectId } from 'mongodb';
import type { Change } from '../../engine/ports/feed.ts';
import { normalizeFullPath } from '../schema/paths.ts';

type NodeChange = Extract<Change, { readonly kind: 'node' }>;

/** What an entry says; absent = not understood; nothing = no change of an artifact. */
export type Told = readonly Change[] | undefined;

export type Fields = Readonly<Record<string, unknown>>;

/** A text that is not empty. */
export function textIn(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** An embedded document. */
export function fieldsIn(value: unknown): Fields | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Fields;
}

/** bk-repo writes paths as somebody gave them: without the first slash, with a last one. */
export function nodeChange(
  projectId: unknown,
  repoName: unknown,
  fullPath: unknown,
  below: boolean,
): NodeChange | undefined {
  const project = textIn(projectId);
  const repository = textIn(repoName);
  const path = textIn(fullPath);
  if (project === undefined || repository === undefined || path === undefined) return undefined;
  const normalized = normalizedOrNot(path);
  return normalized === undefined
    ? undefined
    : { kind: 'node', projectId: project, repoName: repository, fullPath: normalized, below };
}

/** All of them, or not understood: of two places the one alone would hide that the other is missing. */
export function allOf(...changes: readonly (Change | undefined)[]): Told {
  const found = changes.filter((change) => change !== undefined);
  return found.length === changes.length ? found : undefined;
}

/** When an entry was made: `createdDate`, else what its `_id` says, else `otherwise`. */
export function timeOfEntry({ _id, createdDate }: Fields, otherwise: Date): Date {
  if (createdDate instanceof Date && !Number.isNaN(createdDate.getTime())) return createdDate;
  return _id instanceof ObjectId ? _id.getTimestamp() : otherwise;
}

function normalizedOrNot(path: string): string | undefined {
  try {
    return normalizeFullPath(path);
  } catch {
    // bk-repo has no node under such a path.
    return undefined;
  }
}

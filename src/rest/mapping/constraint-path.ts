/** The path of a constraint as bk-repo normalises it, as far as a ReplicaTask takes it. */
import { normalisePath, pathRefusal } from '../../domain/paths.ts';

export type ConstraintPath =
  | { readonly normal: string; readonly reason?: undefined }
  | { readonly normal?: undefined; readonly reason: string };

/** A `*` stands in the last segment only. */
export function constraintPath(text: string): ConstraintPath {
  if (!text.isWellFormed()) return { reason: 'it holds half of a surrogate pair' };
  const normal = normalisePath(text);
  const refusal = pathRefusal(normal);
  if (refusal !== undefined) return { reason: refusal };
  if (Array.from(normal).some((character) => character < ' ')) return { reason: 'it holds control characters' };
  if (normal.slice(0, normal.lastIndexOf('/')).includes('*')) return { reason: 'a * stands before the last segment' };
  return { normal };
}

/**
 * The paths of a selection as ranges of fullPath that an index answers, so that what several of them select is counted
 * once. Pure; the same answer as `selects` of domain/paths.ts, in MongoDB's words.
 */
import { belowFolder, type PathRange, withPrefix } from '../schema/paths.ts';

/** Some fullPaths: those of a range, of which a pattern may choose. */
export interface PathPiece extends PathRange {
  /** A regular expression of MongoDB; absent = the whole range. */
  readonly pattern?: string;
}

/** A piece without what the pieces before it have. */
export interface OwnPiece {
  readonly piece: PathPiece;
  readonly without: readonly PathPiece[];
}

/** No paths = everything. A piece that earlier ones have wholly is left out. */
export function ownPieces(paths: readonly string[]): readonly OwnPiece[] {
  const own: OwnPiece[] = [];
  const earlier: PathPiece[] = [];
  for (const piece of (paths.length === 0 ? ['/'] : paths).flatMap(piecesOf)) {
    const without = earlier.filter((other) => overlaps(other, piece));
    if (!without.some((other) => covers(other, piece))) own.push({ piece, without });
    earlier.push(piece);
  }
  return own;
}

export function pieceFilter({ from, before, pattern }: PathPiece): {
  readonly fullPath: Readonly<Record<string, string>>;
} {
  return { fullPath: { $gte: from, $lt: before, ...(pattern === undefined ? {} : { $regex: pattern }) } };
}

/** A file and what lies below a folder of its name are two ranges: `/a b` stands between `/a` and `/a/`. */
function piecesOf(path: string): readonly PathPiece[] {
  const cut = path.lastIndexOf('/') + 1;
  if (path === '/') return [withPrefix('/')];
  if (!path.includes('*', cut)) return [{ from: path, before: `${path}\0` }, belowFolder(path)];
  const name = path.slice(cut).split('*').map(quoted).join('[^/]*');
  return [
    { ...withPrefix(path.slice(0, path.indexOf('*', cut))), pattern: `^${quoted(path.slice(0, cut))}${name}(/|\\z)` },
  ];
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function overlaps(a: PathRange, b: PathRange): boolean {
  return compare(a.from, b.before) < 0 && compare(b.from, a.before) < 0;
}

function covers(outer: PathPiece, inner: PathPiece): boolean {
  if (outer.pattern !== undefined && outer.pattern !== inner.pattern) return false;
  return compare(outer.from, inner.from) <= 0 && compare(inner.before, outer.before) <= 0;
}

/** In MongoDB's order: bytes of UTF-8. */
function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The path of a constraint as bk-repo normalises it (contract §5.2), as far as a ReplicaTask takes it. */

/** Folders deep, and characters of one name, that bk-repo takes. */
const MAX_DEPTH = 64;
const MAX_NAME = 1_024;
/** What Java calls whitespace or a space character. */
const BLANKS = '[\\t-\\r\\u001c-\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const OUTER_BLANKS = new RegExp(`^${BLANKS}|${BLANKS}$`, 'g');

export type ConstraintPath =
  | { readonly normal: string; readonly reason?: undefined }
  | { readonly normal?: undefined; readonly reason: string };

/**
 * `\` counts as `/`, names are trimmed, empty ones and `.` dropped, `..` goes up and stops at the root. A `*` stands in
 * the last segment only.
 */
export function constraintPath(text: string): ConstraintPath {
  if (!text.isWellFormed()) return { reason: 'it holds half of a surrogate pair' };
  const names: string[] = [];
  for (const part of text.split(/[/\\]/)) {
    const name = part.replace(OUTER_BLANKS, '');
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  if (names.length > MAX_DEPTH) return { reason: `it is more than ${MAX_DEPTH} folders deep` };
  if (names.some((name) => name.length > MAX_NAME)) return { reason: `a name has more than ${MAX_NAME} characters` };
  if (names.some((name) => Array.from(name).some((character) => character < ' ')))
    return { reason: 'it holds control characters' };
  if (names.slice(0, -1).some((name) => name.includes('*'))) return { reason: 'a * stands before the last segment' };
  return { normal: `/${names.join('/')}` };
}

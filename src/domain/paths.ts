/** Paths of a task (`pathConstraints`) and of nodes. A constraint names a file, a folder, or names by `*` in its last segment. */

/** Folders deep. */
const MAX_DEPTH = 64;

/** UTF-16 code units of one name. */
const MAX_NAME_LENGTH = 1_024;

/** What bk-repo trims from names: Java's whitespace and space characters. */
const BLANKS: ReadonlySet<string> = new Set(
  '\t\n\v\f\r\u001c\u001d\u001e\u001f \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
);

/**
 * As bk-repo does it (contract §5.2): `\` counts as `/`, names are trimmed, empty ones and `.` dropped, `..` goes up and
 * stops at the root, which is `/`.
 */
export function normalisePath(path: string): string {
  const names: string[] = [];
  for (const part of path.split(/[/\\]/)) {
    const name = trimmed(part);
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}

/** Without a pattern such as `blanks$`, whose time grows with the square of the blanks inside a name. */
function trimmed(part: string): string {
  let start = 0;
  let end = part.length;
  while (start < end && BLANKS.has(part.charAt(start))) start += 1;
  while (end > start && BLANKS.has(part.charAt(end - 1))) end -= 1;
  return part.slice(start, end);
}

/** Why bk-repo refuses a normalised path (its code 251011); undefined = it takes it. */
export function pathRefusal(normal: string): string | undefined {
  const names = normal.split('/').slice(1);
  if (names.length > MAX_DEPTH) return `it is more than ${MAX_DEPTH} folders deep`;
  if (names.some((name) => name.length > MAX_NAME_LENGTH)) return `a name is longer than ${MAX_NAME_LENGTH} characters`;
  return normal.includes('\0') ? 'a name holds a zero byte' : undefined;
}

/** Whether a constraint selects a node: the node itself, something below it, or by `*` in the last segment. */
export function selects(constraint: string, fullPath: string): boolean {
  if (constraint === '/') return true;
  const depth = constraint.split('/').length;
  const head = fullPath.split('/').slice(0, depth).join('/');
  if (!constraint.includes('*')) return head === constraint;
  const cut = constraint.lastIndexOf('/') + 1;
  return head.slice(0, cut) === constraint.slice(0, cut) && wildcard(constraint.slice(cut)).test(head.slice(cut));
}

function wildcard(segment: string): RegExp {
  const parts = segment.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'su');
}

/**
 * The `version` parameter of `version/page`. A server puts it unescaped behind `^` into a regular expression (bk-repo's
 * PackageQueryHelper), so it may name many versions at once, each exactly. What names have in common stands before a
 * bracket, in brackets again: `1\.(0\.(1|2)|1\.7)$`. That makes the pattern short, and quick to fail at the thousands of
 * other names that a package may have.
 */

/** Characters of the percent-encoded pattern: with path, key and credentials it stays within Tomcat's 8 KB of headers. */
const MAX_PATTERN = 4_000;

/** `|` percent-encoded. */
const SEPARATOR = 3;

/** What two brackets take more than their characters when they are percent-encoded. */
const BRACKETS = 4;

/** Brackets in brackets; PCRE refuses 250 of them. */
const MAX_DEPTH = 30;

/** A single name stays outside of brackets: MongoDB then looks it up in the index instead of trying all names. */
export function versionPattern(names: readonly string[]): string {
  return `${alternatives([...names].sort(), 0)}$`;
}

/** Of sorted names: what the first and the last have in common, all have. */
function alternatives(names: readonly string[], depth: number): string {
  const [first = ''] = names;
  const last = names.at(-1) ?? first;
  if (first === last) return escape(first);
  const prefix = commonPrefix(first, last);
  const rests = names.map((name) => name.slice(prefix.length));
  const groups = Map.groupBy(rests, (rest) => rest.codePointAt(0));
  const parts = [...groups.values()].map((group) => {
    const flat = group.map(escape).join('|');
    if (group.length < 2 || depth >= MAX_DEPTH) return flat;
    const nested = alternatives(group, depth + 1);
    return nested.length + BRACKETS < flat.length ? nested : flat;
  });
  return `${escape(prefix)}(${parts.join('|')})`;
}

/** Batches of names whose pattern fits; a longer name goes alone. Names that begin alike come together. */
export function* patternBatches(names: Iterable<string>): Generator<readonly string[]> {
  let batch: string[] = [];
  let prefix = '';
  let length = 0;
  for (const name of [...names].sort()) {
    const shared = batch.length === 0 ? name : commonPrefix(prefix, name);
    const longer = length + sentLength(name) + SEPARATOR;
    if (batch.length > 0 && longer - batch.length * sentLength(shared) > MAX_PATTERN) {
      yield batch;
      batch = [name];
      prefix = name;
      length = sentLength(name) + SEPARATOR;
      continue;
    }
    batch.push(name);
    prefix = shared;
    length = longer;
  }
  if (batch.length > 0) yield batch;
}

function sentLength(text: string): number {
  return encodeURIComponent(escape(text)).length;
}

/** Ends between characters, never within one of two code units. */
function commonPrefix(one: string, other: string): string {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  const half = at > 0 && /[\uD800-\uDBFF]/.test(one.charAt(at - 1));
  return one.slice(0, half ? at - 1 : at);
}

function escape(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

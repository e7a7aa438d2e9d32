/**
 * The `version` parameter of `version/page`. A server puts it unescaped behind `^` into a regular expression (bk-repo's
 * PackageQueryHelper), so it may name many versions at once, each exactly.
 */

/** Characters of the percent-encoded pattern: with path, key and credentials it stays within Tomcat's 8 KB of headers. */
const MAX_PATTERN = 4_000;

/** A single name stays outside of brackets: MongoDB then looks it up in the index instead of trying all names. */
export function versionPattern(names: readonly string[]): string {
  const escaped = names.map(escape);
  return escaped.length === 1 ? `${escaped[0]}$` : `(${escaped.join('|')})$`;
}

/** Batches of names whose pattern fits; a longer name goes alone. */
export function* patternBatches(names: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let length = 0;
  for (const name of names) {
    const more = encodeURIComponent(`${escape(name)}|`).length;
    if (batch.length > 0 && length + more > MAX_PATTERN) {
      yield batch;
      batch = [];
      length = 0;
    }
    batch.push(name);
    length += more;
  }
  if (batch.length > 0) yield batch;
}

function escape(name: string): string {
  return name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

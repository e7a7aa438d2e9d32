/** The order of semantic versions (semver.org, 11), as far as choosing the highest one needs it. */

export function isPrerelease(version: string): boolean {
  return /^[^+-]*-/u.test(version);
}

/** Negative when `a` is lower. Texts that are no semantic versions come first, in the order of their code units. */
export function compareVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  if (left === undefined || right === undefined) {
    if (left === right) return compareTexts(a, b);
    return left === undefined ? -1 : 1;
  }
  return (
    compareLists(left.core, right.core) || comparePrereleases(left.prerelease, right.prerelease) || compareTexts(a, b)
  );
}

function parse(version: string): { core: readonly string[]; prerelease: readonly string[] } | undefined {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(?:-([^+]+))?(?:\+.*)?$/u.exec(version);
  if (match === null) return undefined;
  return { core: match.slice(1, 4).map((part) => part ?? ''), prerelease: match[4]?.split('.') ?? [] };
}

/** A version without prerelease is higher than one with. */
function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Number(b.length > 0) - Number(a.length > 0);
  return compareLists(a, b);
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compareParts(part, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Numbers below words, numbers by value (any length). */
function compareParts(a: string, b: string): number {
  const numbers = [a, b].map((part) => /^\d+$/u.test(part));
  if (numbers[0] === true && numbers[1] === true) {
    const left = BigInt(a);
    const right = BigInt(b);
    return Number(left > right) - Number(left < right);
  }
  if (numbers[0] !== numbers[1]) return numbers[0] === true ? -1 : 1;
  return compareTexts(a, b);
}

function compareTexts(a: string, b: string): number {
  return Number(a > b) - Number(a < b);
}

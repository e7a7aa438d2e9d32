/**
 * The number by which bk-repo orders versions (fixture: 1.1.0 → 1000100009999, 2.0.0-SNAPSHOT → 2000000000000, latest →
 * 9999): major, minor and patch in steps of four digits, and 9999 unless it is a pre-release.
 */
export function versionOrdinal(version: string): number {
  const match = /^v?(\d{1,3})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?(-.+)?(?:\+.*)?$/i.exec(version);
  if (match === null) return 9999;
  const [major, minor, patch] = [match[1], match[2], match[3]].map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
  ];
  return major * 1e12 + minor * 1e8 + patch * 1e4 + (match[4] === undefined ? 9999 : 0);
}

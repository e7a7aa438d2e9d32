/** Which dist-tags stand in a merged package document. A tag never names a version that the document lacks. */
import { compareVersions, isPrerelease } from './semantic-version.ts';

interface Tags {
  /** Tag → the JSON text of its version. */
  readonly source: ReadonlyMap<string, string>;
  readonly far: ReadonlyMap<string, string>;
  /** The versions of the merged document. */
  readonly present: readonly string[];
  readonly selected: (version: string) => boolean;
}

/** The source's tags win where this run copies their version; the far side's others stay. */
export function chooseTags({ source, far, present, selected }: Tags): ReadonlyMap<string, string> {
  const there = new Set(present);
  const tags = new Map<string, string>();
  for (const [tag, text] of source) {
    const version = versionOf(text);
    const own = far.get(tag);
    if (version !== undefined && selected(version) && there.has(version)) tags.set(tag, text);
    else if (own !== undefined && there.has(versionOf(own) ?? '')) tags.set(tag, own);
    else if (tag === 'latest') addHighest(tags, present);
  }
  for (const [tag, text] of far) {
    if (source.has(tag)) continue;
    if (there.has(versionOf(text) ?? '')) tags.set(tag, text);
    else if (tag === 'latest') addHighest(tags, present);
  }
  return tags;
}

/** npm's own habit when `latest` goes: the highest version, releases before prereleases. */
function addHighest(tags: Map<string, string>, present: readonly string[]): void {
  const releases = present.filter((version) => !isPrerelease(version));
  const highest = (releases.length > 0 ? releases : present).toSorted(compareVersions).at(-1);
  if (highest !== undefined) tags.set('latest', JSON.stringify(highest));
}

function versionOf(text: string): string | undefined {
  const value: unknown = JSON.parse(text);
  return typeof value === 'string' ? value : undefined;
}

/**
 * Conan: `index.json` lists the revisions of a recipe (`/{user}/{name}/{version}/{channel}/`) or of one of its packages
 * (`…/{revision}/package/{id}/`), the newest first. The version that it belongs to names it.
 */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { chooseEntries, type NamedVersion } from './choose-entries.ts';
import { indexInvalid, type Origin, parseSides } from './document-text.ts';
import type { IndexInput, IndexInquiry, IndexResult, IndexRules } from './index-document.ts';
import { parseJsonDocument } from './json-text.ts';

const RECIPE_INDEX = /^(?:\/[^/]+){4}\/index\.json$/u;
const PACKAGE_INDEX = /^(?:\/[^/]+){5}\/package\/[^/]+\/index\.json$/u;

const REVISION = z.looseObject({ revision: z.string(), time: z.unknown() });
const REVISIONS = z.looseObject({ revisions: z.array(REVISION) });

type Revision = z.infer<typeof REVISION>;
type Revisions = z.infer<typeof REVISIONS>;

export const CONAN_RULES: IndexRules = {
  isIndex: (fullPath) => RECIPE_INDEX.test(fullPath) || PACKAGE_INDEX.test(fullPath),
  ofPackage: () => [],
  sharedWith: () => [],
  ofRepository: [],
  mergedByPath: true,
  order: () => 0,
  checksumEndings: [],
  merge,
};

function* merge(input: IndexInput): IndexInquiry<IndexResult> {
  const { source, far } = parseSides(input, parseRevisions);
  if (source === undefined) return { kind: 'keep' };
  const folder = input.fullPath.slice(0, input.fullPath.lastIndexOf('/'));
  const isRecipe = RECIPE_INDEX.test(input.fullPath);
  const chosen = yield* chooseEntries<Revision>({
    source: byRevision(source),
    far: byRevision(far),
    // Only the version that owns the document brings it here.
    selected: () => true,
    pathsOf: (revision) =>
      isRecipe
        ? [`${folder}/${revision}/export/conanmanifest.txt`, `${folder}/${revision}/export/conanfile.py`]
        : [`${folder}/${revision}/conanmanifest.txt`, `${folder}/${revision}/conaninfo.txt`],
    versionsOf: () => versionsOf(folder),
  });
  if (input.far === undefined && chosen.length === 0) return { kind: 'keep' };
  const own = chosen.some(({ from }) => from === 'far side');
  const list = chosen.map(({ entry }) => entry);
  const revisions = own ? list.toSorted((a, b) => instantOf(b) - instantOf(a)) : list;
  const merged = { ...far, ...source, revisions };
  if (far !== undefined && isDeepStrictEqual(merged, far)) return { kind: 'keep' };
  if (isDeepStrictEqual(merged, source)) return { kind: 'source' };
  return { kind: 'content', content: new TextEncoder().encode(JSON.stringify(merged, null, 2)) };
}

/** The one version that a document belongs to, under both forms of its key (docs/package-types.md). */
function versionsOf(folder: string): readonly NamedVersion[] {
  const [, user = '', recipe = '', version = '', channel = ''] = folder.split('/');
  return [`conan://${user}@${recipe}/${channel}`, `conan://${recipe}`].map((packageKey) => ({
    packageKey,
    name: version,
  }));
}

function parseRevisions(content: Uint8Array, origin: Origin): Revisions {
  const parsed = REVISIONS.safeParse(parseJsonDocument(content, origin).value);
  if (!parsed.success) throw indexInvalid(origin, 'has no list of revisions');
  return parsed.data;
}

function byRevision(document: Revisions | undefined): ReadonlyMap<string, Revision> {
  return new Map((document?.revisions ?? []).map((entry) => [entry.revision, entry]));
}

/** A revision without a readable time is the oldest. */
function instantOf(entry: Revision): number {
  const instant = typeof entry.time === 'string' ? Date.parse(entry.time) : Number(entry.time);
  return Number.isNaN(instant) ? 0 : instant;
}

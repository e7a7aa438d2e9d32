/**
 * Composer: `/p/{vendor}/{name}.json` names all versions of a package, `/packages.json` the repository. Their addresses
 * are relative (`direct-dists/…`): a server puts its own host before them when it serves them.
 */
import { isDeepStrictEqual } from 'node:util';
import { farAddress, localRepository, pathOfAddress, remoteRepository } from './addresses.ts';
import { type ChosenEntry, chooseEntries, nameOfKey, selectionOf, selectsAll } from './choose-entries.ts';
import { parseSides, replaceRanges } from './document-text.ts';
import type { IndexInput, IndexInquiry, IndexResult, IndexRules } from './index-document.ts';
import { type JsonDocument, type JsonMember, memberAt, membersAt, objectText, parseJsonDocument } from './json-text.ts';

const REPOSITORY_DOCUMENT = '/packages.json';

export const COMPOSER_RULES: IndexRules = {
  isIndex: (fullPath) => fullPath === REPOSITORY_DOCUMENT || /^\/p\/[^/]+\/[^/]+\.json$/u.test(fullPath),
  ofPackage: ({ key }) => {
    const name = nameOfKey(key, 'composer');
    return name === undefined ? [] : [`/p/${name}.json`];
  },
  sharedWith: () => [],
  ofRepository: [REPOSITORY_DOCUMENT],
  mergedByPath: true,
  order: () => 0,
  checksumEndings: [],
  merge,
};

/** The text of each version by package. */
type Packages = ReadonlyMap<string, ReadonlyMap<string, string>>;

function* merge(input: IndexInput): IndexInquiry<IndexResult> {
  const { source, far } = parseSides(input, parseJsonDocument);
  if (source === undefined) return { kind: 'keep' };
  const sourcePackages = packagesOf(source);
  const farPackages = packagesOf(far);
  const names = new Set([...sourcePackages.keys(), ...farPackages.keys()]);
  const merged: (readonly [string, readonly ChosenEntry<string>[]])[] = [];
  for (const name of names) {
    const chosen = yield* chooseEntries<string>({
      source: sourcePackages.get(name) ?? new Map(),
      far: farPackages.get(name) ?? new Map(),
      selected: selectionOf(input, `composer://${name}`),
      pathsOf: (_version, entry) => distPaths(entry, input),
      versionsOf: (version) => [{ packageKey: `composer://${name}`, name: version }],
    });
    if (chosen.length > 0 || farPackages.has(name)) merged.push([name, chosen]);
  }
  if (input.far === undefined && merged.length === 0 && sourcePackages.size > 0) return { kind: 'keep' };
  const all = [...names].every((name) => selectsAll(input, `composer://${name}`));
  return resultOf(source, far, documentText(input, source, far, merged, all));
}

function documentText(
  input: IndexInput,
  source: JsonDocument,
  far: JsonDocument | undefined,
  merged: readonly (readonly [string, readonly ChosenEntry<string>[]])[],
  all: boolean,
): string {
  const own = fieldsOf(source);
  const others = fieldsOf(far);
  const [first, second] = all || far === undefined ? [own, others] : [others, own];
  const packages = merged.map(([name, chosen]): readonly [string, string] => [
    name,
    objectText(
      chosen.map(({ id, entry, from }) => [id, from === 'source' ? rewriteDist(entry, input) : entry] as const),
      '    ',
    ),
  ]);
  // An empty list of packages is `{}` to some servers and `[]` to others: it stays as it is written.
  const list = packages.length === 0 ? undefined : objectText(packages, '  ');
  const names = new Set([...first.keys(), ...second.keys(), ...(list === undefined ? [] : ['packages'])]);
  const members = [...names].map((name): readonly [string, string] => [
    name,
    (name === 'packages' ? list : undefined) ?? first.get(name) ?? second.get(name) ?? '{ }',
  ]);
  return objectText(members, '');
}

function resultOf(source: JsonDocument, far: JsonDocument | undefined, text: string): IndexResult {
  const value: unknown = JSON.parse(text);
  if (far !== undefined && isDeepStrictEqual(value, far.value)) return { kind: 'keep' };
  if (isDeepStrictEqual(value, source.value)) return { kind: 'source' };
  return { kind: 'content', content: new TextEncoder().encode(text) };
}

function fieldsOf(document: JsonDocument | undefined): ReadonlyMap<string, string> {
  if (document === undefined) return new Map();
  return new Map(membersAt(document.text).map((member) => [member.key, document.text.slice(member.start, member.end)]));
}

function packagesOf(document: JsonDocument | undefined): Packages {
  const list = document === undefined ? undefined : memberAt(document.text, 0, 'packages');
  if (document === undefined || list === undefined) return new Map();
  const { text } = document;
  return new Map(
    membersAt(text, list.start).map((member) => [
      member.key,
      new Map(membersAt(text, member.start).map(({ key, start, end }) => [key, text.slice(start, end)])),
    ]),
  );
}

function urlMember(entry: string): { readonly member: JsonMember; readonly url: string } | undefined {
  const dist = memberAt(entry, 0, 'dist');
  const member = dist === undefined ? undefined : memberAt(entry, dist.start, 'url');
  const url: unknown = member === undefined ? undefined : JSON.parse(entry.slice(member.start, member.end));
  return member === undefined || typeof url !== 'string' ? undefined : { member, url };
}

/** None for a version that is not kept in this repository. */
function distPaths(entry: string, { addresses }: IndexInput): readonly string[] {
  const url = urlMember(entry)?.url;
  if (url === undefined) return [];
  const absolute = /^[a-z][a-z0-9+.-]*:/iu.test(url);
  const path = absolute
    ? (pathOfAddress(url, localRepository(addresses)) ?? pathOfAddress(url, remoteRepository(addresses)))
    : `/${url.replace(/^\/+/u, '')}`;
  return path === undefined ? [] : [path.replace(/^\/direct-dists\//u, '/')];
}

function rewriteDist(entry: string, { addresses }: IndexInput): string {
  const found = urlMember(entry);
  if (found === undefined) return entry;
  const { member, url } = found;
  const moved = farAddress(url, addresses);
  if (moved === url) return entry;
  return replaceRanges(entry, [{ start: member.start, end: member.end, text: JSON.stringify(moved) }]);
}

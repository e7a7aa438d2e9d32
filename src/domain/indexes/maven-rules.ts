/**
 * Maven: `maven-metadata.xml` beside the versions of an artifact, in the folder of a snapshot, and in the folder of a
 * group (its plugins by prefix). The three kinds may share one file, so each part of a document is merged on its own.
 */
import { isDeepStrictEqual } from 'node:util';
import { selectionOf, selectsAll } from './choose-entries.ts';
import { parseSides } from './document-text.ts';
import type { IndexInput, IndexInquiry, IndexResult, IndexRules } from './index-document.ts';
import { askFarVersions, askMissingVersions, askPresence } from './index-document.ts';
import { mergeSnapshot } from './maven-snapshot.ts';
import { childOf, childrenOf, leaf, parseXml, textOf, withChild, writeXml, type XmlElement } from './xml-tree.ts';

const FILE = 'maven-metadata.xml';
const CHECKSUM_ENDINGS: readonly string[] = ['.md5', '.sha1', '.sha256', '.sha512'];

export const MAVEN_RULES: IndexRules = {
  isIndex: (fullPath) => {
    const name = fullPath.slice(fullPath.lastIndexOf('/') + 1);
    return name === FILE || CHECKSUM_ENDINGS.some((ending) => name === `${FILE}${ending}`);
  },
  ofPackage: (facts) => {
    const place = placeOfKey(facts.key);
    return place === undefined ? [] : [`${place.group}/${place.artifact}/${FILE}`];
  },
  sharedWith: (facts) => {
    const place = placeOfKey(facts.key);
    return place === undefined ? [] : [`${place.group}/${FILE}`];
  },
  ofRepository: [],
  mergedByPath: true,
  order: () => 0,
  checksumEndings: CHECKSUM_ENDINGS,
  merge,
};

function placeOfKey(key: string): { readonly group: string; readonly artifact: string } | undefined {
  const match = /^gav:\/\/([^:/]+):([^:/]+)$/u.exec(key);
  return match === null ? undefined : { group: `/${(match[1] ?? '').replaceAll('.', '/')}`, artifact: match[2] ?? '' };
}

function* merge(input: IndexInput): IndexInquiry<IndexResult> {
  const { source, far } = parseSides(input, parseXml);
  if (source === undefined) return { kind: 'keep' };
  const folder = input.fullPath.slice(0, input.fullPath.lastIndexOf('/'));
  const isSnapshot = folder.endsWith('-SNAPSHOT');
  if (isSnapshot && !(yield* bringsSnapshot(input, folder))) return { kind: 'keep' };
  const versioned = isSnapshot
    ? yield* mergeSnapshot(folder, source, far)
    : yield* mergeVersions(input, folder, source, far);
  const merged = yield* mergePlugins(input, folder, versioned, source, far);
  if (input.far === undefined && isEmpty(merged)) return { kind: 'keep' };
  if (far !== undefined && isDeepStrictEqual(merged, far)) return { kind: 'keep' };
  if (isDeepStrictEqual(merged, source)) return { kind: 'source' };
  return { kind: 'content', content: new TextEncoder().encode(writeXml(merged)) };
}

function keyOf(artifactFolder: string): string {
  const parts = artifactFolder.split('/').filter((part) => part !== '');
  return `gav://${parts.slice(0, -1).join('.')}:${parts.at(-1) ?? ''}`;
}

/** A snapshot's builds show at the far side once the snapshot is a package version there, if it is one at the source. */
function* bringsSnapshot(input: IndexInput, folder: string): IndexInquiry<boolean> {
  const end = folder.lastIndexOf('/');
  const key = keyOf(folder.slice(0, end));
  const version = folder.slice(end + 1);
  if (!selectionOf(input, key)(version)) return false;
  return !(yield* askMissingVersions(key, [version])).has(version);
}

/** Names no version and no plugin: such a document would say nothing. */
function isEmpty(metadata: XmlElement): boolean {
  const versioning = childOf(metadata, 'versioning');
  const versions = childrenOf(childOf(versioning, 'versions'), 'version');
  const snapshot = childOf(versioning, 'snapshot') ?? childOf(versioning, 'snapshotVersions');
  return (
    versions.length === 0 && snapshot === undefined && childrenOf(childOf(metadata, 'plugins'), 'plugin').length === 0
  );
}

/** The list of versions with `latest`, `release` and `lastUpdated`. */
function* mergeVersions(
  input: IndexInput,
  folder: string,
  source: XmlElement,
  far: XmlElement | undefined,
): IndexInquiry<XmlElement> {
  const all = selectsAll(input, keyOf(folder));
  const base = all || far === undefined ? source : far;
  const sourceVersioning = childOf(source, 'versioning');
  const farVersioning = childOf(far, 'versioning');
  const wanted = versionsOf(sourceVersioning).filter(selectionOf(input, keyOf(folder)));
  const known = versionsOf(farVersioning);
  const names = [...new Set(all ? [...wanted, ...known] : [...known, ...wanted])];
  const versioning = childOf(base, 'versioning') ?? sourceVersioning ?? farVersioning;
  const isListed = [sourceVersioning, farVersioning].some((side) => childOf(side, 'versions') !== undefined);
  if (versioning === undefined || !isListed) return base;

  const present = yield* presentVersions(folder, names, new Set(known));
  const list = names.filter((name) => present.has(name));
  const listedAtSource = new Set(versionsOf(sourceVersioning));
  const own = list.some((name) => !listedAtSource.has(name));
  const usable = new Set(wanted);
  const named = (field: string): string | undefined => {
    const first = textOf(sourceVersioning, field);
    const second = textOf(farVersioning, field);
    if (first === undefined && second === undefined) return undefined;
    if (first !== undefined && usable.has(first) && present.has(first)) return first;
    if (second !== undefined && present.has(second)) return second;
    return list.findLast((name) => field === 'latest' || !name.endsWith('-SNAPSHOT'));
  };
  let result = withChild(
    versioning,
    'versions',
    listElement(
      'versions',
      list.map((name) => leaf('version', name)),
    ),
  );
  for (const field of ['latest', 'release']) result = withChild(result, field, optionalLeaf(field, named(field)));
  const updated = newest(all && !own, sourceVersioning, farVersioning);
  result = withChild(result, 'lastUpdated', optionalLeaf('lastUpdated', updated));
  return withChild(base, 'versioning', result);
}

/**
 * A package version at the far side; else a file that only a deployed version has, for what the far side's document
 * names (`known`) and for what is no package version at the source.
 */
function* presentVersions(
  folder: string,
  names: readonly string[],
  known: ReadonlySet<string>,
): IndexInquiry<ReadonlySet<string>> {
  const artifact = folder.slice(folder.lastIndexOf('/') + 1);
  const versions = yield* askFarVersions(keyOf(folder), names);
  const others = names.filter((name) => !versions.has(name));
  const missing = yield* askMissingVersions(
    keyOf(folder),
    others.filter((name) => !known.has(name)),
  );
  const rest = others.filter((name) => !missing.has(name));
  const proofOf = (name: string): string =>
    `${folder}/${name}/${name.endsWith('-SNAPSHOT') ? FILE : `${artifact}-${name}.pom`}`;
  const presence = yield* askPresence(rest.map(proofOf));
  const deployed = rest.filter((name) => (presence.get(proofOf(name)) ?? 'absent') !== 'absent');
  return new Set([...versions, ...deployed]);
}

/** The source's plugins win their prefix where their artifact is at the far side; the far side's others stay. */
function* mergePlugins(
  input: IndexInput,
  folder: string,
  merged: XmlElement,
  source: XmlElement,
  far: XmlElement | undefined,
): IndexInquiry<XmlElement> {
  const group = folder
    .split('/')
    .filter((part) => part !== '')
    .join('.');
  const wanted = childrenOf(childOf(source, 'plugins'), 'plugin').filter((plugin) => {
    const key = `gav://${group}:${textOf(plugin, 'artifactId') ?? ''}`;
    if (input.wholeRepository || input.selected === 'any') return true;
    return input.selected.some((selection) => selection.packageKey === key);
  });
  const own = childrenOf(childOf(far, 'plugins'), 'plugin');
  const proofOf = (plugin: XmlElement): string => `${folder}/${textOf(plugin, 'artifactId') ?? ''}/${FILE}`;
  const presence = yield* askPresence(wanted.map(proofOf));
  const there = wanted.filter((plugin) => (presence.get(proofOf(plugin)) ?? 'absent') !== 'absent');
  const prefixes = new Set(there.map((plugin) => textOf(plugin, 'prefix')));
  const list = [...there, ...own.filter((plugin) => !prefixes.has(textOf(plugin, 'prefix')))];
  return withChild(merged, 'plugins', list.length === 0 ? undefined : listElement('plugins', list));
}

function versionsOf(versioning: XmlElement | undefined): readonly string[] {
  return childrenOf(childOf(versioning, 'versions'), 'version').map((version) => version.text);
}

function listElement(name: string, children: readonly XmlElement[]): XmlElement {
  return { name, attributes: [], children, text: '' };
}

function optionalLeaf(name: string, text: string | undefined): XmlElement | undefined {
  return text === undefined ? undefined : leaf(name, text);
}

/** `yyyyMMddHHmmss` sorts as text. */
function newest(sourceOnly: boolean, source: XmlElement | undefined, far: XmlElement | undefined): string | undefined {
  const first = textOf(source, 'lastUpdated');
  const second = sourceOnly ? undefined : textOf(far, 'lastUpdated');
  if (first === undefined || second === undefined) return first ?? second;
  return second > first ? second : first;
}

/**
 * npm (and OHPM): `/.npm/{name}/package.json` names all versions of a package. It is merged version by version; fields
 * of the package itself are the source's, but an own field of the far side stays.
 */
import { isDeepStrictEqual } from 'node:util';
import { localRepository, pathOfAddress, remoteRepository } from './addresses.ts';
import { type ChosenEntry, chooseEntries, nameOfKey, selectionOf, selectsAll } from './choose-entries.ts';
import { parseSides, type Side } from './document-text.ts';
import type { IndexInput, IndexInquiry, IndexResult, IndexRules } from './index-document.ts';
import { type JsonDocument, memberAt, membersAt, objectText, parseJsonDocument } from './json-text.ts';
import { chooseTags } from './npm-tags.ts';
import { rewriteTarballText, tarballRest } from './npm-tarballs.ts';
import { mergeTimes } from './npm-times.ts';

type Texts = ReadonlyMap<string, string>;

/** `scheme`: of the package key; `ending`: of the package file. */
export function npmRules(scheme: 'npm' | 'ohpm', ending: '.tgz' | '.har'): IndexRules {
  return {
    isIndex: (fullPath) => nameOf(fullPath) !== undefined,
    ofPackage: ({ key }) => {
      const name = nameOfKey(key, scheme);
      return name === undefined ? [] : [`/.npm/${name}/package.json`];
    },
    sharedWith: () => [],
    ofRepository: [],
    mergedByPath: true,
    order: () => 0,
    checksumEndings: [],
    merge: (input) => merge(input, scheme, ending),
  };
}

function nameOf(fullPath: string): string | undefined {
  return /^\/\.npm\/((?:@[^/]+\/)?[^/]+)\/package\.json$/u.exec(fullPath)?.[1];
}

function* merge(input: IndexInput, scheme: string, ending: string): IndexInquiry<IndexResult> {
  const { source, far } = parseSides(input, parseJsonDocument);
  if (source === undefined) return { kind: 'keep' };
  const name = nameOf(input.fullPath) ?? '';
  const key = `${scheme}://${name}`;
  const selected = selectionOf(input, key);
  const chosen = yield* chooseEntries<string>({
    source: textsOf(source, 'versions'),
    far: textsOf(far, 'versions'),
    selected,
    pathsOf: (version, entry, side) => tarballPaths(input, name, version, entry, side, ending),
    versionsOf: (version) => [{ packageKey: key, name: version }],
  });
  if (chosen.length === 0 && input.far === undefined) return { kind: 'keep' };
  const text = documentText(input, source, far, chosen, selected, selectsAll(input, key));
  return resultOf(input, source, far, text);
}

/** The file as its address names it, else where a server of today stores it (contract §6.6). */
function tarballPaths(
  { addresses }: IndexInput,
  name: string,
  version: string,
  entry: string,
  side: Side,
  ending: string,
): readonly string[] {
  const dist = memberAt(entry, 0, 'dist');
  const tarball = dist === undefined ? undefined : memberAt(entry, dist.start, 'tarball');
  const address: unknown = tarball === undefined ? undefined : JSON.parse(entry.slice(tarball.start, tarball.end));
  const standard = `/${name}/-/${name}-${version}${ending}`;
  if (typeof address !== 'string') return [standard];
  const remote = pathOfAddress(address, remoteRepository(addresses));
  const local = pathOfAddress(address, localRepository(addresses));
  const named = (side === 'source' ? (local ?? remote) : (remote ?? local)) ?? restPath(address, addresses);
  return named === undefined || named === standard ? [standard] : [named, standard];
}

function restPath(address: string, addresses: IndexInput['addresses']): string | undefined {
  return pathOfAddress(address, localRepository(addresses), tarballRest);
}

/** `wins`: the side whose fields of the package stand where both have one. */
function documentText(
  input: IndexInput,
  source: JsonDocument,
  far: JsonDocument | undefined,
  chosen: readonly ChosenEntry<string>[],
  selected: (version: string) => boolean,
  all: boolean,
): string {
  const versions = chosen.map(({ id, entry, from }) => ({
    id,
    entry: from === 'source' ? rewriteTarballText(entry, input.addresses) : entry,
  }));
  const present = new Set(chosen.map(({ id }) => id));
  const tags = chooseTags({
    source: textsOf(source, 'dist-tags'),
    far: textsOf(far, 'dist-tags'),
    present: chosen.map(({ id }) => id),
    selected,
  });
  const times = mergeTimes({
    source: textsOf(source, 'time'),
    far: textsOf(far, 'time'),
    sourceVersions: textsOf(source, 'versions'),
    farVersions: textsOf(far, 'versions'),
    chosen,
    all,
  });
  const built = new Map<string, Texts>([
    ['dist-tags', tags],
    ['versions', new Map(versions.map(({ id, entry }) => [id, entry]))],
    ['time', times],
  ]);
  const own = fieldsOf(source);
  const others = fieldsOf(far);
  const first = all || far === undefined ? own : others;
  const second = first === own ? others : own;
  const names = new Set([...first.keys(), ...second.keys()]);
  const members = [...names].map((field): readonly [string, string] => {
    const container = built.get(field);
    return [field, container === undefined ? (first.get(field) ?? second.get(field) ?? 'null') : textOf(container)];
  });
  if (!names.has('versions') && present.size > 0)
    members.push(['versions', textOf(built.get('versions') ?? new Map())]);
  return objectText(members, '');
}

function textOf(container: Texts): string {
  return objectText(container, '  ');
}

function resultOf(input: IndexInput, source: JsonDocument, far: JsonDocument | undefined, text: string): IndexResult {
  const value: unknown = JSON.parse(text);
  if (far !== undefined && isDeepStrictEqual(value, far.value)) return { kind: 'keep' };
  if (isDeepStrictEqual(value, source.value)) return { kind: 'source' };
  const rewritten = rewriteTarballText(source.text, input.addresses);
  const equal = isDeepStrictEqual(value, JSON.parse(rewritten));
  return { kind: 'content', content: new TextEncoder().encode(equal ? rewritten : text) };
}

function fieldsOf(document: JsonDocument | undefined): Texts {
  if (document === undefined) return new Map();
  return new Map(membersAt(document.text).map((member) => [member.key, document.text.slice(member.start, member.end)]));
}

function textsOf(document: JsonDocument | undefined, key: string): Texts {
  const member = document === undefined ? undefined : memberAt(document.text, 0, key);
  if (document === undefined || member === undefined) return new Map();
  const inner = membersAt(document.text, member.start);
  return new Map(inner.map(({ key: name, start, end }) => [name, document.text.slice(start, end)]));
}

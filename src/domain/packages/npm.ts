/**
 * NPM: the tarball, then the version's document `/.npm/{name}/{name}-{version}.json`. A scoped name stands in a path
 * twice, scope and all: `/@s/n/-/@s/n-1.0.0.tgz`. Older tarballs lie at `/{name}/download/…`. The package document with
 * all versions and dist-tags is an index document.
 */
import { rewriteTarballs } from '../indexes/npm-tarballs.ts';
import { artifacts, type Layout, manifest, manifestGone, type Owner, plain, type Subject } from './layout.ts';

export const NPM: Layout = {
  claims: (subject) => [...tarballs(subject, 'tgz'), versionDocument(subject)],
  owners: (fullPath) => ownersOf(fullPath, 'tgz'),
  *map(subject) {
    const found = yield* artifacts(subject, tarballs(subject, 'tgz'));
    const document = yield* manifest(subject, [versionDocument(subject)]);
    if (document === undefined) throw manifestGone([versionDocument(subject)]);
    return { files: [...plain(found), { fullPath: document, rewrite: rewriteTarballs }], indexes: [] };
  },
};

/** Where the archive of a version may lie. */
export function tarballs({ name, version }: Subject, ending: 'tgz' | 'har'): readonly string[] {
  return ['-', 'download'].map((folder) => `/${name}/${folder}/${name}-${version.name}.${ending}`);
}

export function versionDocument({ name, version }: Subject): string {
  return `/.npm/${name}/${name}-${version.name}.json`;
}

const DOCUMENT = /^\/\.npm\/(?<name>.+)$/su;
const ARCHIVE = /^\/(?<name>.+?)\/(?:-|download)\/(?<file>.+)$/su;

/** The package's name stands in the path before its version, so the cut is exact. */
export function ownersOf(fullPath: string, ending: 'tgz' | 'har'): readonly Owner[] {
  const document = DOCUMENT.exec(fullPath)?.groups?.['name'];
  if (document !== undefined) {
    const names = document.split('/');
    const name = names.slice(0, names.length / 2).join('/');
    return versionIn(name, names.slice(names.length / 2).join('/'), '.json');
  }
  const { name = '', file = '' } = ARCHIVE.exec(fullPath)?.groups ?? {};
  return versionIn(name, file, `.${ending}`);
}

function versionIn(name: string, file: string, ending: string): readonly Owner[] {
  if (name === '' || !file.startsWith(`${name}-`) || !file.endsWith(ending)) return [];
  return [{ name, version: file.slice(name.length + 1, -ending.length) }];
}

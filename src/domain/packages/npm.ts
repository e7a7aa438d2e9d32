/**
 * NPM: the tarball, then the version's document `/.npm/{name}/{name}-{version}.json`. A scoped name stands in a path
 * twice, scope and all: `/@s/n/-/@s/n-1.0.0.tgz`. Older tarballs lie at `/{name}/download/…`. The package document with
 * all versions and dist-tags is an index document.
 */
import { rewriteTarballs } from '../indexes/npm-tarballs.ts';
import { artifacts, type Layout, manifest, manifestGone, plain, type Subject } from './layout.ts';

export const NPM: Layout = {
  claims: (subject) => [...tarballs(subject, 'tgz'), versionDocument(subject)],
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

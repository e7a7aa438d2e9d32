/**
 * OHPM: like npm with `.har` for the archive, and what the server puts beside it: the `.hsp` of the same name, and a folder
 * of that name with the read-me and the change log. Order: these, the archive, the version's document.
 */
import { rewriteTarballs } from '../indexes/npm-tarballs.ts';
import { artifacts, below, firstLive, type Layout, manifest, manifestGone, plain } from './layout.ts';
import { ownersOf, tarballs, versionDocument } from './npm.ts';

const ENDING = /\.har$/;

export const OHPM: Layout = {
  claims: (subject) => [
    ...tarballs(subject, 'har').flatMap((har) => [har, har.replace(ENDING, '.hsp'), har.replace(ENDING, '/')]),
    versionDocument(subject),
  ],
  owners: (fullPath) => {
    const archive = fullPath.replace(/\.hsp$/u, '.har');
    const own = ownersOf(archive, 'har');
    // Beside an archive lies a folder of its name.
    return own.length > 0 ? own : ownersOf(`${fullPath.slice(0, fullPath.lastIndexOf('/'))}.har`, 'har');
  },
  *map(subject) {
    const archives = yield* artifacts(subject, tarballs(subject, 'har'));
    const beside: string[] = [];
    for (const har of archives.filter((path) => ENDING.test(path))) {
      beside.push(...(yield* below(har.replace(ENDING, ''))));
      const shared = yield* firstLive([har.replace(ENDING, '.hsp')]);
      if (shared !== undefined) beside.push(shared.fullPath);
    }
    const document = yield* manifest(subject, [versionDocument(subject)]);
    if (document === undefined) throw manifestGone([versionDocument(subject)]);
    return {
      files: [...plain([...beside, ...archives]), { fullPath: document, rewrite: rewriteTarballs }],
      indexes: [],
    };
  },
};

/**
 * PYPI: all distributions of the version (a source archive and wheels) with their signatures and metadata files: what it
 * records, and the folder `/{name}/{version}`. Sidecar files first.
 */

import {
  artifacts,
  below,
  byRank,
  isSidecar,
  type Layout,
  plain,
  recordedPaths,
  type Subject,
  segments,
} from './layout.ts';
import { packageError, quoted } from './package-error.ts';

export const PYPI: Layout = {
  claims: (subject) => [`${folder(subject)}/`],
  owners: (fullPath) => {
    const [name, version, file] = segments(fullPath);
    return name === undefined || version === undefined || file === undefined ? [] : [{ name, version }];
  },
  *map(subject) {
    const inFolder = yield* below(folder(subject));
    const recorded = recordedPaths(subject.version).length === 0 ? [] : yield* artifacts(subject, []);
    const files = [...recorded, ...inFolder];
    if (files.length === 0)
      throw packageError(
        'ArtifactMissing',
        `the version records no artifact, and there are no files in the folder ${quoted(folder(subject))}`,
      );
    return { files: plain(byRank(files, (path) => (isSidecar(path) ? 0 : 1))), indexes: [] };
  },
};

function folder({ name, version }: Subject): string {
  return `/${name}/${version.name}`;
}

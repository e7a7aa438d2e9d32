/**
 * Types without a mapper of their own, known to us or not: no type fails for want of one.
 *
 * A version consists of what it records (`artifactPath`, `artifactPaths`, `manifestPath`; each a file, or a folder with
 * all below it), and of the version's folder: `/{name}/{version}`, where name is the key's behind `://`; for
 * HUGGINGFACE `/{organisation}/{name}/resolve/{version}`. Nothing else is guessed: two packages may share a folder.
 *
 * Order: sidecar files, the rest, the manifest.
 */

import { askFiles, type Inquiry } from './inquiry.ts';
import {
  artifactGone,
  below,
  byRank,
  isSidecar,
  type Layout,
  manifestGone,
  plain,
  recordedPaths,
  type Subject,
  segments,
} from './layout.ts';
import { packageError, quoted } from './package-error.ts';
import { packagePath } from './package-path.ts';

export const GENERAL: Layout = generalLayout(
  ({ name, version }) => `/${name}/${version.name}`,
  (fullPath) => {
    const names = segments(fullPath);
    // A name may have slashes.
    return [1, 2, 3].flatMap((at) => {
      const version = names[at];
      return version === undefined || at + 1 >= names.length ? [] : [{ name: names.slice(0, at).join('/'), version }];
    });
  },
);

/** The key is `huggingface://{model|dataset}/{organisation}/{name}`; the kind is not in the path. */
export const HUGGINGFACE: Layout = generalLayout(
  ({ name, version }) => `/${name.slice(name.indexOf('/') + 1)}/resolve/${version.name}`,
  (fullPath) => {
    const [organisation, name, resolve, version, file] = segments(fullPath);
    if (resolve !== 'resolve' || version === undefined || file === undefined) return [];
    return ['model', 'dataset'].map((kind) => ({ name: `${kind}/${organisation}/${name}`, version }));
  },
);

function generalLayout(folderOfVersion: (subject: Subject) => string, owners: NonNullable<Layout['owners']>): Layout {
  return {
    owners,
    claims: (subject) => [
      `${folderOfVersion(subject)}/`,
      ...recordedPaths(subject.version).map((path) => path.replace(/\/?$/, '/')),
    ],
    *map(subject) {
      const { version } = subject;
      const files: string[] = [];
      for (const recorded of recordedPaths(version))
        files.push(...(yield* recordedFiles(recorded, version.manifestPath)));
      const folder = packagePath(folderOfVersion(subject));
      files.push(...(yield* below(folder)));
      if (files.length === 0)
        throw packageError(
          'ArtifactMissing',
          `the version records no path, and there are no files in the folder ${quoted(folder)}`,
        );
      const manifestPath = version.manifestPath ? packagePath(version.manifestPath) : undefined;
      const rank = (path: string) => (path === manifestPath ? 2 : isSidecar(path) ? 0 : 1);
      return { files: plain(byRank(files, rank)), indexes: [] };
    },
  };
}

function* recordedFiles(recorded: string, manifestPath: string | null): Inquiry<readonly string[]> {
  const path = packagePath(recorded);
  if ((yield* askFiles([path])).has(path)) return [path];
  const files = yield* below(path);
  if (files.length > 0) return files;
  throw recorded === manifestPath ? manifestGone([path]) : artifactGone(path);
}

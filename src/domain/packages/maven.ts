/**
 * MAVEN: the whole folder of the version, and all below it, since the version records only the jar that was deployed last.
 *
 * Order: checksum files and signatures, artifacts, Gradle's `.module`, the pom. A resolver begins at the pom and reads a
 * checksum after its file, so nothing that it meets is missing a part.
 */

import { MAVEN_RULES } from '../indexes/maven-rules.ts';
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
import { fileName, folderOf, packagePath } from './package-path.ts';

const METADATA = 'maven-metadata.xml';

export const MAVEN: Layout = {
  claims: (subject) => [`${versionFolder(subject)}/`],
  owners: (fullPath) => {
    const names = segments(fullPath);
    // Files lie in the folder of the version, seldom in one below it.
    return [2, 3].flatMap((at) => {
      const version = names.at(-at);
      const artifact = names.at(-at - 1);
      const group = names.slice(0, -at - 1).join('.');
      if (version === undefined || artifact === undefined || group === '') return [];
      return [{ name: `${group}:${artifact}`, version }];
    });
  },
  *map(subject) {
    const folder = packagePath(versionFolder(subject));
    const inFolder = yield* below(folder);
    const recorded = recordedPaths(subject.version).length === 0 ? [] : yield* artifacts(subject, []);
    const files = [...inFolder, ...recorded].filter((path) => !MAVEN_RULES.isIndex(path));
    if (files.length === 0) throw packageError('ArtifactMissing', `there are no files in the folder ${quoted(folder)}`);
    const indexes = inFolder.filter((path) => folderOf(path) === folder && fileName(path) === METADATA);
    return { files: plain(byRank(files, rank)), indexes };
  },
};

function versionFolder({ name, version }: Subject): string {
  const [group = '', artifact = ''] = name.split(':');
  return `/${group.replaceAll('.', '/')}/${artifact}/${version.name}`;
}

function rank(path: string): number {
  if (isSidecar(path)) return 0;
  if (path.endsWith('.pom')) return 3;
  return path.endsWith('.module') ? 2 : 1;
}

/**
 * COMPOSER: the recorded archive. Servers record it as a client downloads it, below `/direct-dists`, and store it without
 * that folder.
 */
import { artifacts, type Layout, plain, recordedPaths } from './layout.ts';
import { tryPackagePath } from './package-path.ts';

const DOWNLOADS = '/direct-dists/';

export const COMPOSER: Layout = {
  claims: ({ version }) => recordedPaths(version).flatMap((path) => places(tryPackagePath(path) ?? path)),
  *map(subject) {
    return { files: plain(yield* artifacts(subject, [], places)), indexes: [] };
  },
};

function places(recorded: string): readonly string[] {
  return recorded.startsWith(DOWNLOADS) ? [recorded, recorded.slice(DOWNLOADS.length - 1)] : [recorded];
}

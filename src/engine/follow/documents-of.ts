/** Which documents name what is owned: they have to be made anew when it goes. */
import { indexRulesFor } from '../../domain/indexes/rules.ts';
import { mapperFor } from '../../domain/packages/mapper.ts';
import type { OwnedFile } from '../ports/follow-journal.ts';
import { splitOwnedName } from './owned-name.ts';

type Owned = Pick<OwnedFile, 'fullPath' | 'sha256' | 'partOf'>;

/** Their paths, each once. */
export function documentsOf(repoType: string, owned: readonly Owned[]): readonly string[] {
  const { ofPackage, sharedWith, ofRepository } = indexRulesFor(repoType);
  const packages = new Set(owned.flatMap((one) => packageKeysOf(repoType, one)));
  const paths = [...packages].flatMap((key) => {
    const facts = { key, name: key.slice(key.indexOf('://') + 3) };
    return [...ofPackage(facts), ...sharedWith(facts), ...ofRepository];
  });
  return [...new Set(paths)];
}

/** Of a version, of the version that a file is part of, or may be: it may have come before its version. */
function packageKeysOf(repoType: string, { fullPath, sha256, partOf }: Owned): readonly string[] {
  const version = sha256 === null ? fullPath : partOf;
  if (version !== undefined) return [splitOwnedName(version).packageKey];
  if (repoType === 'GENERIC') return [];
  return mapperFor(repoType)
    .owners(fullPath)
    .map(({ packageKey }) => packageKey);
}

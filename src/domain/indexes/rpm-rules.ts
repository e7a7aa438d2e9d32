/**
 * RPM: `repodata/` at any depth. Its lists are compressed and may be far larger than a document that is held in memory;
 * files whose name holds their digest (`<sha1>-primary.xml.gz`) therefore travel as files. What carries a plain name is
 * made equal to the source's by runs of the whole repository; runs of single packages leave the repodata to the far side,
 * whose server makes it. `repomd.xml` comes after the files that it names, its signature last.
 */
import { decided, type IndexInput, type IndexResult, type IndexRules } from './index-document.ts';

export const RPM_RULES: IndexRules = {
  isIndex: (fullPath) => {
    const [folder, name] = fullPath.split('/').slice(-2);
    return folder === 'repodata' && name !== undefined && !/^[0-9a-f]{32,128}-/u.test(name);
  },
  ofPackage: () => [],
  sharedWith: () => [],
  ofRepository: [],
  mergedByPath: false,
  order: (fullPath) => {
    const name = fullPath.slice(fullPath.lastIndexOf('/') + 1);
    if (name === 'repomd.xml') return 1;
    return name.startsWith('repomd.xml') ? 2 : 0;
  },
  checksumEndings: [],
  merge: (input) => decided(judge(input)),
};

function judge({ source, far, wholeRepository }: IndexInput): IndexResult {
  if (source === undefined || !wholeRepository) return { kind: 'keep' };
  const equal = far !== undefined && Buffer.compare(source, far) === 0;
  return { kind: equal ? 'keep' : 'source' };
}

/** The index documents of a real bk-repo (`../shared/fixtures/bkrepo-source`). Without it this part says so. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { indexRulesFor } from '../../../../src/domain/indexes/rules.ts';
import { fixtureMissing } from '../../../support/bkrepo/fixture.ts';
import { ADDRESSES, mergeCase } from './far-world.ts';

const FIXTURE = fileURLToPath(new URL('../../../../../shared/fixtures/bkrepo-source', import.meta.url));
const TYPES: Readonly<Record<string, string>> = { npm: 'NPM', mvn: 'MAVEN', helm: 'HELM' };

interface StoredNode {
  readonly repoName: string;
  readonly fullPath: string;
  readonly folder: boolean;
  readonly deleted?: unknown;
  readonly sha256: string;
}

interface StoredDocument {
  readonly type: string;
  readonly repoName: string;
  readonly fullPath: string;
  readonly content: string;
}

async function storedDocuments(): Promise<readonly StoredDocument[]> {
  const lines = (await readFile(path.join(FIXTURE, 'mongo', 'node_210.ejsonl'), 'utf8')).trim().split('\n');
  const nodes = lines.map((line) => JSON.parse(line) as StoredNode);
  const documents = nodes.filter(({ repoName, fullPath, folder, deleted }) => {
    const rules = indexRulesFor(TYPES[repoName] ?? 'GENERIC');
    const checksum = rules.checksumEndings.some((ending) => fullPath.endsWith(ending));
    return !folder && deleted === undefined && rules.isIndex(fullPath) && !checksum;
  });
  return Promise.all(
    documents.map(async ({ repoName, fullPath, sha256 }) => ({
      type: TYPES[repoName] ?? '',
      repoName,
      fullPath,
      content: await readFile(path.join(FIXTURE, 'store', sha256.slice(0, 2), sha256.slice(2, 4), sha256), 'utf8'),
    })),
  );
}

test('documents of a real server arrive byte for byte but for their addresses, and stay', {
  skip: fixtureMissing(),
}, async () => {
  const documents = await storedDocuments();
  assert.deepEqual(documents.map(({ fullPath }) => fullPath).toSorted(), [
    '/.npm/@fx/lib/package.json',
    '/.npm/plain-lib/package.json',
    '/com/example/lib/2.0.0-SNAPSHOT/maven-metadata.xml',
    '/com/example/lib/maven-metadata.xml',
    '/com/example/parent/maven-metadata.xml',
    '/index-cache.yaml',
  ]);
  for (const { type, repoName, fullPath, content } of documents) {
    const given = {
      type,
      fullPath,
      source: content,
      others: 'same',
      addresses: { ...ADDRESSES, localRepoName: repoName },
    } as const;
    const { text } = mergeCase(given);
    const far = content
      .replaceAll(`http://127.0.0.1:18081/npm/fx/npm/`, `${ADDRESSES.origin}/npm/copy/mirror/`)
      .replaceAll(`http://127.0.0.1/helm/fx/helm/`, `${ADDRESSES.origin}/helm/copy/mirror/`);
    assert.equal(text, far, fullPath);
    assert.equal(mergeCase({ ...given, far }).kind, 'keep', fullPath);
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeCase } from './far-world.ts';

const DOCUMENTS = [
  { type: 'NPM', fullPath: '/.npm/lib/package.json', good: '{"versions":{}}', bad: '{"versions"' },
  { type: 'MAVEN', fullPath: '/g/a/maven-metadata.xml', good: '<metadata/>', bad: '<metadata>' },
  { type: 'MAVEN', fullPath: '/g/a/1-SNAPSHOT/maven-metadata.xml', good: '<metadata/>', bad: 'x' },
  { type: 'HELM', fullPath: '/index-cache.yaml', good: 'entries: {}\n', bad: 'entries: [\n' },
  { type: 'COMPOSER', fullPath: '/p/v/lib.json', good: '{"packages":{}}', bad: '[]' },
  { type: 'CARGO', fullPath: '/index/ca/rg/cargo', good: '{"vers":"1.0.0"}', bad: 'x' },
  { type: 'CONAN', fullPath: '/u/n/v/c/index.json', good: '{"revisions":[]}', bad: '{}' },
] as const;

for (const { type, fullPath, good, bad } of DOCUMENTS) {
  const invalid = (side: string): { code: string; message: RegExp } => ({
    code: 'IndexInvalid',
    message: new RegExp(`the index document ${fullPath.replaceAll('.', '\\.')} of the ${side} `, 'u'),
  });

  test(`a damaged document of the source fails the unit: ${type} ${fullPath}`, () => {
    assert.throws(() => mergeCase({ type, fullPath, source: bad, others: 'same' }), invalid('source'));
  });

  test(`a damaged document of the far side is replaced by a run of the whole repository: ${type} ${fullPath}`, () => {
    const { text } = mergeCase({ type, fullPath, source: good, far: bad, others: 'same' });
    assert.equal(text, good);
  });

  test(`a damaged document of the far side fails a run of single packages: ${type} ${fullPath}`, () => {
    const given = {
      type,
      fullPath,
      source: good,
      far: bad,
      others: 'same',
      selected: [{ packageKey: 'x://y' }],
    } as const;
    assert.throws(() => mergeCase(given), invalid('far side'));
  });

  test(`a document that only the far side has stays: ${type} ${fullPath}`, () => {
    assert.equal(mergeCase({ type, fullPath, far: good }).kind, 'keep');
  });
}

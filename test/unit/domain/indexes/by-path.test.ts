/** Documents in a run of paths: everything may be added, and what the far side has stays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { indexRulesFor } from '../../../../src/domain/indexes/rules.ts';
import { mergeCase } from './far-world.ts';

const at = { type: 'NPM', fullPath: '/.npm/lib/package.json', others: 'same', selected: 'any' } as const;

test('all that the source names is added, and the far side keeps its versions and its own fields', () => {
  const merged = mergeCase({
    ...at,
    source: '{"name":"lib","readme":"ours","versions":{"1.0.0":{},"1.1.0":{}}}',
    far: '{"name":"lib","readme":"theirs","versions":{"9.0.0":{}}}',
  });
  const versions = { '1.0.0': {}, '1.1.0': {}, '9.0.0': {} };
  assert.deepEqual(JSON.parse(merged.text ?? ''), { name: 'lib', readme: 'theirs', versions });
});

test('a damaged document of the far side is not replaced', () => {
  assert.throws(() => mergeCase({ ...at, source: '{"versions":{"1.0.0":{}}}', far: '{' }), { code: 'IndexInvalid' });
});

test('plugins of a Maven group are added, and the far side’s others stay', () => {
  const plugins = (...names: string[]): string =>
    `<metadata><plugins>${names.map((name) => `<plugin><prefix>${name}</prefix><artifactId>${name}-plugin</artifactId></plugin>`).join('')}</plugins></metadata>`;
  const merged = mergeCase({
    ...at,
    type: 'MAVEN',
    fullPath: '/com/example/maven-metadata.xml',
    source: plugins('mine'),
    far: plugins('theirs'),
  });
  assert.match(merged.text ?? '', /mine-plugin/);
  assert.match(merged.text ?? '', /theirs-plugin/);
});

test('only RPM’s repodata, which is never merged, travels by path as files', () => {
  const types = ['NPM', 'OHPM', 'MAVEN', 'HELM', 'COMPOSER', 'CARGO', 'CONAN', 'RPM'];
  assert.deepEqual(
    types.filter((type) => !indexRulesFor(type).mergedByPath),
    ['RPM'],
  );
});

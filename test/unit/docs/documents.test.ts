/** Every link of README and docs leads somewhere, and every block of data can be read. */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { parseConfig } from '../../../src/config.ts';
import { type Document, parseDocument, readDocuments } from '../../support/documents.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

let documents: readonly Document[];
before(async () => {
  documents = await readDocuments();
});

async function broken(checked: readonly Document[], all: readonly Document[]): Promise<string[]> {
  const links = checked.flatMap(({ file, links: own }) => own.map((link) => ({ from: file, ...link })));
  const faults = await Promise.all(
    links.map(async ({ from, file, anchor, text }) => {
      if (file.startsWith('..')) return [`${from}: ${text} leads out of the project`];
      if ((await stat(path.join(ROOT, file)).catch(() => undefined)) === undefined)
        return [`${from}: ${text}: no file`];
      const there = all.find((document) => document.file === path.normalize(file));
      const lost = anchor !== '' && there?.anchors.has(anchor) !== true;
      return lost ? [`${from}: ${text}: no such heading`] : [];
    }),
  );
  return faults.flat();
}

test('every link leads to a file, and to a heading of it', async () => {
  assert.ok(documents.length > 12, `${documents.length} documents`);
  assert.ok(documents.flatMap(({ links }) => links).length > 100);
  assert.deepEqual(await broken(documents, documents), []);
});

test('a link to nowhere is found: file, heading, outside', async () => {
  const text = '# One `two`: three\n[a](#one-two-three) [b](#two) [c](docs/none.md) [d](../x.md) `[e](none)`\n';
  const sample = parseDocument('README.md', `${text}\`\`\`md\n# Two\n[f](none)\n\`\`\`\n`);
  assert.deepEqual(await broken([sample], [sample]), [
    'README.md: #two: no such heading',
    'README.md: docs/none.md: no file',
    'README.md: ../x.md leads out of the project',
  ]);
});

test('every page of docs is linked from an index', () => {
  const index = documents.filter(({ file }) => /^docs\/(?:zh\/)?README\.md$/.test(file));
  const linked = new Set(index.flatMap(({ links }) => links.map(({ file }) => file)));
  const pages = documents.map(({ file }) => file).filter((file) => file.startsWith('docs/'));
  assert.deepEqual(
    pages.filter((file) => !linked.has(file)),
    [],
  );
});

test('every block of YAML and JSON can be read', () => {
  const faults = documents.flatMap(({ file, blocks }) =>
    blocks.flatMap(({ language, text, line }) => faultOf(language, text).map((fault) => `${file}:${line}: ${fault}`)),
  );
  assert.deepEqual(faults, []);
});

test('every part of a configuration that is shown is accepted by the program', () => {
  const environment = {
    BKREPO_REPLICATOR_SOURCE_MONGODB_URI: 'mongodb://source/bkrepo',
    BKREPO_REPLICATOR_JOURNAL_MONGODB_URI: 'mongodb://journal/bkrepo_replicator',
  };
  const shown = documents.flatMap(({ file, blocks }) =>
    blocks.filter(isConfiguration).map(({ text, line }) => ({ name: `${file}:${line}`, text })),
  );
  assert.ok(shown.length >= 2, `${shown.length} parts`);
  for (const file of shown) assert.doesNotThrow(() => parseConfig({ file, environment }), file.name);
});

/** What the configuration's page has a section for, and no resource. */
function isConfiguration({ language, text }: Document['blocks'][number]): boolean {
  const sections = documents.find(({ file }) => file === 'docs/configuration.md')?.anchors;
  if (language !== 'yaml') return false;
  const [content] = parseAllDocuments(text).map((document) => document.toJS() as object | null);
  const keys = Object.keys(content ?? {});
  return keys.length > 0 && keys.every((key) => sections?.has(key));
}

function faultOf(language: string, text: string): string[] {
  if (language === 'yaml') return parseAllDocuments(text).flatMap(({ errors }) => errors.map(({ message }) => message));
  if (language !== 'json') return [];
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    return [String(error)];
  }
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { type NpmSide, settleAddresses } from '../../demo/npm-addresses.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import type { ReadBackFile } from '../../support/bkrepo/read-back.ts';
import { type AfterHook, tempDirFor } from '../../support/tempdir.ts';

const SOURCE = 'http://source.example/npm/p/r';
const FAR = 'http://far.example:8080/npm/p2/r2';
const TARBALL = '/a/-/a-1.0.0.tgz';
const DOCUMENT = '/.npm/a/package.json';

const packageDocument = (address: string, more: object = {}): object => ({
  name: 'a',
  versions: { '1.0.0': { version: '1.0.0', dist: { tarball: address, shasum: '1' } } },
  ...more,
});

async function side(t: AfterHook, address: string, files: Readonly<Record<string, object | string>>): Promise<NpmSide> {
  const storeDir = await tempDirFor(t, 'npm-side');
  const read = new Map<string, ReadBackFile>();
  for (const [fullPath, content] of Object.entries(files)) {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    const sha256 = createHash('sha256').update(text).digest('hex');
    await mkdir(path.dirname(blobPath(storeDir, sha256)), { recursive: true });
    await writeFile(blobPath(storeDir, sha256), text);
    const date = new Date(0);
    const audit = { createdBy: 'u', createdDate: date, lastModifiedDate: date };
    read.set(fullPath, { size: text.length, sha256, md5: sha256, metadata: [], ...audit, problems: [] });
  }
  return { storeDir, files: read, address };
}

const CASES: readonly {
  readonly name: string;
  readonly far: Readonly<Record<string, object | string>>;
  readonly settled: boolean;
  readonly problems: readonly RegExp[];
}[] = [
  {
    name: 'a document that names the far side, and is otherwise the same, is the same',
    far: { [TARBALL]: 'tarball', [DOCUMENT]: packageDocument(FAR + TARBALL) },
    settled: true,
    problems: [],
  },
  {
    name: 'a document that leads back to the source is a problem',
    far: { [TARBALL]: 'tarball', [DOCUMENT]: packageDocument(SOURCE + TARBALL) },
    settled: true,
    problems: [/package\.json: http:\/\/source\.example\S* is no tarball of the far side/],
  },
  {
    name: 'an address of a tarball that the far side lacks is a problem',
    far: { [DOCUMENT]: packageDocument(FAR + TARBALL) },
    settled: true,
    problems: [/is no tarball of the far side/],
  },
  {
    name: 'an address of another host that only begins alike is a problem, and a difference',
    far: { [TARBALL]: 'tarball', [DOCUMENT]: packageDocument(`${FAR}-old${TARBALL}`) },
    settled: false,
    problems: [/r2-old\S* is no tarball of the far side/],
  },
  {
    name: 'any other difference of a document stays a difference',
    far: { [TARBALL]: 'tarball', [DOCUMENT]: packageDocument(FAR + TARBALL, { 'dist-tags': { latest: '1.0.0' } }) },
    settled: false,
    problems: [],
  },
];

for (const { name, far, settled, problems } of CASES) {
  test(name, async (t) => {
    const source = await side(t, SOURCE, { [TARBALL]: 'tarball', [DOCUMENT]: packageDocument(SOURCE + TARBALL) });
    const result = await settleAddresses(source, await side(t, FAR, far));
    const { size, sha256, md5 } = source.files.get(DOCUMENT) ?? {};
    const found = result.files.get(DOCUMENT);
    assert.equal(found?.sha256 === sha256 && found?.size === size && found?.md5 === md5, settled);
    assert.equal(result.problems.length, problems.length, result.problems.join('\n'));
    for (const [index, problem] of problems.entries()) assert.match(result.problems[index] ?? '', problem);
  });
}

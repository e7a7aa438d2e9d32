import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { mapperFor } from '../../../../src/domain/packages/mapper.ts';
import { answered, type FileTable, filesOf, type TableFile } from './answer.ts';
import { reason, version } from './subjects.ts';

const REFRESHED = [{ key: 'blobPathRefreshed', value: true, system: true }];
const digestOf = (content: string) => `sha256:${hash('sha256', content)}`;
const blobFile = (content: string) => `sha256__${hash('sha256', content)}`;
const descriptor = (content: string, more: object = {}) => ({
  digest: digestOf(content),
  size: content.length,
  ...more,
});

function image(config: string, ...layers: string[]): string {
  return JSON.stringify({
    schemaVersion: 2,
    config: descriptor(config),
    layers: layers.map((layer) => descriptor(layer)),
  });
}

function indexOf(...children: string[]): string {
  return JSON.stringify({ schemaVersion: 2, manifests: children.map((child) => descriptor(child)) });
}

function refreshed(content: string): TableFile {
  return { content: new TextEncoder().encode(content), metadata: REFRESHED };
}

/** Blobs by content in a folder. */
function blobs(folder: string, ...contents: string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(contents.map((content) => [`${folder}/${blobFile(content)}`, content]));
}

function pathsOf(files: FileTable, tag = '1', manifestPath: string | null = null): readonly string[] {
  const input = version('oci://a', tag, { manifestPath, artifactPath: manifestPath });
  return answered(mapperFor('OCI').map(input), files).files.map((file) => file.fullPath);
}

test('layers, config, then the manifest; a layer that occurs twice is named once', () => {
  const manifest = image('config', 'layer 1', 'layer 2', 'layer 1');
  const files = filesOf(['/a/blobs/1/sha256__stale'], {
    '/a/manifest/1/manifest.json': refreshed(manifest),
    ...blobs('/a/blobs/1', 'config', 'layer 1', 'layer 2'),
  });
  assert.deepEqual(pathsOf(files, '1', '/a/manifest/1/manifest.json'), [
    `/a/blobs/1/${blobFile('layer 1')}`,
    `/a/blobs/1/${blobFile('layer 2')}`,
    `/a/blobs/1/${blobFile('config')}`,
    '/a/manifest/1/manifest.json',
  ]);
});

for (const [layout, manifestPath, folder, metadata] of [
  ['of today', '/a/manifest/1/manifest.json', '/a/blobs/1', REFRESHED],
  ['of today, not refreshed', '/a/manifest/1/manifest.json', '/a/blobs', []],
  ['said to be refreshed, but is not', '/a/manifest/1/manifest.json', '/a/blobs', REFRESHED],
  ['refreshed without saying so', '/a/manifest/1/manifest.json', '/a/blobs/1', []],
  ['of the first Docker service', '/a/1/manifest.json', '/a/1', []],
] as const) {
  test(`blobs are found in the layout ${layout}, with a recorded manifest path and without`, () => {
    const manifest = { content: new TextEncoder().encode(image('config', 'layer')), metadata };
    const files = filesOf([], { [manifestPath]: manifest, ...blobs(folder, 'config', 'layer') });
    const expected = [`${folder}/${blobFile('layer')}`, `${folder}/${blobFile('config')}`, manifestPath];
    assert.deepEqual(pathsOf(files, '1', manifestPath), expected);
    assert.deepEqual(pathsOf(files), expected);
  });
}

test('blobs that lie at two places are taken from where the manifest says that they are', () => {
  for (const [metadata, folder] of [
    [REFRESHED, '/a/blobs/1'],
    [[], '/a/blobs'],
  ] as const) {
    const manifest = { content: new TextEncoder().encode(image('config')), metadata };
    const files = filesOf([], {
      '/a/manifest/1/manifest.json': manifest,
      ...blobs('/a/blobs/1', 'config'),
      ...blobs('/a/blobs', 'config'),
    });
    assert.equal(pathsOf(files)[0], `${folder}/${blobFile('config')}`);
  }
});

for (const [what, manifest, parts] of [
  ['an artifact with the empty config', { config: descriptor('{}'), layers: [descriptor('text')] }, ['text', '{}']],
  ['an artifact manifest', { blobs: [descriptor('text')], subject: descriptor('elsewhere') }, ['text']],
  [
    'a referrer whose subject is another version',
    { config: descriptor('{}'), layers: [], subject: descriptor('x') },
    ['{}'],
  ],
  [
    'a manifest of schema 1',
    { schemaVersion: 1, fsLayers: [{ blobSum: digestOf('l') }, { blobSum: digestOf('l') }] },
    ['l'],
  ],
  ['layers null', { config: descriptor('{}'), layers: null }, ['{}']],
] as const) {
  test(`${what} has its blobs`, () => {
    const files = filesOf([], {
      '/a/manifest/1/manifest.json': JSON.stringify(manifest),
      ...blobs('/a/blobs/1', ...parts),
    });
    assert.deepEqual(pathsOf(files), [
      ...parts.map((part) => `/a/blobs/1/${blobFile(part)}`),
      '/a/manifest/1/manifest.json',
    ]);
  });
}

for (const [what, layer] of [
  ['a foreign layer', { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }],
  ['a non-distributable layer', { mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' }],
  ['a layer with addresses', { urls: ['https://elsewhere.example/layer'] }],
  ['a layer that the manifest holds itself', { data: 'bGF5ZXI=' }],
] as const) {
  test(`${what} may be missing, and belongs to the version when it is there`, () => {
    const manifest = JSON.stringify({ config: descriptor('{}'), layers: [descriptor('layer', layer)] });
    const own = { '/a/manifest/1/manifest.json': manifest, ...blobs('/a/blobs/1', '{}') };
    assert.equal(pathsOf(filesOf([], own)).length, 2);
    assert.equal(pathsOf(filesOf([], { ...own, ...blobs('/a/blobs', 'layer') })).length, 3);
  });
}

test('an index comes after all its children, by digest and by tag, in any depth, and each once', () => {
  const [amd, arm, attestation] = [image('amd', 'base'), image('arm', 'base'), image('{}', 'proof')];
  const inner = indexOf(amd, arm);
  const byDigest = `/a/manifest/${digestOf(attestation)}/manifest.json`;
  const files = filesOf([], {
    '/a/manifest/1/list.manifest.json': indexOf(amd, inner, attestation),
    '/a/manifest/amd/manifest.json': amd,
    [`/a/manifest/${digestOf(arm)}/manifest.json`]: arm,
    '/a/manifest/inner/list.manifest.json': inner,
    '/a/manifest/another/manifest.json': image('other'),
    [byDigest]: attestation,
    ...blobs('/a/blobs/amd', 'amd', 'base'),
    ...blobs(`/a/blobs/${digestOf(arm)}`, 'arm', 'base'),
    ...blobs(`/a/blobs/${digestOf(attestation)}`, '{}', 'proof'),
  });
  assert.deepEqual(pathsOf(files), [
    `/a/blobs/amd/${blobFile('base')}`,
    `/a/blobs/amd/${blobFile('amd')}`,
    '/a/manifest/amd/manifest.json',
    `/a/blobs/${digestOf(arm)}/${blobFile('base')}`,
    `/a/blobs/${digestOf(arm)}/${blobFile('arm')}`,
    `/a/manifest/${digestOf(arm)}/manifest.json`,
    '/a/manifest/inner/list.manifest.json',
    `/a/blobs/${digestOf(attestation)}/${blobFile('proof')}`,
    `/a/blobs/${digestOf(attestation)}/${blobFile('{}')}`,
    byDigest,
    '/a/manifest/1/list.manifest.json',
  ]);
});

test('an index of the first Docker layout finds its children there', () => {
  const child = image('config');
  const files = filesOf([], {
    '/a/1/list.manifest.json': indexOf(child),
    '/a/amd/manifest.json': child,
    ...blobs('/a/amd', 'config'),
  });
  assert.deepEqual(pathsOf(files), [`/a/amd/${blobFile('config')}`, '/a/amd/manifest.json', '/a/1/list.manifest.json']);
});

test('a child that an older server keeps as a file named by its digest is found with its blobs', () => {
  const child = image('config', 'layer');
  const place = `/a/manifest/${digestOf(child).replace(':', '__')}`;
  const files = filesOf([], {
    '/a/manifest/1/list.manifest.json': indexOf(child),
    [place]: child,
    ...blobs(`/a/blobs/${digestOf(child)}`, 'config', 'layer'),
  });
  assert.deepEqual(pathsOf(files).slice(-2), [place, '/a/manifest/1/list.manifest.json']);
  assert.equal(pathsOf(files).length, 4);
});

/** Each index holds the next. */
function nested(depth: number): FileTable {
  let content = image('config');
  const texts: Record<string, string> = { '/a/manifest/t0/manifest.json': content, ...blobs('/a/blobs/t0', 'config') };
  for (let level = 1; level <= depth; level += 1) {
    content = indexOf(content);
    texts[`/a/manifest/${level === depth ? '1' : `t${level}`}/list.manifest.json`] = content;
  }
  return filesOf([], texts);
}

test('eight indexes in each other are followed, nine are refused', () => {
  assert.equal(pathsOf(nested(8)).length, 10);
  assert.throws(() => pathsOf(nested(9)), reason('IndexTooDeep', /list\.manifest\.json/));
});

test('an index of more than 1,000 manifests is refused', () => {
  const children = Array.from({ length: 1_001 }, (_, n) => JSON.stringify({ config: descriptor('{}'), n }));
  const files = filesOf([], {
    '/a/manifest/1/list.manifest.json': indexOf(...children),
    ...Object.fromEntries(children.map((child, n) => [`/a/manifest/t${n}/manifest.json`, child])),
    ...blobs('/a/blobs', '{}'),
  });
  assert.throws(() => pathsOf(files), reason('TooManyFiles', /1000 manifests/));
});

const SELF = 'b'.repeat(64);
const OTHER = 'c'.repeat(64);
const naming = (...digests: string[]) =>
  new TextEncoder().encode(JSON.stringify({ manifests: digests.map((hex) => ({ digest: `sha256:${hex}` })) }));

for (const [what, files, code, words] of [
  ['nothing is there', {}, 'ManifestMissing', /"\/a\/manifest\/1\/manifest\.json"/],
  ['blobs are left of a deleted manifest', blobs('/a/blobs/1', 'x'), 'ManifestMissing', /\/a\/manifest\/1/],
  [
    'the manifest is no JSON',
    { '/a/manifest/1/manifest.json': '{' },
    'ManifestInvalid',
    /"\/a\/manifest\/1\/manifest\.json" is not JSON/,
  ],
  ['the manifest is a list', { '/a/manifest/1/manifest.json': '[]' }, 'ManifestInvalid', /is not a JSON object/],
  [
    'the manifest is not UTF-8',
    { '/a/manifest/1/manifest.json': { content: Buffer.from('{"layers":[],"x":"\xff"}', 'latin1') } },
    'ManifestInvalid',
    /is not JSON/,
  ],
  [
    'the manifest names nothing',
    { '/a/manifest/1/manifest.json': '{"a":1}' },
    'ManifestInvalid',
    /neither an image manifest nor an index/,
  ],
  [
    'layers are no list',
    { '/a/manifest/1/manifest.json': '{"layers":{}}' },
    'ManifestInvalid',
    /"layers" that is no list/,
  ],
  [
    'config is no object',
    { '/a/manifest/1/manifest.json': '{"config":"x"}' },
    'ManifestInvalid',
    /"config" that is no object/,
  ],
  [
    'a digest leads elsewhere',
    { '/a/manifest/1/manifest.json': '{"layers":[{"digest":"sha256:../../secret"}]}' },
    'ManifestInvalid',
    /which is no digest/,
  ],
  [
    'a digest is missing',
    { '/a/manifest/1/manifest.json': '{"layers":[{}]}' },
    'ManifestInvalid',
    /which is no digest/,
  ],
  [
    'a blob is in no place',
    { '/a/manifest/1/manifest.json': image('config') },
    'BlobNotInRepository',
    new RegExp(`${digestOf('config')}.*"/a/blobs/${blobFile('config')}".*"/a/blobs/1/.*"/a/1/`),
  ],
  [
    'another blob is at its place',
    { '/a/manifest/1/manifest.json': image('config'), [`/a/blobs/1/${blobFile('config')}`]: 'not the config' },
    'BlobNotInRepository',
    new RegExp(digestOf('config')),
  ],
  [
    'a child is nowhere',
    { '/a/manifest/1/list.manifest.json': indexOf(image('x')) },
    'ManifestMissing',
    new RegExp(`${digestOf(image('x'))}.*list\\.manifest\\.json`),
  ],
  [
    'a child has another digest',
    { '/a/manifest/1/list.manifest.json': naming(OTHER), [`/a/manifest/sha256:${OTHER}/manifest.json`]: 'else' },
    'ManifestInvalid',
    new RegExp(`has the digest ${digestOf('else')}, not sha256:${OTHER}`),
  ],
  [
    'an index contains itself',
    { '/a/manifest/1/list.manifest.json': { content: naming(SELF), sha256: SELF } },
    'IndexCycle',
    new RegExp(SELF),
  ],
  [
    'two indexes contain each other',
    {
      '/a/manifest/1/list.manifest.json': { content: naming(OTHER), sha256: SELF },
      '/a/manifest/o/list.manifest.json': { content: naming(SELF), sha256: OTHER },
    },
    'IndexCycle',
    new RegExp(SELF),
  ],
  [
    'the manifest is larger than 16 MiB',
    { '/a/manifest/1/manifest.json': { content: new Uint8Array(16 * 1024 * 1024 + 1) } },
    'DocumentTooLarge',
    /./,
  ],
] as const) {
  test(`an image fails in words when ${what}`, () => {
    const texts = Object.fromEntries(
      Object.entries<string | Uint8Array | TableFile>(files).map(([path, file]) => [
        path,
        file instanceof Uint8Array ? { content: file } : file,
      ]),
    );
    assert.throws(() => pathsOf(filesOf([], texts)), reason(code, words));
  });
}

test('a manifest that many indexes share is read once', () => {
  let content = image('config');
  const texts: Record<string, string> = { '/a/manifest/t0/manifest.json': content, ...blobs('/a/blobs/t0', 'config') };
  for (const tag of ['t1', 't2', 't3', '1']) {
    content = indexOf(content, content, content);
    texts[`/a/manifest/${tag}/list.manifest.json`] = content;
  }
  const read: string[] = [];
  const inquiry = mapperFor('OCI').map(version('oci://a', '1'));
  const paths = answered(inquiry, filesOf([], texts), ({ ask, ...question }) => {
    if (ask === 'content' && 'path' in question) read.push(question.path);
  }).files.map((file) => file.fullPath);
  assert.equal(paths.length, 6);
  assert.deepEqual([...read].sort(), [...new Set(read)].sort());
});

test('a blob made of blocks, whose digest is not known yet, is taken by its name', () => {
  const file = { content: new TextEncoder().encode('blocks'), sha256: '0'.repeat(64) };
  const files = filesOf([], {
    '/a/manifest/1/manifest.json': image('config'),
    [`/a/blobs/1/${blobFile('config')}`]: file,
  });
  assert.equal(pathsOf(files).length, 2);
});

test('the version that bk-repo makes for a manifest pushed by digest is a version like others', () => {
  const manifest = image('config');
  const folder = `/a/blobs/${digestOf(manifest)}`;
  const path = `/a/manifest/${digestOf(manifest)}/manifest.json`;
  const files = filesOf([], { [path]: refreshed(manifest), ...blobs(folder, 'config') });
  assert.deepEqual(pathsOf(files, digestOf(manifest), path), [`${folder}/${blobFile('config')}`, path]);
});

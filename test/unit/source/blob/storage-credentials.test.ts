import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mapPath } from '../../../../src/source/blob/path-map.ts';
import { parseStorageCredentials } from '../../../../src/source/blob/storage-credentials.ts';

describe('storage credentials', () => {
  const s3 = { type: 's3', endpoint: 'e', region: 'r', bucket: 'b', accessKey: 'a', secretKey: 's' } as const;
  const documents: readonly (readonly [what: string, text: string, expected: object])[] = [
    [
      'a file system with a cache',
      JSON.stringify({ type: 'filesystem', path: '/d', cache: { enabled: true, path: '/c', loadCacheFirst: true } }),
      { cachePath: '/c', store: { type: 'filesystem', path: '/d' }, reason: undefined },
    ],
    [
      'a file system with its cache switched off',
      JSON.stringify({ type: 'filesystem', path: '/d', cache: { enabled: false, path: '/c' } }),
      { cachePath: undefined, store: { type: 'filesystem', path: '/d' }, reason: undefined },
    ],
    ['s3', JSON.stringify(s3), { cachePath: undefined, store: s3, reason: undefined }],
    [
      's3 without a region',
      JSON.stringify({ ...s3, region: '' }),
      { cachePath: undefined, store: { ...s3, region: 'us-east-1' }, reason: undefined },
    ],
    [
      's3 without keys',
      JSON.stringify({ ...s3, secretKey: undefined }),
      { cachePath: undefined, store: undefined, reason: 'it lacks endpoint, bucket, accessKey or secretKey' },
    ],
    [
      'inner COS with a cache',
      JSON.stringify({ type: 'innercos', secretKey: 'hidden', cache: { path: '/c' } }),
      { cachePath: '/c', store: undefined, reason: 'its type "innercos" cannot be read directly' },
    ],
    [
      'an encrypted file system, cache too',
      JSON.stringify({ type: 'filesystem', path: '/d', cache: { path: '/c' }, encrypt: { enabled: true } }),
      { cachePath: undefined, store: undefined, reason: 'its bytes are stored with "encrypt"' },
    ],
    [
      'encryption that is off',
      JSON.stringify({ type: 'filesystem', path: '/d', encrypt: { enabled: false } }),
      { cachePath: undefined, store: { type: 'filesystem', path: '/d' }, reason: undefined },
    ],
    [
      'no path',
      JSON.stringify({ type: 'filesystem' }),
      { cachePath: undefined, store: undefined, reason: 'it names no path' },
    ],
    ['no type', '{}', { cachePath: undefined, store: undefined, reason: 'its type "none" cannot be read directly' }],
    ...['', 'null', '[]', '{"secret":'].map(
      (text) =>
        [
          `the text ${JSON.stringify(text)}`,
          text,
          { cachePath: undefined, store: undefined, reason: 'its document is not a JSON object' },
        ] as const,
    ),
  ];
  for (const [what, text, expected] of documents)
    it(`of ${what} are understood`, () => assert.deepEqual(parseStorageCredentials(text), expected));
});

describe('mapping of directories', () => {
  const mappings = [
    { from: '/data', to: '/mnt/data/' },
    { from: '/data/store/', to: '/mnt/store' },
    { from: '/', to: '/host' },
  ];
  for (const [path, expected] of [
    ['/data/store', '/mnt/store'],
    ['/data/store/a', '/mnt/store/a'],
    ['/data/storeroom', '/mnt/data/storeroom'],
    ['/data', '/mnt/data'],
    ['/database', '/host/database'],
  ] as const)
    it(`puts ${path} at ${expected}`, () => assert.equal(mapPath(path, mappings), expected));

  it('leaves alone what no mapping names', () => {
    assert.equal(mapPath('/database', mappings.slice(0, 2)), '/database');
    assert.equal(mapPath('/x', []), '/x');
  });
});

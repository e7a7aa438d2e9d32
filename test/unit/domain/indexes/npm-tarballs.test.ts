import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewriteTarballs } from '../../../../src/domain/indexes/npm-tarballs.ts';
import { ADDRESSES } from './far-world.ts';

const FAR = 'https://far.example:8443';

function rewrite(text: string): string {
  return new TextDecoder().decode(rewriteTarballs(new TextEncoder().encode(text), ADDRESSES));
}

for (const [name, address, expected] of [
  [
    'a service before project',
    'http://127.0.0.1:18081/npm/fx/repo/a/-/a-1.0.0.tgz',
    '/npm/copy/mirror/a/-/a-1.0.0.tgz',
  ],
  ['no service', 'http://old.example/fx/repo/a/-/a-1.0.0.tgz', '/copy/mirror/a/-/a-1.0.0.tgz'],
  ['two folders before project', 'https://gw.example/x/npm/fx/repo/a/-/a-1.tgz', '/x/npm/copy/mirror/a/-/a-1.tgz'],
  ['a scope', 'http://h/npm/fx/repo/@s/a/-/@s/a-1.0.0.tgz', '/npm/copy/mirror/@s/a/-/@s/a-1.0.0.tgz'],
  ['a registry of its own', 'https://npm.example/a/-/a-1.0.0.tgz', '/npm/copy/mirror/a/-/a-1.0.0.tgz'],
  ['a scope in a registry of its own', 'https://npm.example/@s/a/-/a-1.tgz', '/npm/copy/mirror/@s/a/-/a-1.tgz'],
  ['the older layout', 'https://npm.example/a/download/a-1.tgz', '/npm/copy/mirror/a/download/a-1.tgz'],
  ['a query', 'http://h/npm/fx/repo/a/-/a-1.tgz?x=1#y', '/npm/copy/mirror/a/-/a-1.tgz?x=1#y'],
] as const) {
  test(`an address with ${name} leads to the far side`, () => {
    const version = (tarball: string): string => `{"dist":{"tarball":"${tarball}"}}`;
    assert.equal(rewrite(version(address)), version(`${FAR}${expected}`));
    assert.equal(rewrite(version(`${FAR}${expected}`)), version(`${FAR}${expected}`));
  });
}

test('nothing but the addresses changes', () => {
  const tarball = (host: string): string => `${host}/a/-/a-1.tgz`;
  const document = (host: string): string =>
    `{\r\n\t"größe" : 12345678901234567890, "n":1.0e2,\n  "dist-tags" : { },\n   "versions":{ "1" : {"dist":{"x":"\\u00e9","tarball" :"${tarball(
      host,
    )}"},"readme":"\\"dist\\": {\\"tarball\\": \\"http://h/npm/fx/repo/x\\"}"}},"other":{"dist":{"tarball":"http://h/npm/fx/repo/x"}}}\n`;
  assert.equal(rewrite(document('http://h/npm/fx/repo')), document(`${FAR}/npm/copy/mirror`));
});

test('the same object comes back when there is nothing to change', () => {
  for (const text of [
    '{}',
    '{"dist":{"tarball":7}}',
    '{"dist":null,"versions":[]}',
    '{"dist":{"tarball":"elsewhere"}}',
  ]) {
    const content = new TextEncoder().encode(text);
    assert.equal(rewriteTarballs(content, ADDRESSES), content, text);
  }
});

for (const [name, content, problem] of [
  ['no JSON', '{"a": secret}', /is not JSON: error at line 1 column 7/u],
  ['a cut text', '{"a":\n "secret"', /is not JSON: error at line 2 column 10/u],
  ['two values', '{} "secret"', /is not JSON: error at line 1 column 4/u],
  ['a comma before the end', '{"a":[{"x":1.5e3,"y":null},{}],}', /error at line 1 column 32/u],
  ['a list closed as an object', '{"a":[true}', /error at line 1 column 11/u],
  ['an unfinished escape', '["\\u00"]', /error at line 1 column 2/u],
  ['a list', '[]', /is not a JSON object/u],
  ['nesting of 201 levels', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, /nested deeper than 200/u],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), /is not UTF-8/u],
] as const) {
  test(`${name} is IndexInvalid, and the message does not quote it`, () => {
    assert.throws(
      () => rewriteTarballs(typeof content === 'string' ? new TextEncoder().encode(content) : content, ADDRESSES),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'IndexInvalid');
        assert.match(error.message, problem);
        assert.doesNotMatch(error.message, /secret/u);
        return true;
      },
    );
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Claims } from '../../../../src/engine/packages/claims.ts';

test('a claimed path is claimed, its neighbours are not', () => {
  const claims = new Claims();
  claims.add('/a/b/c.jar');
  assert.ok(claims.has('/a/b/c.jar'));
  for (const other of ['/a/b/c.jar.sha1', '/a/b', '/a/b/c', '/c.jar', '/a/b/c.jar/d'])
    assert.ok(!claims.has(other), other);
});

test('a claimed folder claims all below it, and neither itself nor a folder of a longer name', () => {
  const claims = new Claims();
  claims.add('/a/1.0/');
  for (const inside of ['/a/1.0/x', '/a/1.0/deep/er/x']) assert.ok(claims.has(inside), inside);
  for (const outside of ['/a/1.0', '/a/1.0.1/x', '/a/x', '/b/a/1.0/x']) assert.ok(!claims.has(outside), outside);
});

test('200,000 claims are all found again and nothing else is', () => {
  const claims = new Claims();
  for (let n = 0; n < 200_000; n += 1) claims.add(`/file/${n}`);
  for (let n = 0; n < 200_000; n += 1) {
    assert.ok(claims.has(`/file/${n}`));
    assert.ok(!claims.has(`/other/${n}`));
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';

import { HashGate } from '../../../../src/rest/auth/hash-gate.ts';
import type { PasswordHash } from '../../../../src/rest/auth/password-hash.ts';
import { RestError } from '../../../../src/rest/codes.ts';

/** Hashes that are computed until they are told to end. */
function work() {
  const running: { readonly kind: string; readonly end: () => void }[] = [];
  const hash = (kind: PasswordHash['kind']): PasswordHash => ({
    kind,
    verify: () => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const entry = {
        kind,
        end: () => {
          running.splice(running.indexOf(entry), 1);
          resolve(true);
        },
      };
      running.push(entry);
      return promise;
    },
  });
  return { running, hash };
}

const gateOf = (): HashGate => new HashGate({ compare: async () => false });

test('two hashes are computed at once, one of them bcrypt', async () => {
  const { running, hash } = work();
  const gate = gateOf();
  const all = (['bcrypt', 'bcrypt', 'argon2', 'scrypt'] as const).map((kind) => gate.verify(hash(kind), 'x'));
  const seen: string[][] = [];
  while (seen.length < 4) {
    await turn();
    seen.push(running.map(({ kind }) => kind).sort());
    running[0]?.end();
  }
  for (const kinds of seen) {
    assert.ok(kinds.length <= 2, kinds.join());
    assert.ok(kinds.filter((kind) => kind === 'bcrypt').length <= 1, kinds.join());
  }
  assert.equal(seen[0]?.length, 2);
  assert.deepEqual(await Promise.all(all), [true, true, true, true]);
});

test('two bcrypt hashes are computed one behind the other', async () => {
  const { running, hash } = work();
  const gate = gateOf();
  const both = [gate.verify(hash('bcrypt'), 'x'), gate.verify(hash('bcrypt'), 'x')];
  for (let count = 0; count < 2; count++) {
    await turn();
    assert.equal(running.length, 1);
    running[0]?.end();
  }
  assert.deepEqual(await Promise.all(both), [true, true]);
});

test('thirty-four may be inside, the next is told when to come again, and there is room when one has ended', async () => {
  const { running, hash } = work();
  const gate = gateOf();
  const inside = Array.from({ length: 34 }, () => gate.verify(hash('argon2'), 'x'));
  await assert.rejects(
    gate.verify(hash('argon2'), 'x'),
    (error) =>
      error instanceof RestError && error.complaints[0].code === 'unavailable' && error.retryAfterSeconds === 2,
  );
  await turn();
  running[0]?.end();
  await inside[0];
  inside.push(gate.verify(hash('argon2'), 'x'));
  let ended = false;
  const all = Promise.all(inside).finally(() => {
    ended = true;
  });
  while (!ended) {
    running[0]?.end();
    await turn();
  }
  assert.equal((await all).length, 35);
});

test('a computation that fails gives its place back', async () => {
  const gate = gateOf();
  const broken: PasswordHash = { kind: 'bcrypt', verify: () => Promise.reject(new Error('broken')) };
  for (let index = 0; index < 40; index++) await assert.rejects(gate.verify(broken, 'x'), { message: 'broken' });
  assert.equal(await gate.verify({ kind: 'bcrypt', verify: async () => true }, 'x'), true);
});

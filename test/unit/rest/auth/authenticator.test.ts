import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { openAuthenticator } from '../../../../src/rest/auth/authenticator.ts';
import { parsePasswordHash } from '../../../../src/rest/auth/password-hash.ts';
import { RestError } from '../../../../src/rest/codes.ts';
import type { AccessReview, Authenticator } from '../../../../src/rest/ports.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { makeTempDir, removeDir } from '../../../support/tempdir.ts';
import { eventually } from '../../../support/wait.ts';

const PASSWORD = 'pass:wörd 密码';
/** Of PASSWORD, made by Python's bcrypt 5, argon2-cffi 25 and passlib 1.7. */
const HASHES = {
  '2b': '$2b$05$jW7RzYz1GCJztZpRNuVQIeabeGYpmh6H3ErfREmQK/s.ofUf/snUG',
  '2a': '$2a$05$j6CI1H1AsqHrvlyZ68c.p.hUf4PC.EhqsLTOTkTa.4Hwx5WdgYmqy',
  '2y': '$2y$05$jW7RzYz1GCJztZpRNuVQIeabeGYpmh6H3ErfREmQK/s.ofUf/snUG',
  argon2d: '$argon2d$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$5gG5txC0k7+A1/3LoCD6T+uTHIZpPBOgnIfXj2DCW/Y',
  argon2i: '$argon2i$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$RZKZdWueHUl9f0eVmCPq+wGPMgpHHJyD0pGbTrf2woA',
  argon2id: '$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$TyhgT5cnRjoUlzRbgcVZ98gLMVBiX1k5M/Vrqjfntho',
  scrypt: '$scrypt$ln=10,r=8,p=1$irGWkpJSitH6f29NKeU8xw$7XVpzcA2ktFzgErkm4lMhB4tCxWVCLOoY5pEmYDOnEw',
};
const never = new AbortController().signal;
const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

for (const [kind, text] of Object.entries(HASHES)) {
  test(`a ${kind} hash of another tool fits its password alone`, async () => {
    const hash = parsePasswordHash(text);
    assert.equal(await hash.verify(PASSWORD), true);
    assert.equal(await hash.verify('pass'), false);
  });
}

for (const text of [
  HASHES['2b'].replace('$05$', '$31$'),
  HASHES['2b'].slice(0, -1),
  HASHES.argon2id.replace('m=1024', 'm=4194304'),
  HASHES.argon2id.replace('t=2', 't=4000000'),
  HASHES.argon2id.replace('v=19', 'v=16'),
  HASHES.scrypt.replace('ln=10', 'ln=20'),
  '{SHA}abc',
]) {
  test(`the hash ${text.slice(0, 24)}… is refused without being shown`, () => {
    assert.throws(
      () => parsePasswordHash(text),
      (error: Error) => !error.message.includes(text.slice(-10)),
    );
  });
}

async function refusal(door: Authenticator, authorization: string | undefined, address = '127.0.0.9') {
  try {
    await door.authenticate({ authorization, address }, never);
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    const [{ code, subject }] = error.complaints;
    return { code, subject, retry: error.retryAfterSeconds };
  }
  return undefined;
}

async function passwordDoor(t: { after(end: () => Promise<void>): void }) {
  const directory = await makeTempDir('rest-users');
  const file = join(directory, 'users.yaml');
  const write = async (name: string) => {
    await writeFile(
      `${file}.new`,
      JSON.stringify({ users: [{ username: name, role: 'viewer', passwordHash: HASHES['2b'] }] }),
    );
    await rename(`${file}.new`, file);
  };
  await write('ann');
  const end = new AbortController();
  t.after(async () => {
    end.abort();
    await removeDir(directory);
  });
  const clock = new FakeClock();
  const randomBytes = (count: number) => Buffer.alloc(count, 7);
  const door = await openAuthenticator(
    { usersFile: file, tokens: undefined, clock, randomBytes, logger: silentLogger },
    end.signal,
  );
  return { door, clock, write, file };
}

test('only a right password gets in, and a viewer only reads', async (t) => {
  const { door } = await passwordDoor(t);
  const caller = await door.authenticate({ authorization: basic('ann', PASSWORD), address: 'a' }, never);
  assert.equal(await caller.may({ verb: 'list', resource: 'clusters', namespace: 'x' }, never), true);
  assert.equal(await caller.may({ verb: 'delete', resource: 'clusters', namespace: 'x' }, never), false);
  for (const [value, subject] of [
    [undefined, 'Unauthorized'],
    ['Foo bar', 'Unauthorized'],
    ['Basic !!!', 'Invalid authorization value.'],
    ['Bearer rubbish', 'Invalid token'],
    [basic('ann', 'no'), 'Authorization value check failed'],
    [basic('bob', PASSWORD), 'Authorization value check failed'],
  ] as const) {
    const { code, subject: words } = (await refusal(door, value)) ?? {};
    assert.deepEqual([code, words], ['unauthenticated', subject]);
  }
});

test('guesses are refused for longer and longer, while who was right before gets in from there', async (t) => {
  const { door, clock } = await passwordDoor(t);
  await door.authenticate({ authorization: basic('ann', PASSWORD), address: 'nat' }, never);
  const waits: (number | undefined)[] = [];
  for (let guess = 0; guess < 14; guess++) {
    const { code } = (await refusal(door, basic('eve', `no${guess}`), 'nat')) ?? {};
    assert.equal(code, 'unauthenticated');
    const next = await refusal(door, basic('eve', 'again'), 'nat');
    waits.push(next?.retry);
    if (next?.code === 'unauthenticated') guess += 1;
    if (next?.retry !== undefined) clock.advance(next.retry * 1_000);
  }
  assert.deepEqual(waits.filter((wait) => wait !== undefined).slice(-2), [60, 60]);
  await refusal(door, basic('eve', 'last'), 'nat');
  await door.authenticate({ authorization: basic('ann', PASSWORD), address: 'nat' }, never);
});

test('a changed file counts from the next look, a broken one does not', async (t) => {
  const { door, clock, write, file } = await passwordDoor(t);
  await door.authenticate({ authorization: basic('ann', PASSWORD), address: 'a' }, never);
  await write('bob');
  await eventually(async () => {
    clock.advance(5_000);
    return (await refusal(door, basic('bob', PASSWORD), `b${clock.now()}`)) === undefined;
  });
  assert.equal((await refusal(door, basic('ann', PASSWORD), 'a'))?.code, 'unauthenticated');
  await writeFile(file, 'users: [');
  clock.advance(5_000);
  await door.authenticate({ authorization: basic('bob', PASSWORD), address: 'c' }, never);
});

test('a token is reviewed once while it is kept, and never beyond its own end', async () => {
  const clock = new FakeClock();
  let reviews = 0;
  let present = false;
  const review: AccessReview = {
    reviewToken: async (token) => {
      reviews += 1;
      return token.startsWith('bad') ? undefined : { username: 'sa', groups: [], extra: {} };
    },
    reviewAccess: async () => false,
    mayReview: async () => present,
  };
  const tokens = { review, audience: 'bkrepo-replicator', acceptApiServerAudience: false, cacheMs: 10_000 };
  const randomBytes = (count: number) => Buffer.alloc(count, 7);
  const door = await openAuthenticator(
    { usersFile: undefined, tokens, clock, randomBytes, logger: silentLogger },
    never,
  );
  assert.equal((await refusal(door, 'Bearer good'))?.code, 'unauthenticated');
  assert.equal(reviews, 0);
  present = true;
  clock.advance(30_000);
  const ends = Buffer.from(JSON.stringify({ exp: clock.now() / 1_000 + 13.001 })).toString('base64url');
  for (const [token, steps] of [
    ['good', [0, 9_999, 2]],
    [`x.${ends}.y`, [0, 2_900, 200]],
  ] as const) {
    const seen: number[] = [];
    for (const step of steps) {
      clock.advance(step);
      const before = reviews;
      await door.authenticate({ authorization: `Bearer ${token}`, address: 'a' }, never);
      seen.push(reviews - before);
    }
    assert.deepEqual(seen, [1, 0, 1], token.slice(0, 4));
  }
  const before = reviews;
  const storm = await Promise.all(Array.from({ length: 50 }, (_, index) => refusal(door, `Bearer bad${index}`, 'e')));
  assert.ok(reviews - before <= 8, `${reviews - before} reviews`);
  assert.ok(storm.some((answer) => answer?.code === 'tooManyRequests'));
});

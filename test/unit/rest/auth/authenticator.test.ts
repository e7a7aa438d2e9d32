import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { openAuthenticator } from '../../../../src/rest/auth/authenticator.ts';
import { RestError } from '../../../../src/rest/codes.ts';
import type { AccessReview, Authenticator } from '../../../../src/rest/ports.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { makeTempDir, removeDir } from '../../../support/tempdir.ts';
import { eventually } from '../../../support/wait.ts';
import { basic, PASSWORD, replaceFile, usersText } from './passwords.ts';

const never = new AbortController().signal;

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
  const write = async (name: string) => await replaceFile(file, usersText(name));
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

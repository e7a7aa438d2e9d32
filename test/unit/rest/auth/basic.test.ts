import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

import { BasicCallers } from '../../../../src/rest/auth/basic.ts';
import { HashGate } from '../../../../src/rest/auth/hash-gate.ts';
import type { PasswordHash } from '../../../../src/rest/auth/password-hash.ts';
import { Throttle } from '../../../../src/rest/auth/throttle.ts';
import type { Users } from '../../../../src/rest/auth/users-file.ts';
import { RestError } from '../../../../src/rest/codes.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { basic, PASSWORD } from './passwords.ts';

/** Whose hashes were computed, in their order. */
let computed: string[];
let clock: FakeClock;
let addresses: number;

beforeEach(() => {
  computed = [];
  clock = new FakeClock();
  addresses = 0;
});

function users(passwords: Readonly<Record<string, string>>, before: () => Promise<void> = async () => {}): Users {
  const list = Object.entries(passwords).map(([username, password]) => {
    const verify: PasswordHash['verify'] = async (tried) => {
      computed.push(username);
      await before();
      return tried === password;
    };
    return { username, role: 'viewer', hash: { kind: 'argon2', verify } } as const;
  });
  return { list, version: '', byName: new Map(list.map((user) => [user.username, user])) };
}

function callersOf(present: Users): BasicCallers {
  const gate = new HashGate({ compare: async () => false });
  return new BasicCallers({ users: present, throttle: new Throttle(clock), gate, clock, key: Buffer.alloc(32, 7) });
}

/** Whether they get in; each try comes from an address of its own unless one is given, so that none is throttled. */
async function getsIn(callers: BasicCallers, name: string, password: string, address?: string): Promise<boolean> {
  addresses += 1;
  const value = basic(name, password).slice('Basic '.length);
  try {
    await callers.authenticate(value, address ?? `address ${addresses}`);
    return true;
  } catch (error) {
    assert.ok(error instanceof RestError && error.complaints[0].code === 'unauthenticated', String(error));
    return false;
  }
}

async function computedBy(work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = computed.length;
  await work();
  return computed.slice(before);
}

test('a name that nobody has costs one computation, as a known one does', async () => {
  const callers = callersOf(users({ ann: PASSWORD, bob: PASSWORD }));
  const standIns = new Set<string>();
  for (let index = 0; index < 40; index++) {
    const tries = await computedBy(() => getsIn(callers, `nobody ${index}`, 'wrong'));
    assert.equal(tries.length, 1, `nobody ${index}`);
    assert.deepEqual(await computedBy(() => getsIn(callers, `nobody ${index}`, 'no')), tries, 'always the same one');
    standIns.add(tries[0] ?? '');
  }
  // What the hashes of different users cost may differ.
  assert.deepEqual([...standIns].sort(), ['ann', 'bob']);
  assert.deepEqual(await computedBy(() => getsIn(callers, 'ann', 'wrong')), ['ann']);
});

test('the password of the one whose hash stands in lets nobody in', async () => {
  const callers = callersOf(users({ ann: PASSWORD }));
  assert.equal(await getsIn(callers, 'nobody', PASSWORD), false);
  assert.deepEqual(computed, ['ann']);
});

test('a password that was right is not computed again within a minute of its last use, a wrong one is each time', async () => {
  const callers = callersOf(users({ ann: PASSWORD }));
  const right = () => getsIn(callers, 'ann', PASSWORD);
  assert.deepEqual(await computedBy(right), ['ann']);
  clock.advance(59_999);
  assert.deepEqual(await computedBy(right), []);
  assert.deepEqual(await computedBy(() => getsIn(callers, 'ann', 'wrong')), ['ann']);
  clock.advance(60_000);
  assert.deepEqual(await computedBy(right), ['ann']);
});

test('with other users nothing is remembered of those before', async () => {
  const callers = callersOf(users({ ann: PASSWORD, bob: PASSWORD }));
  assert.equal(await getsIn(callers, 'ann', PASSWORD), true);
  assert.equal(await getsIn(callers, 'bob', PASSWORD), true);
  callers.replace(users({ ann: 'new' }));
  assert.equal(await getsIn(callers, 'ann', PASSWORD), false);
  assert.equal(await getsIn(callers, 'bob', PASSWORD), false);
  assert.equal(await getsIn(callers, 'ann', 'new'), true);
});

test('what was computed while the users changed is not remembered', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const callers = callersOf(users({ ann: PASSWORD }, () => promise));
  const old = getsIn(callers, 'ann', PASSWORD);
  callers.replace(users({ ann: 'new' }));
  resolve();
  await old;
  assert.equal(await getsIn(callers, 'ann', PASSWORD), false);
});

test('the same try at once is computed once for an address, and once more for another', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const callers = callersOf(users({ ann: PASSWORD }, () => promise));
  const tries = ['here', 'here', 'there', 'here'].map((address) => getsIn(callers, 'ann', PASSWORD, address));
  resolve();
  assert.deepEqual(await Promise.all(tries), [true, true, true, true]);
  assert.deepEqual(computed, ['ann', 'ann']);
});

/** Callers with user name and password. What an unknown name costs is what a known one costs. */
import { createHmac, timingSafeEqual } from 'node:crypto';

import type { Clock } from '../../lib/clock.ts';
import { complain, type RestError } from '../codes.ts';
import type { AccessVerb, Caller } from '../ports.ts';
import { BoundedCache } from './bounded-cache.ts';
import type { HashGate } from './hash-gate.ts';
import type { Throttle } from './throttle.ts';
import { MAX_USERNAME, type User, type Users } from './users-file.ts';

/** How long after its last use a password that was right is not computed again. */
const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 1_000;
const READING: ReadonlySet<AccessVerb> = new Set(['get', 'list']);

export interface BasicOptions {
  /** undefined = there is no file: nobody gets in. */
  readonly users: Users | undefined;
  readonly throttle: Throttle;
  readonly gate: Pick<HashGate, 'verify'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** 32 random bytes, of this process alone. */
  readonly key: Buffer;
}

export class BasicCallers {
  readonly #throttle: Throttle;
  readonly #key: Buffer;
  readonly #gate: Pick<HashGate, 'verify'>;
  #users: Users | undefined;
  /** By user name: the digest of name and password that was right. */
  readonly #remembered: BoundedCache<Buffer>;
  /** Checks under way, by address and digest: the same try again waits for the first one. */
  readonly #running = new Map<string, Promise<User>>();

  constructor({ users, throttle, gate, clock, key }: BasicOptions) {
    this.#users = users;
    this.#throttle = throttle;
    this.#gate = gate;
    this.#key = key;
    this.#remembered = new BoundedCache(clock, MAX_REMEMBERED);
  }

  /** From now on these; what is remembered of the old ones is forgotten. */
  replace(users: Users): void {
    this.#users = users;
    this.#remembered.clear();
    this.#running.clear();
  }

  /** `value` is what stands behind the scheme. Fails with `RestError`. */
  async authenticate(value: string, address: string): Promise<Caller> {
    const { username, password } = decode(value);
    const digest = this.#digest(username, password);
    // The address is part of it: a try that waits for another one's answer must not evade its own address' count.
    const key = `${address} ${digest.toString('hex')}`;
    const running = this.#running.get(key);
    if (running !== undefined) return callerOf(await running);
    const check = this.#check(username, password, digest, address);
    this.#running.set(key, check);
    try {
      return callerOf(await check);
    } finally {
      if (this.#running.get(key) === check) this.#running.delete(key);
    }
  }

  async #check(username: string, password: string, digest: Buffer, address: string): Promise<User> {
    const attempt = this.#throttle.begin(username.slice(0, MAX_USERNAME + 1), address);
    const users = this.#users;
    const user = users?.byName.get(username);
    let right: boolean;
    try {
      const remembered = this.#remembered.get(username);
      const known = remembered !== undefined && timingSafeEqual(remembered, digest);
      right = (known || (await this.#compute(user ?? this.#standIn(users, username), password))) && user !== undefined;
    } catch (error) {
      attempt.undecided();
      throw error;
    }
    if (user === undefined || !right) {
      attempt.failed();
      throw wrong();
    }
    attempt.succeeded();
    if (users === this.#users) this.#remembered.set(username, digest, REMEMBER_MS);
    return user;
  }

  async #compute(user: User | undefined, password: string): Promise<boolean> {
    return user !== undefined && (await this.#gate.verify(user.hash, password));
  }

  /** Whose hash is computed for a name that nobody has: always the same one's for the same name, and then not used. */
  #standIn(users: Users | undefined, username: string): User | undefined {
    const list = users?.list ?? [];
    const draw = createHmac('sha256', this.#key).update(`stand-in:${username}`).digest().readUInt32BE(0);
    return list.length === 0 ? undefined : list[draw % list.length];
  }

  #digest(username: string, password: string): Buffer {
    // A user name holds no colon.
    return createHmac('sha256', this.#key).update(`${username}:${password}`).digest();
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** RFC 7617, in UTF-8: the first colon ends the user name. */
function decode(value: string): { readonly username: string; readonly password: string } {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) throw unreadable();
  let text: string;
  try {
    text = utf8.decode(Buffer.from(value, 'base64'));
  } catch {
    throw unreadable();
  }
  const colon = text.indexOf(':');
  if (colon < 0 || /\p{Cc}/u.test(text)) throw unreadable();
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function unreadable(): RestError {
  return complain('unauthenticated', 'Invalid authorization value.');
}

function wrong(): RestError {
  return complain('unauthenticated', 'Authorization value check failed');
}

function callerOf({ username, role }: User): Caller {
  return { name: username, may: async ({ verb }) => role === 'admin' || READING.has(verb) };
}

/**
 * Password hashes of the users file: bcrypt (`$2a$`, `$2b$`, `$2y$`) and the PHC strings of argon2 and scrypt. What a
 * hash may cost is bounded, so that no file can stop the program. Errors never hold a part of the hash.
 */
import { argon2, scrypt, timingSafeEqual } from 'node:crypto';

import type { BcryptThread } from './bcrypt-thread.ts';

export interface PasswordHash {
  readonly kind: 'bcrypt' | 'argon2' | 'scrypt';
  /** Always computes, whatever the password; never on the event loop: argon2 and scrypt have threads of Node's. */
  verify(password: string, thread: Pick<BcryptThread, 'compare'>): Promise<boolean>;
}

/** `message` says what is wrong, as the end of a sentence about the hash. */
export class PasswordHashError extends Error {
  readonly code = 'PasswordHash';

  constructor(message: string) {
    super(message);
    this.name = 'PasswordHashError';
  }
}

/** About a second of bcryptjs. */
const BCRYPT_COSTS = [4, 14] as const;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

const MEBI = 1_048_576;
/** Of one computation; two run at once. Bytes. */
const MAX_MEMORY = 128 * MEBI;
/** Memory times passes (argon2) or lanes (scrypt): about a second. Bytes. */
const MAX_WORK = 1_024 * MEBI;
const MAX_PARALLEL = 16;
const SALT_BYTES = [8, 64] as const;
const DIGEST_BYTES = [16, 64] as const;
const MAX_TEXT = 512;

/** @throws {PasswordHashError} */
export function parsePasswordHash(text: string): PasswordHash {
  if (text.length > MAX_TEXT) throw new PasswordHashError(`is longer than ${MAX_TEXT} characters`);
  if (text.startsWith('$2')) return bcryptHash(text);
  if (text.startsWith('$argon2')) return argon2Hash(text);
  if (text.startsWith('$scrypt$')) return scryptHash(text);
  throw new PasswordHashError('is neither bcrypt ($2a$, $2b$, $2y$) nor an argon2 or scrypt PHC string');
}

function bcryptHash(text: string): PasswordHash {
  const cost = BCRYPT.exec(text)?.[1];
  if (cost === undefined) throw new PasswordHashError('is not a whole bcrypt hash');
  within('bcrypt cost', Number(cost), BCRYPT_COSTS);
  return { kind: 'bcrypt', verify: (password, thread) => thread.compare({ password, hash: text }) };
}

const ARGON2 = /^\$(argon2id|argon2i|argon2d)\$v=(\d+)\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/;
const ARGON2_VERSION = 19;

function argon2Hash(text: string): PasswordHash {
  const parts = ARGON2.exec(text);
  if (parts === null) throw new PasswordHashError('is not $argon2…$v=19$m=…,t=…,p=…$salt$hash');
  const [, algorithm, version, m, t, p, salt, digest] = parts as unknown as string[];
  if (Number(version) !== ARGON2_VERSION)
    throw new PasswordHashError(`is of an argon2 version other than ${ARGON2_VERSION}`);
  const parallelism = Number(p);
  const passes = Number(t);
  const memory = Number(m);
  within('argon2 p', parallelism, [1, MAX_PARALLEL]);
  within('argon2 m (KiB)', memory, [8 * parallelism, MAX_MEMORY / 1_024]);
  within('argon2 t', passes, [1, Math.max(1, Math.floor(MAX_WORK / 1_024 / memory))]);
  const nonce = base64('salt', salt, SALT_BYTES);
  const wanted = base64('hash', digest, DIGEST_BYTES);
  const parameters = { nonce, parallelism, passes, memory, tagLength: wanted.length };
  return {
    kind: 'argon2',
    verify: (password) =>
      equals(wanted, (done) =>
        argon2(algorithm as 'argon2id', { ...parameters, message: Buffer.from(password) }, done),
      ),
  };
}

const SCRYPT = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/;
const SCRYPT_BLOCK = 128;

function scryptHash(text: string): PasswordHash {
  const parts = SCRYPT.exec(text);
  if (parts === null) throw new PasswordHashError('is not $scrypt$ln=…,r=…,p=…$salt$hash');
  const [, ln, r, p, salt, digest] = parts as unknown as string[];
  within('scrypt ln', Number(ln), [1, 20]);
  within('scrypt r', Number(r), [1, 64]);
  within('scrypt p', Number(p), [1, MAX_PARALLEL]);
  const N = 2 ** Number(ln);
  const memory = SCRYPT_BLOCK * N * Number(r);
  if (memory > MAX_MEMORY) throw new PasswordHashError(`needs more than ${MAX_MEMORY / MEBI} MiB (scrypt ln and r)`);
  if (memory * Number(p) > MAX_WORK) throw new PasswordHashError('costs too much (scrypt ln, r and p)');
  const nonce = base64('salt', salt, SALT_BYTES);
  const wanted = base64('hash', digest, DIGEST_BYTES);
  const options = { N, r: Number(r), p: Number(p), maxmem: 2 * MAX_MEMORY };
  return {
    kind: 'scrypt',
    verify: (password) => equals(wanted, (done) => scrypt(Buffer.from(password), nonce, wanted.length, options, done)),
  };
}

function equals(
  wanted: Buffer,
  compute: (done: (error: Error | null, digest: Buffer) => void) => void,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    compute((error, digest) => {
      if (error === null) resolve(timingSafeEqual(wanted, digest));
      else reject(error);
    });
  });
}

function within(what: string, value: number, [least, most]: readonly [number, number]): void {
  if (value < least || value > most) throw new PasswordHashError(`has ${what} outside ${least} to ${most}`);
}

/** PHC's form: the standard alphabet without padding. */
function base64(what: string, text: string | undefined, [least, most]: readonly [number, number]): Buffer {
  if (text === undefined || !/^[A-Za-z0-9+/]+$/.test(text))
    throw new PasswordHashError(`has a ${what} that is no base64`);
  const bytes = Buffer.from(text, 'base64');
  within(`${what} bytes`, bytes.length, [least, most]);
  return bytes;
}

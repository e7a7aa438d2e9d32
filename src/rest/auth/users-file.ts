/** The file of Basic users: who there is, and reading it again when somebody changed it. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type PasswordHash, PasswordHashError, parsePasswordHash } from './password-hash.ts';

export type Role = 'admin' | 'viewer';

export interface User {
  readonly username: string;
  readonly role: Role;
  readonly hash: PasswordHash;
}

export interface Users {
  readonly byName: ReadonlyMap<string, User>;
  /** In the order of the file. */
  readonly list: readonly User[];
  /** Of the file's text; another one means other users. */
  readonly version: string;
}

/** What is wrong with the file, in words that hold neither hashes nor other values of it. */
export class UsersFileError extends Error {
  readonly code = 'UsersFile';

  constructor(message: string) {
    super(message);
    this.name = 'UsersFileError';
  }
}

export const MAX_USERNAME = 256;
const MAX_USERS = 1_000;
const MAX_BYTES = 1_048_576;
const MAX_PROBLEMS = 10;
/** Between two looks at the file: notifications do not survive the symlink swap of a mounted Secret. */
const LOOK_MS = 5_000;

const schema = z.strictObject({
  users: z
    .array(
      z.strictObject({
        username: z
          .string()
          .min(1)
          .max(MAX_USERNAME)
          .refine((name) => !/[\p{Cc}:]/u.test(name), { message: 'must hold no colon and no control characters' }),
        role: z.enum(['admin', 'viewer']),
        passwordHash: z.string(),
      }),
    )
    .max(MAX_USERS),
});

/** Fails with `UsersFileError` when the file cannot be read, or any part of it is not what it must be. */
export async function readUsersFile(file: string): Promise<Users> {
  const text = await readBounded(file);
  const list = parseUsers(file, text);
  const version = createHash('sha256').update(text).digest('hex');
  return { list, version, byName: new Map(list.map((user) => [user.username, user])) };
}

async function readBounded(file: string): Promise<string> {
  try {
    await using handle = await open(file, 'r');
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0);
    if (bytesRead > MAX_BYTES) throw new UsersFileError(`${file} is larger than ${MAX_BYTES} bytes`);
    return buffer.toString('utf8', 0, bytesRead);
  } catch (error) {
    if (error instanceof UsersFileError) throw error;
    throw new UsersFileError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

function parseUsers(file: string, text: string): readonly User[] {
  const found = schema.safeParse(yamlValue(file, text));
  if (!found.success)
    fail(
      file,
      found.error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`),
    );
  const names = new Set<string>();
  const problems: string[] = [];
  const users: User[] = [];
  for (const [index, { username, role, passwordHash }] of found.data.users.entries()) {
    if (names.has(username)) problems.push(`users.${index}.username: there is one of that name already`);
    if (username.startsWith('system:'))
      problems.push(`users.${index}.username: names with system: are Kubernetes' own`);
    names.add(username);
    try {
      users.push({ username, role, hash: parsePasswordHash(passwordHash) });
    } catch (error) {
      if (!(error instanceof PasswordHashError)) throw error;
      problems.push(`users.${index}.passwordHash: ${error.message}`);
    }
  }
  if (problems.length > 0) fail(file, problems);
  return users;
}

function yamlValue(file: string, text: string): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'silent' });
  const [error] = document.errors;
  // The parser's words may hold a piece of the text.
  if (error !== undefined) fail(file, [`no YAML: ${error.code} in line ${lineCounter.linePos(error.pos[0]).line}`]);
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch {
    return fail(file, ['YAML aliases are not allowed']);
  }
}

function fail(file: string, problems: readonly string[]): never {
  const more = problems.length > MAX_PROBLEMS ? `; and ${problems.length - MAX_PROBLEMS} more` : '';
  throw new UsersFileError(`${file}: ${problems.slice(0, MAX_PROBLEMS).join('; ')}${more}`);
}

export interface UsersWatchOptions {
  readonly file: string;
  /** What is in use at the start. */
  readonly present: Users;
  readonly apply: (users: Users) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Looks at the file every five seconds and applies users that changed, until `signal` is aborted. A file that is broken
 * or missing is told once, and the users in use stay.
 */
export async function watchUsersFile(options: UsersWatchOptions, signal: AbortSignal): Promise<void> {
  const { file, clock, logger } = options;
  let { version } = options.present;
  let trouble: string | undefined;
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const users = await readUsersFile(file);
      if (users.version !== version) {
        version = users.version;
        options.apply(users);
        logger.info('REST users read again', { file, users: users.list.length });
      }
      trouble = undefined;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (words !== trouble) logger.error('the new file of REST users cannot be used, the old users stay', { error });
      trouble = words;
    }
  }
}

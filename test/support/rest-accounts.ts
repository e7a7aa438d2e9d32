/** The file of users that may call the REST API, as an administrator would write it. */
import { randomBytes, scryptSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';

export interface RestAccount {
  readonly username: string;
  readonly password: string;
  readonly role: 'admin' | 'viewer';
}

/** Cheap: tests make many calls. */
const COST = { ln: 4, r: 8, p: 1 };

/** Answers the name of the file. */
export async function writeRestUsers(directory: string, accounts: readonly RestAccount[]): Promise<string> {
  const users = accounts.map(({ username, password, role }) => ({ username, role, passwordHash: hashOf(password) }));
  const file = join(directory, 'rest-users.yaml');
  await writeFile(file, stringify({ users }), { mode: 0o600 });
  return file;
}

export function basicAuth({ username, password }: Pick<RestAccount, 'username' | 'password'>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** A PHC string of scrypt. */
function hashOf(password: string): string {
  const { ln, r, p } = COST;
  const salt = randomBytes(16);
  const digest = scryptSync(password, salt, 32, { N: 2 ** ln, r, p });
  const [saltText, digestText] = [salt, digest].map((bytes) => bytes.toString('base64').replaceAll('=', ''));
  return `$scrypt$ln=${ln},r=${r},p=${p}$${saltText}$${digestText}`;
}

import { createHash, timingSafeEqual } from 'node:crypto';

import { PeerError } from './errors.ts';
import type { PeerUser } from './options.ts';

/** Who is calling. */
export interface Caller {
  readonly name: string;
  readonly admin: boolean;
  readonly anonymous: boolean;
  readonly projects: ReadonlySet<string>;
  readonly hiddenPaths: readonly string[];
}

const ANONYMOUS: Caller = {
  name: 'anonymous',
  admin: false,
  anonymous: true,
  projects: new Set(),
  hiddenPaths: [],
};

export class Accounts {
  readonly #users = new Map<string, { readonly caller: Caller; readonly password: Buffer }>();
  readonly #cutAtColon: boolean;

  constructor(users: readonly PeerUser[], cutAtColon: boolean) {
    this.#cutAtColon = cutAtColon;
    for (const user of users)
      this.#users.set(user.username, {
        caller: {
          name: user.username,
          admin: user.admin ?? false,
          anonymous: false,
          projects: new Set(user.projects),
          hiddenPaths: user.hiddenPaths ?? [],
        },
        password: digest(user.password),
      });
  }

  /** The caller of an `Authorization` header; fails with 250114 in the words of the real server. */
  authenticate(authorization: string | undefined): Caller {
    if (authorization === undefined) return ANONYMOUS;
    const [, scheme = '', value = ''] = /^(\S+)\s*(.*)$/.exec(authorization) ?? [];
    if (scheme === 'Bearer') throw new PeerError('unauthenticated', 'Invalid token');
    if (scheme === 'Platform') throw new PeerError('unauthenticated', 'AccessKey/SecretKey check failed.');
    if (scheme !== 'Basic') throw new PeerError('unauthenticated', 'Unauthorized');
    return this.#basic(value);
  }

  #basic(encoded: string): Caller {
    const decoded = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) ? Buffer.from(encoded, 'base64').toString('utf8') : '';
    const colon = decoded.indexOf(':');
    if (colon < 0) throw new PeerError('unauthenticated', 'Invalid authorization value.');
    const password = decoded.slice(colon + 1);
    const user = this.#users.get(decoded.slice(0, colon));
    const given = digest(this.#cutAtColon ? (password.split(':')[0] ?? '') : password);
    if (!timingSafeEqual(user?.password ?? digest(''), given) || user === undefined)
      throw new PeerError('unauthenticated', 'Authorization value check failed');
    return user.caller;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Fails with 401 for nobody, with 403 for an account without that project. */
export function requireProject(caller: Caller, projectId: string): void {
  requireKnown(caller);
  if (!caller.admin && !caller.projects.has(projectId)) throw new PeerError('denied', 'Forbidden');
}

export function requireKnown(caller: Caller): void {
  if (caller.anonymous) throw new PeerError('unauthenticated', 'Unauthorized');
}

/** A blob belongs to no project: an account needs any project at all, or to be admin. */
export function requireBlobAccess(caller: Caller, adminOnly: boolean): void {
  requireKnown(caller);
  if (!caller.admin && (adminOnly || caller.projects.size === 0)) throw new PeerError('denied', 'Forbidden');
}

export function mayRead(caller: Caller, projectId: string, repoName: string, fullPath: string): boolean {
  if (caller.admin) return true;
  const address = `/${projectId}/${repoName}${fullPath}`;
  return !caller.hiddenPaths.some((prefix) => address.startsWith(prefix));
}

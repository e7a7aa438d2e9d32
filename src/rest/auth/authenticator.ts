/**
 * Who calls: by user name and password (basic.ts), or by Kubernetes token (bearer.ts). Guaranteed: nobody gets in
 * without one of them; passwords and tokens are kept nowhere, not even in errors and the log; a flood of wrong ones is
 * slowed down (throttle.ts) and costs a bounded amount of memory and computing. Not done here: TLS, and what a caller
 * may (authorize.ts asks the `Caller`).
 */
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { complain } from '../codes.ts';
import type { Authenticator, Caller, Credential } from '../ports.ts';
import { BasicCallers } from './basic.ts';
import { BcryptThread } from './bcrypt-thread.ts';
import { BearerCallers, type TokenSettings } from './bearer.ts';
import { HashGate } from './hash-gate.ts';
import { Throttle } from './throttle.ts';
import { readUsersFile, type Users, watchUsersFile } from './users-file.ts';

export interface AuthenticatorOptions {
  /** undefined = no callers with passwords. */
  readonly usersFile: string | undefined;
  /** undefined = no callers with tokens. */
  readonly tokens: TokenSettings | undefined;
  readonly clock: Clock;
  readonly randomBytes: (count: number) => Buffer;
  readonly logger: Logger;
}

const KEY_BYTES = 32;
/** Longer than any token; the header limit of the server is near. */
const MAX_VALUE = 16_384;

/** Follows the users file, and has a thread for bcrypt, until `signal` is aborted. Fails with `UsersFileError` when it cannot be used at the start. */
export async function openAuthenticator(options: AuthenticatorOptions, signal: AbortSignal): Promise<Authenticator> {
  const { usersFile, tokens, clock, logger, randomBytes } = options;
  const users = usersFile === undefined ? undefined : await readUsersFile(usersFile);
  const throttle = new Throttle(clock);
  const key = randomBytes(KEY_BYTES);
  const gate = new HashGate(new BcryptThread(signal));
  const basic = new BasicCallers({ users, throttle, gate, clock, key });
  const bearer = tokens === undefined ? undefined : new BearerCallers({ ...tokens, throttle, clock, logger, key });
  if (usersFile !== undefined && users !== undefined) follow(options, basic, usersFile, users, signal);
  await bearer?.start(signal);
  if (users === undefined && bearer === undefined)
    logger.warn('nobody can call the REST API: neither users nor tokens are configured');
  return { authenticate: (credential, ended) => authenticate(basic, bearer, credential, ended) };
}

function follow(
  { clock, logger }: AuthenticatorOptions,
  basic: BasicCallers,
  file: string,
  present: Users,
  signal: AbortSignal,
): void {
  const apply = (users: Users): void => basic.replace(users);
  // Ends without an error: what it meets is logged.
  void watchUsersFile({ file, present, apply, clock, logger }, signal);
}

async function authenticate(
  basic: BasicCallers,
  bearer: BearerCallers | undefined,
  { authorization, address }: Credential,
  signal: AbortSignal,
): Promise<Caller> {
  signal.throwIfAborted();
  const [, scheme = '', value = ''] =
    /^\s*([A-Za-z]+) +(\S+)\s*$/.exec((authorization ?? '').slice(0, MAX_VALUE)) ?? [];
  if (scheme.toLowerCase() === 'basic') return await basic.authenticate(value, address);
  if (scheme.toLowerCase() !== 'bearer') throw complain('unauthenticated', 'Unauthorized');
  if (bearer === undefined)
    throw complain('unauthenticated', 'Invalid token', 'this installation takes no Kubernetes tokens');
  return await bearer.authenticate(value, address, signal);
}

/** The REST shim's way of knowing its callers, from the configuration. */
import { randomBytes } from 'node:crypto';

import { type Config, ConfigError } from '../config.ts';
import type { Clock } from '../lib/clock.ts';
import { openAuthenticator } from '../rest/auth/authenticator.ts';
import { UsersFileError } from '../rest/auth/users-file.ts';
import type { AccessReview, Authenticator } from '../rest/ports.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface RestAuthenticatorOptions {
  readonly config: Pick<Config, 'rest'>;
  /** undefined = there is no API server (standalone). */
  readonly review: AccessReview | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Follows the users file until `signal` is aborted.
 *
 * @throws {ConfigError} for a users file that cannot be used, and for tokens that are wanted without an API server
 */
export async function openRestAuthenticator(
  { config, review, clock, logger }: RestAuthenticatorOptions,
  signal: AbortSignal,
): Promise<Authenticator> {
  const { users, tokens } = config.rest;
  const { audience, acceptApiServerAudience, cacheSeconds } = tokens;
  if (tokens.enabled === true && review === undefined)
    throw new ConfigError([
      'rest.tokens.enabled: Kubernetes tokens need the API server, which there is only as operator',
    ]);
  const wanted = review === undefined || tokens.enabled === false ? undefined : review;
  const settings = wanted && { review: wanted, audience, acceptApiServerAudience, cacheMs: cacheSeconds * 1_000 };
  try {
    return await openAuthenticator({ usersFile: users.file, tokens: settings, clock, logger, randomBytes }, signal);
  } catch (error) {
    if (error instanceof UsersFileError) throw new ConfigError([`rest.users.file: ${error.message}`]);
    throw error;
  }
}

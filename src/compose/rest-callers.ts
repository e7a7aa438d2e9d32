/** Who can call the REST API at all, as far as the configuration tells. */
import { type Config, ConfigError } from '../config.ts';

/**
 * @param apiServer whether there is one, to ask about tokens
 * @throws {ConfigError} when nobody could ever call
 */
export function assertCallers({ users, tokens }: Config['rest'], apiServer: boolean): void {
  if (tokens.enabled === true && !apiServer)
    throw new ConfigError(['rest.tokens.enabled: standalone there is no API server to ask about tokens']);
  if (users.file !== undefined || (apiServer && tokens.enabled !== false)) return;
  throw new ConfigError([
    apiServer
      ? 'rest.enabled: nobody could call: set rest.users.file, or leave rest.tokens.enabled on'
      : 'rest.enabled: nobody could call: set rest.users.file (rest.tokens.enabled needs an API server)',
  ]);
}

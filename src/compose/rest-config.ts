/** What can be said against the part `rest` of the configuration before anything is connected to. */
import { type Config, ConfigError } from '../config.ts';
import { UnknownZoneError, type Zone, zoneOf } from '../lib/local-time.ts';
import { assertCallers } from './rest-callers.ts';
import { restNamespaces } from './rest-namespaces.ts';

/** @throws {ConfigError} for a namespace or a zone that is none, or an API that nobody could call */
export function checkRestConfig(config: Config, ownNamespace: string, apiServer: boolean): void {
  if (!config.rest.enabled) return;
  assertCallers(config.rest, apiServer);
  restNamespaces(config, ownNamespace);
  restZone(config.rest);
}

/** @throws {ConfigError} for a zone that is none */
export function restZone({ timeZone }: Pick<Config['rest'], 'timeZone'>): Zone {
  try {
    return zoneOf(timeZone);
  } catch (error) {
    if (error instanceof UnknownZoneError) throw new ConfigError([`rest.timeZone: ${error.message}`]);
    throw error;
  }
}

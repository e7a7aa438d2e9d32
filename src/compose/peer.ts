/** The receiving side over a bk-repo database and store. */
import { ConfigError } from '../config.ts';
import { startPeer } from '../peer/server.ts';
import type { Ambience } from './installation.ts';
import { requiredSecret, secretValue } from './secrets.ts';

/** Listens until `stop` is aborted. `listening` is told the address once it does. */
export async function runPeer(
  { config, version, clock, logger }: Ambience,
  listening: (url: string) => void,
  stop: AbortSignal,
): Promise<void> {
  const { host, port, mongodb, storePath, users, timeZone, faithful, eventLog, operateLogBytes } = config.peer;
  if (storePath === undefined) throw new ConfigError(['peer.storePath (--store) is required']);
  if (users.length === 0) throw new ConfigError(['peer.users: at least one account is required']);
  const peer = await startPeer({
    host,
    port,
    mongo: requiredSecret('peer.mongodb.uri', mongodb.uri, mongodb.uriFile),
    database: mongodb.database,
    shardCount: mongodb.shardCount,
    storePath,
    users: users.map(({ username, password, passwordFile, admin, projects }, index) => ({
      username,
      password: secretValue(`peer.users.${index}.password`, password, passwordFile) ?? '',
      admin,
      projects,
    })),
    faithful,
    eventLog,
    operateLogBytes,
    ...(timeZone === undefined ? {} : { timeZone }),
    logger,
    clock,
  });
  logger.info('peer listens', { url: peer.url, version, faithful });
  listening(peer.url);
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener('abort', () => resolve(), { once: true });
  });
  await peer.close();
}

/**
 * The receiving side of bk-repo's wire protocol over a bk-repo database and file-system store.
 *
 * Guaranteed (without defects): a blob is stored only when its bytes have the digest they are stored under; a node is
 * created only for a blob that is there; database and store have the shapes a real server writes, so that this can be
 * another run's source. Not offered: request signing, platform accounts, federation, storages other than file systems.
 */
import type { AddressInfo } from 'node:net';

import { type Db, MongoClient } from 'mongodb';

import { Accounts } from './accounts.ts';
import type { PeerContext } from './context.ts';
import { Database } from './database.ts';
import { EventLog } from './event-log.ts';
import { createHttpServer } from './http.ts';
import { compileOptions, type PeerOptions } from './options.ts';
import { blobRoutes } from './routes-blob.ts';
import { catalogRoutes } from './routes-catalog.ts';
import { nodeRoutes } from './routes-node.ts';
import { nodeChangeRoutes } from './routes-node-change.ts';
import { packageQueryRoutes, packageRoutes } from './routes-package.ts';
import { repositoryRoutes } from './routes-repository.ts';
import { uploadRoutes } from './routes-upload.ts';
import { Stores } from './stores.ts';
import { Sweeper } from './sweeper.ts';

export interface Peer {
  /** `http://host:port`, without the prefix `/replication`. */
  readonly url: string;
  readonly port: number;
  /** Ends running requests and idle connections; the store keeps nothing half-written under a name. */
  close(): Promise<void>;
}

/** Paths with and without the gateway's prefix (contract §2.1). */
const REPLICA_PREFIXES = ['/replica', '/replication/replica'] as const;

const REPLICA_ROUTES = [catalogRoutes, nodeRoutes, nodeChangeRoutes, packageRoutes, blobRoutes, uploadRoutes] as const;

/** Starts to listen; an abort of `signal` closes the server as `close` does. */
export async function startPeer(options: PeerOptions, signal?: AbortSignal): Promise<Peer> {
  signal?.throwIfAborted();
  const settings = compileOptions(options);
  const { db, client } = await connect(options);
  try {
    const database = new Database(db, settings.shardCount);
    const stores = new Stores(settings.storePath, database, settings);
    await stores.prepare();
    const events = new EventLog(db, settings);
    const context: PeerContext = {
      settings,
      database,
      stores,
      accounts: new Accounts(settings.users, settings.defects.passwordCutAtColon),
      events,
    };
    const sweeper = await Sweeper.start(context);
    return await listen(
      context,
      async () => {
        await sweeper.stop();
        await events.close();
        await client?.close();
      },
      signal,
    );
  } catch (error) {
    await client?.close();
    throw error;
  }
}

async function connect(options: PeerOptions): Promise<{ readonly db: Db; readonly client: MongoClient | undefined }> {
  if (typeof options.mongo !== 'string') return { db: options.mongo, client: undefined };
  const client = await MongoClient.connect(options.mongo);
  return { db: client.db(options.database ?? 'bkrepo'), client };
}

async function listen(context: PeerContext, release: () => Promise<void>, signal?: AbortSignal): Promise<Peer> {
  const app = createHttpServer(context);
  for (const prefix of REPLICA_PREFIXES)
    await app.register(
      async (scope) => {
        for (const routes of REPLICA_ROUTES) routes(scope, context);
      },
      { prefix },
    );
  await app.register(
    async (scope) => {
      repositoryRoutes(scope, context);
      packageQueryRoutes(scope, context);
    },
    { prefix: '/repository/api' },
  );
  const { host, port } = context.settings;
  await app.listen({ host, port });
  const address = app.server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    signal?.removeEventListener('abort', onAbort);
    closing ??= app.close().then(release);
    return closing;
  };
  const onAbort = (): void => {
    close().catch((error: unknown) => context.settings.logger.error('peer did not close', { error }));
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`, port: address.port, close };
}

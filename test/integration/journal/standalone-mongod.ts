/** A mongod that is no replica set: the journal must do with one. */
import { MongoMemoryServer } from 'mongodb-memory-server-core';

import { findMongod } from '../../support/assets.ts';
import { leash } from '../../support/leash.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

export interface StandaloneMongod {
  readonly uri: string;
  stop(): Promise<void>;
}

export async function startStandaloneMongod(): Promise<StandaloneMongod> {
  const { paths: systemBinary, version } = await findMongod();
  const dbPath = await makeTempDir('standalone-mongod');
  const server = await MongoMemoryServer.create({
    binary: { systemBinary, version },
    instance: { dbPath, storageEngine: 'wiredTiger', args: ['--nounixsocket', '--wiredTigerCacheSizeGB', '0.25'] },
  });
  const pid = server.instanceInfo?.instance.mongodProcess?.pid;
  if (pid === undefined) throw new Error('mongod is not running');
  const release = await leash(pid, dbPath);
  return {
    uri: server.getUri(),
    stop: async () => {
      await server.stop({ doCleanup: true, force: true });
      release();
      await removeDir(dbPath);
    },
  };
}

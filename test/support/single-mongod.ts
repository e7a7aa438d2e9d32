import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoMemoryServer } from 'mongodb-memory-server-core';
import { findMongod } from './assets.ts';
import { leash } from './leash.ts';
import { freePort } from './ports.ts';
import { makeTempDir, removeDir } from './tempdir.ts';

/** A real mongod that is no replica set, without access control; it ends, and its data with it, as those of mongod.ts do. */
export interface SingleMongod {
  readonly uri: string;
  /** Can be called again. */
  stop(): Promise<void>;
}

/** @throws {PartUnavailable} when no mongod can be had */
export async function startSingleMongod(): Promise<SingleMongod> {
  const { paths: systemBinary, version } = await findMongod();
  const directory = await makeTempDir('single-mongod');
  const dbPath = join(directory, 'db');
  await mkdir(dbPath);
  const server = await MongoMemoryServer.create({
    binary: { systemBinary, version },
    instance: {
      dbPath,
      port: await freePort(),
      storageEngine: 'wiredTiger',
      launchTimeout: 60_000,
      args: ['--nounixsocket', '--wiredTigerCacheSizeGB', '0.25'],
    },
  });
  const pid = server.instanceInfo?.instance.mongodProcess?.pid;
  if (pid === undefined) throw new Error('mongod did not start');
  const release = await leash(pid, directory);
  return {
    uri: server.getUri(),
    async stop() {
      await server.stop({ doCleanup: true });
      release();
      await removeDir(directory);
    },
  };
}

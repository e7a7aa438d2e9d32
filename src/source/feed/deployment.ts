/** What the source's MongoDB is: any account may ask for it. */
import type { Timestamp } from 'mongodb';
import type { SourceDatabase } from '../database/database.ts';

export interface Deployment {
  readonly kind: 'replicaSet' | 'sharded' | 'single';
  /** Of a replica set. */
  readonly setName?: string;
  /** Of the newest operation that the primary of a replica set has, since the epoch. */
  readonly seconds?: number;
}

export async function deploymentOf(database: SourceDatabase, signal: AbortSignal): Promise<Deployment> {
  const hello = await database.command('the kind of its deployment', { hello: 1 }, signal);
  if (hello['msg'] === 'isdbgrid') return { kind: 'sharded' };
  const setName: unknown = hello['setName'];
  if (typeof setName !== 'string') return { kind: 'single' };
  const time = hello['operationTime'] as Timestamp | undefined;
  return { kind: 'replicaSet', setName, ...(time === undefined ? {} : { seconds: time.t }) };
}

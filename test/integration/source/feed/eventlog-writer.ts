/** What bk-repo writes into its event log (contract §4.2). */
import type { Document } from 'mongodb';
import { idAt } from './oplog-writer.ts';

/** Something happened to `fullPath` in `p/r`, so many seconds from now by the clock of the server that says so. */
export function event(
  type: string,
  resourceKey: string,
  { secondsLater = 0, ...description }: Document & { readonly secondsLater?: number } = {},
): Document {
  const time = new Date(Date.now() + secondsLater * 1_000);
  return {
    _id: idAt(time),
    createdDate: time,
    type,
    projectId: 'p',
    repoName: 'r',
    resourceKey,
    userId: 'admin',
    clientAddress: '127.0.0.1',
    description,
  };
}

export function put(fullPath: string, secondsLater = 0): Document {
  return event('NODE_CREATED', fullPath, { secondsLater });
}

/** The collection of a month from now on, by UTC. */
export function logOf(monthsLater = 0): string {
  const now = new Date();
  const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + monthsLater));
  return `artifact_oplog_${month.toISOString().slice(0, 7).replace('-', '')}`;
}

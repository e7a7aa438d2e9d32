import { classify } from '../../domain/errors.ts';
import type { ChangeFeed } from '../../engine/ports/feed.ts';
import type { SourceDatabase } from '../database/database.ts';
import { deploymentOf } from './deployment.ts';

export interface StreamLook {
  readonly usable: boolean;
  readonly reason: 'ChangeStream' | 'FeedForbidden' | 'NoFeed';
  readonly message: string;
}

/** Whether the source has a change stream that its account may read. Fails, classified, only when it does not answer. */
export async function lookAtChangeStream(
  database: SourceDatabase,
  feed: Pick<ChangeFeed, 'end'>,
  signal: AbortSignal,
): Promise<StreamLook> {
  const { kind, setName } = await deploymentOf(database, signal);
  if (kind === 'single') {
    const message =
      "MongoDB's change stream is not there: the source's server is not part of a replica set (one member is enough)";
    return { usable: false, reason: 'NoFeed', message };
  }
  try {
    await feed.end(signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code, errorClass, message } = classify(error);
    if (code === 'SourceUnauthorized') return { usable: false, reason: 'FeedForbidden', message: forbidden(database) };
    if (errorClass === 'retryable') throw error;
    return { usable: false, reason: 'NoFeed', message: `MongoDB's change stream cannot be read: ${message}` };
  }
  const words = kind === 'sharded' ? 'a sharded cluster' : `a replica set (${setName})`;
  return { usable: true, reason: 'ChangeStream', message: `the source is ${words}, whose change stream may be read` };
}

function forbidden({ name }: SourceDatabase): string {
  return `the account of the source may not read MongoDB's change stream: it needs the actions find and changeStream on all collections of ${name}, which the role "read" on ${name} has`;
}

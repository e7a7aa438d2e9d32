/**
 * The source's change stream: one for the whole database, which the role `read` allows. Guarantees: every change of a node,
 * a block, a package, a version or a repository that became durable behind a position is told, at least once, also over
 * elections and restarts; what cannot be told (a collection dropped or renamed, history that the server has dropped) is
 * `FeedPositionLost`. Of what is gone only its `_id` is told.
 *
 * Does not say that nothing happens while the server looks through hours of other changes for one of ours: the first batch
 * behind an old position may take longer than ten seconds.
 */
import type { ResumeToken } from 'mongodb';
import type { FeedBatch, FeedPosition } from '../../engine/ports/feed.ts';
import type { SourceDatabase } from '../database/database.ts';
import { classified } from '../database/driver-errors.ts';
import { ChangeStreamChanges } from './change-stream-changes.ts';
import { lostByServer } from './change-stream-errors.ts';
import { orderOfPositions, positionOf, secondsOf, tokenOf } from './change-stream-position.ts';
import { endOfStream, eventBatches } from './change-stream-reader.ts';
import { type Deployment, deploymentOf } from './deployment.ts';
import { positionLost } from './feed-errors.ts';
import type { OrderedFeed } from './ordered-feed.ts';

const WHAT = 'the change stream';

/** Looks at nothing before it is read. */
export function openChangeStream(database: SourceDatabase): OrderedFeed {
  return {
    kind: 'changeStream',
    name: database.name,
    order: orderOfPositions,
    async end(signal) {
      await deploymentOf(database, signal);
      return await classified(WHAT, signal, async () => positionOf(await endOfStream(database, signal), 0));
    },
    read: (from, signal) => read(database, from, signal),
  };
}

async function* read(database: SourceDatabase, from: FeedPosition, signal: AbortSignal): AsyncGenerator<FeedBatch> {
  const token = tokenOf(from);
  notAhead(token, await deploymentOf(database, signal));
  const changes = new ChangeStreamChanges(database);
  const batches = eventBatches(database, token, signal);
  let at = from.at.getTime();
  try {
    for (;;) {
      const { value } = await told(signal, () => batches.next());
      if (value === undefined) return;
      const batch = await told(signal, () => changes.of(value.events, signal));
      at = Math.max(at, ...batch.changes.map((change) => change.at.getTime()));
      yield { ...batch, position: positionOf(value.token, at) };
    }
  } finally {
    await batches.return(undefined);
  }
}

/** Fails as this feed does. */
async function told<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  return await classified(WHAT, signal, async () => {
    try {
      return await ask();
    } catch (error) {
      throw lostByServer(error) ?? error;
    }
  });
}

/**
 * A source that was put back to an earlier state would tell nothing before it has got there again. A position at the end of
 * the stream may be a little ahead of the newest operation.
 */
function notAhead(token: ResumeToken, { seconds: present }: Deployment): void {
  const saved = secondsOf(token);
  if (saved !== undefined && present !== undefined && saved > present + 1)
    throw positionLost('the source is at an earlier time than the saved position, as after the return of a backup');
}

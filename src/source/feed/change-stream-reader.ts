/**
 * Reads a server's change stream in batches. Guarantees: with each batch the token behind which nothing was left out; after
 * a break of the connection the driver goes on behind the last event, once; the cursor is closed at the end, whatever it is.
 */
import type { ChangeStream, Document, ResumeToken } from 'mongodb';
import { orAborted } from '../../lib/or-aborted.ts';
import type { SourceDatabase } from '../database/database.ts';
import { changeStreamPipeline, type StreamEvent } from './change-stream-events.ts';

/** Each event makes at most two changes, and a batch holds 1,000 of them. */
const EVENTS_AT_ONCE = 500;

/** The server answers after this time when nothing happens. */
const WAIT_MS = 5_000;

/** Time in which a server gets to close a cursor. */
const CLOSE_MS = 1_000;

export interface EventBatch {
  readonly events: readonly StreamEvent[];
  readonly token: ResumeToken;
}

type Stream = ChangeStream<Document, StreamEvent & Document>;

/** A batch without events after each {@link WAIT_MS}. Fails as the driver does, or with the reason of the signal. */
export async function* eventBatches(
  database: SourceDatabase,
  after: ResumeToken,
  signal: AbortSignal,
): AsyncGenerator<EventBatch> {
  const stream = open(database, { resumeAfter: after, maxAwaitTimeMS: WAIT_MS });
  try {
    let next = ask(stream);
    for (;;) {
      const events: StreamEvent[] = [];
      let event = await orAborted(next, signal);
      for (;;) {
        // Of the last event that was taken, so to be read before the next one is asked for.
        const token = stream.resumeToken;
        next = ask(stream);
        if (event !== null) events.push(event);
        const more = event === null || events.length === EVENTS_AT_ONCE ? undefined : await atOnce(next);
        if (more === undefined) {
          yield { events, token };
          break;
        }
        event = more;
      }
    }
  } finally {
    await close(stream);
  }
}

/** The token of the present end of the stream. */
export async function endOfStream(database: SourceDatabase, signal: AbortSignal): Promise<ResumeToken> {
  const stream = open(database, { maxAwaitTimeMS: 1 });
  try {
    await orAborted(ask(stream), signal);
    return stream.resumeToken;
  } finally {
    await close(stream);
  }
}

function open(
  database: SourceDatabase,
  options: { readonly resumeAfter?: ResumeToken; readonly maxAwaitTimeMS: number },
) {
  return database.watch<StreamEvent & Document>(changeStreamPipeline(), {
    ...options,
    batchSize: 2 * EVENTS_AT_ONCE,
  });
}

/** One that nobody waits for any more may fail unheard: its stream was closed. */
function ask(stream: Stream): Promise<StreamEvent | null> {
  const next = stream.tryNext();
  next.catch(() => undefined);
  return next;
}

/** What has come from the server already needs no turn of the event loop; undefined = it must be waited for. */
async function atOnce<T>(next: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const turn = setImmediate(resolve, undefined);
  try {
    return await Promise.race([next, promise]);
  } finally {
    clearImmediate(turn);
  }
}

/** A server that does not answer is not waited for: the cursor ends with it, or by itself. */
async function close(stream: Stream): Promise<void> {
  const waited = AbortSignal.timeout(CLOSE_MS);
  try {
    await orAborted(stream.close(), waited);
  } catch {
    // Nobody needs it any more, whatever became of it.
  }
}

/**
 * The tailable cursor of the operation log. Such a cursor always begins at the oldest entry; the server passes over as many
 * as it is told to, without sending them.
 */
import type { Document, FindCursor } from 'mongodb';
import { orAborted } from '../../lib/or-aborted.ts';
import type { SourceDatabase } from '../database/database.ts';
import { ENTRIES_AT_ONCE } from './log-batches.ts';
import type { Fields } from './log-fields.ts';
import { OPLOG_FIELDS } from './oplog-entries.ts';

/** The server answers after this time when nothing is written. */
const WAIT_MS = 5_000;

/** Time in which a server gets to close a cursor. */
const CLOSE_MS = 1_000;

export type OplogDocument = Fields & { readonly _id: unknown };

export class OplogCursor {
  readonly #cursor: FindCursor<Document>;

  /** `skip`: entries that are passed over. Asks for nothing yet. */
  constructor(database: SourceDatabase, name: string, skip: number) {
    this.#cursor = database.collection(name).find(
      {},
      {
        projection: Object.fromEntries(OPLOG_FIELDS.map((field) => [field, 1])),
        skip,
        tailable: true,
        awaitData: true,
        maxAwaitTimeMS: WAIT_MS,
        batchSize: 2 * ENTRIES_AT_ONCE,
        readPreference: 'primary',
        enableUtf8Validation: false,
      },
    );
  }

  /** At the end: none, when nothing was written for {@link WAIT_MS}, or when the cursor has {@link ended}. */
  async next(signal: AbortSignal): Promise<readonly OplogDocument[]> {
    const first = await orAborted(this.#cursor.tryNext(), signal);
    return first === null ? [] : [first, ...this.#cursor.readBufferedDocuments(ENTRIES_AT_ONCE - 1)].map(asEntry);
  }

  /** As the server ends one on an empty collection. */
  get ended(): boolean {
    return this.#cursor.closed || this.#cursor.id?.isZero() === true;
  }

  /** A server that does not answer is not waited for: the cursor ends with it, or by itself. */
  async close(): Promise<void> {
    const waited = AbortSignal.timeout(CLOSE_MS);
    try {
      await orAborted(this.#cursor.close(), waited);
    } catch {
      // Nobody needs it any more, whatever became of it.
    }
  }
}

function asEntry(document: Document): OplogDocument {
  return document as OplogDocument;
}

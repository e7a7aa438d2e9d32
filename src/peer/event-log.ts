/**
 * Writes what a real server of one generation writes about each change, as late as it does: 4 to 71 ms afterwards
 * (fixture README), in the order of the changes. As there, what was not written when the process dies is lost; an orderly
 * end writes everything.
 */
import { type Db, type Document, MongoServerError } from 'mongodb';

import { type Entry, entryOf } from './event-entries.ts';
import type { EventSink, PeerEvent } from './events.ts';
import type { PeerSettings } from './options.ts';

const SOONEST_MS = 4;
const LATEST_MS = 71;
/** Entries that wait to be written; more are dropped, and reported. */
const MOST_WAITING = 100_000;
const NAMESPACE_EXISTS = 48;
const INDEX = {
  key: { projectId: 1, repoName: 1, resourceKey: 1, type: 1 },
  name: 'projectId_repoName_resourceKey_type_idx',
} as const;

export class EventLog implements EventSink {
  readonly #db: Db;
  readonly #settings: PeerSettings;
  readonly #waiting: PeerEvent[] = [];
  readonly #prepared = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #dropped = 0;

  constructor(db: Db, settings: PeerSettings) {
    this.#db = db;
    this.#settings = settings;
  }

  add(event: PeerEvent): void {
    if (this.#settings.eventLog === undefined) return;
    if (this.#waiting.length >= MOST_WAITING) this.#dropped += 1;
    else this.#waiting.push(event);
    if (this.#timer !== undefined) return;
    const delay = SOONEST_MS + this.#settings.random() * (LATEST_MS - SOONEST_MS);
    this.#timer = setTimeout(() => this.#write(), delay);
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const events = this.#waiting.splice(0);
    this.#writing = this.#writing.then(() => this.#insert(events)).catch((error: unknown) => this.#failed(error));
  }

  async #insert(events: readonly PeerEvent[]): Promise<void> {
    const { eventLog: form, defects, time, clock, logger } = this.#settings;
    if (form === undefined) return;
    if (this.#dropped > 0) logger.warn('events were not logged, they came too fast', { count: this.#dropped });
    this.#dropped = 0;
    const at = new Date(clock.now());
    const entries = events.map((event) => entryOf(event, at, { form, defects, time }));
    const known = entries.filter((entry) => entry !== undefined);
    for (const [collection, group] of Map.groupBy(known, (entry: Entry) => entry.collection)) {
      await this.#prepare(collection);
      await this.#db.collection<Document>(collection).insertMany(group.map(({ document }) => document));
    }
  }

  /** An operation log that is not there is made capped; one that is there stays as it is. */
  async #prepare(collection: string): Promise<void> {
    if (this.#prepared.has(collection)) return;
    if (this.#settings.eventLog === 'artifact_oplog')
      await this.#db.collection(collection).createIndex(INDEX.key, { name: INDEX.name });
    else
      try {
        await this.#db.createCollection(collection, { capped: true, size: this.#settings.operateLogBytes });
      } catch (error) {
        if (!(error instanceof MongoServerError) || error.code !== NAMESPACE_EXISTS) throw error;
      }
    this.#prepared.add(collection);
  }

  #failed(error: unknown): void {
    this.#settings.logger.error('events were not logged', { error });
  }
}

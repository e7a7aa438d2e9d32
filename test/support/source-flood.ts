/**
 * Very many changes of a source in little time: node documents and log entries straight into the database, thousands at
 * once, as servers write them, over blobs that were stored before. No file_reference is counted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Document, MongoServerError } from 'mongodb';
import { localTime, zoneOf } from '../../src/lib/local-time.ts';
import { selectDefects } from '../../src/peer/defects.ts';
import { type EventLogForm, entryOf } from '../../src/peer/event-entries.ts';
import type { EventType } from '../../src/peer/events.ts';
import { type Digests, writeBlob } from './bkrepo/content.ts';
import type { RepositoryBuilder } from './bkrepo/repository-builder.ts';
import { seededRandom } from './seed.ts';

export interface SourceFloodOptions {
  /** Default: no log is written. */
  readonly eventLog?: EventLogForm;
  /** Of the capped log that is made when there is none. Default 256 MiB. */
  readonly operateLogBytes?: number;
  /** Of each file. Default 4,096. */
  readonly bytes?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** A blob in the store, and where it shall be a file. */
export interface FloodFile {
  readonly path: string;
  readonly digests: Digests;
}

/** Blobs written side by side. */
const AT_ONCE = 16;
/** Files of one folder, as many as people have. */
const FOLDER_SIZE = 500;
/** Milliseconds between two bursts of an even flow. */
const BURST_MS = 20;
const NAMESPACE_EXISTS = 48;
const TIDY = selectDefects(false);
const UTC = localTime(zoneOf('Z'), 'counts');

export class SourceFlood {
  readonly #repository: RepositoryBuilder;
  readonly #options: SourceFloodOptions;
  #prepared = 0;
  #lastDeleted = 0;
  #logThere = false;

  /** Best of a builder without `references`. */
  constructor(repository: RepositoryBuilder, options: SourceFloodOptions = {}) {
    this.#repository = repository;
    this.#options = options;
  }

  /** Stores the blobs of so many files, each with a path and bytes of its own. */
  async prepare(count: number): Promise<readonly FloodFile[]> {
    const files: FloodFile[] = [];
    const { bytes = 4_096, seed = 1 } = this.#options;
    const filler = seededRandom(seed).bytes(bytes);
    const store = async (number: number): Promise<void> => {
      const content = Buffer.from(filler);
      content.write(`${seed}:${number};`);
      const digests = await writeBlob(this.#repository.storeDir, content.subarray(0, bytes));
      files.push({ path: `/flood/${Math.floor(number / FOLDER_SIZE)}/file-${number}.bin`, digests });
    };
    for (let left = count; left > 0; left -= AT_ONCE)
      await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => store(this.#prepared++)));
    return files;
  }

  /** Makes these files now; with `replacing` they may be there. */
  async put(files: readonly FloodFile[], { replacing = false }: { readonly replacing?: boolean } = {}): Promise<void> {
    if (files.length === 0) return;
    if (replacing) await this.#delete(files);
    await this.#repository.putStored(files);
    await this.#log('NODE_CREATED', files);
  }

  async delete(files: readonly FloodFile[]): Promise<void> {
    if (files.length === 0) return;
    await this.#delete(files);
    await this.#log('NODE_DELETED', files);
  }

  /**
   * Makes these files in an even flow. Answers with the rate that was kept: less than asked for when the database is too
   * slow. Rejects with the signal's reason.
   */
  async flow(files: readonly FloodFile[], perSecond: number, signal: AbortSignal): Promise<number> {
    const start = performance.now();
    for (let done = 0; done < files.length; ) {
      signal.throwIfAborted();
      const due = Math.min(files.length, Math.floor(((performance.now() - start) / 1_000) * perSecond) + 1);
      await this.put(files.slice(done, due));
      done = Math.max(done, due);
      const next = start + (done / perSecond) * 1_000;
      await delay(Math.max(next - performance.now(), BURST_MS), undefined, { signal });
    }
    return files.length / ((performance.now() - start) / 1_000);
  }

  /** Never twice in one millisecond: the time is in the unique index. */
  async #delete(files: readonly FloodFile[]): Promise<void> {
    const { projectId, name: repoName, builder } = this.#repository;
    this.#lastDeleted = Math.max(Date.now(), this.#lastDeleted + 1);
    const filter = { projectId, repoName, fullPath: { $in: files.map(({ path }) => path) }, deleted: null };
    const nodes = await builder.shard('node', projectId);
    await nodes.updateMany(filter, { $set: { deleted: new Date(this.#lastDeleted) } });
  }

  async #log(type: EventType, files: readonly FloodFile[]): Promise<void> {
    const { eventLog: form } = this.#options;
    if (form === undefined) return;
    await this.#ensureLog(form);
    const at = new Date();
    const entries = files
      .map((file) => entryOf(this.#event(type, file), at, { form, defects: TIDY, time: UTC }))
      .filter((entry) => entry !== undefined);
    const [first] = entries;
    if (first === undefined) return;
    const log = this.#repository.builder.db.collection<Document>(first.collection);
    await log.insertMany(entries.map(({ document }) => document));
  }

  #event(type: EventType, { path, digests }: FloodFile): Parameters<typeof entryOf>[0] {
    const { projectId, name: repoName, builder } = this.#repository;
    const place = { projectId, repoName, fullPath: path, operator: builder.user };
    const { size, sha256, md5 } = digests;
    const request = type === 'NODE_CREATED' ? { ...place, folder: false, overwrite: true, size, sha256, md5 } : place;
    const origin = { userId: builder.user, clientAddress: '127.0.0.1', request };
    return { type, projectId, repoName, resource: path, generic: true, origin };
  }

  async #ensureLog(form: EventLogForm): Promise<void> {
    if (this.#logThere) return;
    this.#logThere = true;
    if (form !== 'operate_log') return;
    const { operateLogBytes: size = 256 << 20 } = this.#options;
    try {
      await this.#repository.builder.db.createCollection('operate_log', { capped: true, size });
    } catch (error) {
      if (!(error instanceof MongoServerError) || error.code !== NAMESPACE_EXISTS) throw error;
    }
  }
}

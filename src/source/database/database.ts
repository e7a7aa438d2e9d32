import { type ChangeStream, type ChangeStreamOptions, type Collection, type Document, MongoClient } from 'mongodb';
import { ReplicationError } from '../../domain/errors.ts';
import type { BkRepoSourceOptions } from '../options.ts';
import { PROJECT_COLLECTION } from '../schema/collections.ts';
import { DEFAULT_SHARD_COUNT, effectiveShardCount } from '../schema/sharding.ts';
import { classified } from './driver-errors.ts';

const DEFAULT_DATABASE = 'bkrepo';
const DEFAULT_MAX_TIME_MS = 30_000;

/** Used where the connection string does not say otherwise. */
const CONNECTION_DEFAULTS = {
  appName: 'bkrepo-replicator source',
  serverSelectionTimeoutMS: 10_000,
  connectTimeoutMS: 10_000,
  maxPoolSize: 20,
  retryReads: true,
} as const;

/**
 * The source's MongoDB. Only reads: nothing that gets it writes, creates or changes anything, but what converts the operation
 * log when a person asks for it.
 */
export class SourceDatabase {
  readonly shardCount: number;
  readonly maxTimeMs: number;
  readonly #client: MongoClient;
  readonly #name: string;

  /** Connects with the first query. Fails with the spec error `SourceMisconfigured` for an unusable connection string. */
  constructor(options: Pick<BkRepoSourceOptions, 'uri' | 'database' | 'shardCount' | 'maxTimeMs'>) {
    this.shardCount = effectiveShardCount(options.shardCount ?? DEFAULT_SHARD_COUNT);
    this.maxTimeMs = options.maxTimeMs ?? DEFAULT_MAX_TIME_MS;
    this.#name = options.database ?? DEFAULT_DATABASE;
    this.#client = clientFor(options.uri);
  }

  /** Its primary: what a secondary says may be older than what made us ask. */
  collection<T extends Document>(name: string): Collection<T> {
    return this.#client.db(this.#name).collection<T>(name, { readPreference: 'primary' });
  }

  /** By the `readPreference` of the connection string: for what need not be of this moment. */
  leisurely<T extends Document>(name: string): Collection<T> {
    return this.#client.db(this.#name).collection<T>(name);
  }

  get name(): string {
    return this.#name;
  }

  /** A command on the database, asked of its primary. Connects if it must; fails, classified; `what` as in {@link classified}. */
  async command(what: string, command: Document, signal: AbortSignal): Promise<Document> {
    return await classified(what, signal, async () => {
      await this.#client.connect();
      return await this.#client.db(this.#name).command(command, { readPreference: 'primary', signal });
    });
  }

  /** A change stream over all collections, opened with the first question. Whoever asks for it closes it. */
  watch<T extends Document>(pipeline: Document[], options: ChangeStreamOptions): ChangeStream<Document, T> {
    return this.#client.db(this.#name).watch<Document, T>(pipeline, options);
  }

  /** Connects if it must, and asks one small query; fails as every other would. */
  async check(signal: AbortSignal): Promise<void> {
    await classified('project', signal, async () => {
      // A client whose first connection failed answers "Topology is closed" for good until it is told to connect again.
      await this.#client.connect();
      const projects = this.collection(PROJECT_COLLECTION);
      return await projects.findOne({}, { projection: { _id: 1 }, maxTimeMS: this.maxTimeMs, signal });
    });
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

function clientFor(uri: string): MongoClient {
  const given = uri.slice(uri.indexOf('?') + 1).toLowerCase();
  const defaults = Object.entries(CONNECTION_DEFAULTS).filter(
    ([name]) => !given.split('&').some((option) => option.startsWith(`${name.toLowerCase()}=`)),
  );
  try {
    return new MongoClient(uri, Object.fromEntries(defaults));
  } catch (error) {
    // The cause is left out: errors about a connection string may carry it, and with it the password.
    const name = error instanceof Error ? error.name : 'Error';
    const message = `the connection string of the source database cannot be used (${name}): check scheme, hosts, escaping of the password, and options`;
    throw new ReplicationError('spec', 'SourceMisconfigured', message);
  }
}

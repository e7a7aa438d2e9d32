/**
 * Finds the bytes of a blob (design: reading order). For each of the repository's credentials key, the default storage
 * and the key a node was copied from: cache, then store; after all of them the source's own `/replica/blob/pull`.
 *
 * Guarantees: a place that cannot tell is an error, never "missing"; exactly the declared number of bytes comes, or the
 * stream fails. Does not guarantee the digest: whoever reads the stream hashes it.
 */
import type { Readable } from 'node:stream';
import { ReplicationError } from '../../domain/errors.ts';
import type { SourceRepository } from '../../engine/ports/source.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { isSha256 } from '../schema/store-layout.ts';
import type { BlobPlace, BlobRequest } from './place.ts';
import type { PullClient } from './pull-client.ts';
import type { Storages } from './storages.ts';

/** A younger node's blob may still be on its way from a cache to its store. */
const YOUNG_MS = 10 * 60_000;

/** What the reader needs of a node. */
interface BlobOwner {
  readonly fullPath: string;
  readonly createdDate: Date;
  readonly lastModifiedDate: Date;
  readonly copyFromCredentialsKey: string | null;
}

interface BlobReaderOptions {
  readonly storages: Storages;
  readonly pull: PullClient | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What was found where nothing usable was. */
interface Miss {
  readonly place: string;
  readonly words: string;
  readonly error?: ReplicationError;
  /** The place has bytes under the digest, but not these. */
  readonly unusable?: true;
}

export class BlobReader {
  readonly #options: BlobReaderOptions;

  constructor(options: BlobReaderOptions) {
    this.#options = options;
  }

  async open(
    repository: SourceRepository,
    owner: BlobOwner,
    request: BlobRequest,
    signal: AbortSignal,
  ): Promise<Readable> {
    if (!isSha256(request.sha256)) throw invalid(owner, `the node has no valid sha256`);
    if (request.start < 0 || request.start > request.size)
      throw invalid(owner, `byte ${request.start} was asked for, of ${request.size}`);
    const misses: Miss[] = [];
    for await (const place of this.#places(repository, owner, misses, signal)) {
      const stream = await this.#tryPlace(place, request, misses, signal);
      if (stream !== undefined) return stream;
    }
    throw this.#failure(owner, request, misses);
  }

  async *#places(
    repository: SourceRepository,
    owner: BlobOwner,
    misses: Miss[],
    signal: AbortSignal,
  ): AsyncGenerator<BlobPlace> {
    const keys = new Set([repository.credentialsKey, null, owner.copyFromCredentialsKey]);
    for (const key of keys) {
      const { places, reason } = await this.#options.storages.direct(key, signal);
      if (reason !== undefined) misses.push({ place: `storage ${key ?? 'default'}`, words: reason });
      yield* places;
    }
    const { pull } = this.#options;
    if (pull === undefined) misses.push({ place: 'pull', words: 'not configured' });
    else for (const key of keys) yield pull.place(key);
  }

  async #tryPlace(
    place: BlobPlace,
    request: BlobRequest,
    misses: Miss[],
    signal: AbortSignal,
  ): Promise<Readable | undefined> {
    try {
      const answer = await place.open(request, signal);
      if (answer.kind === 'found') return answer.stream;
      if (answer.kind === 'missing') misses.push({ place: place.name, words: 'not there' });
      else misses.push({ place: place.name, words: answer.reason, unusable: true });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ReplicationError)) throw error;
      this.#options.logger.debug('a place of blobs failed', { place: place.name, sha256: request.sha256, error });
      misses.push({ place: place.name, words: error.message, error });
    }
    return undefined;
  }

  #failure(owner: BlobOwner, request: BlobRequest, misses: readonly Miss[]): ReplicationError {
    const places = misses.map(({ place, words }) => `${place}: ${words}`).join('; ');
    const blob = `blob ${request.sha256} (${request.size} bytes) of ${owner.fullPath}`;
    const errors = misses.flatMap(({ error }) => (error === undefined ? [] : [error]));
    const error = errors.find(({ errorClass }) => errorClass === 'retryable') ?? errors[0];
    if (error !== undefined)
      return new ReplicationError(error.errorClass, error.code, `the ${blob} could not be read: ${places}`, {
        cause: error,
      });
    if (misses.some(({ unusable }) => unusable))
      return new ReplicationError(this.#missingClass(owner), 'BlobSizeMismatch', `the ${blob} is damaged: ${places}`);
    return new ReplicationError(this.#missingClass(owner), 'BlobMissing', `the ${blob} is missing: ${places}`);
  }

  #missingClass(owner: BlobOwner): 'retryable' | 'unit' {
    const written = Math.max(owner.createdDate.getTime(), owner.lastModifiedDate.getTime());
    return this.#options.clock.now() - written < YOUNG_MS ? 'retryable' : 'unit';
  }
}

function invalid(owner: BlobOwner, words: string): ReplicationError {
  return new ReplicationError('unit', 'SourceDataInvalid', `${owner.fullPath}: ${words}`);
}

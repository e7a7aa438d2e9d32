/**
 * The calls of a chunked upload (contract §2.8, §11), one request each. Only the session's id is taken from the server:
 * its Location names a host and prefix of its own making. A session that the far side does not know is told as
 * `unknown` by `ask`, and is the retryable error `UploadSessionLost` of the other calls.
 */
import { ReplicationError } from '../../domain/errors.ts';
import type { BlobUpload, TargetRepository } from '../../engine/ports/target.ts';
import type { HttpAnswer } from '../http/http-answer.ts';
import type { HttpRequest } from '../http/http-client.ts';
import { isMissingCall, REMOTE } from './answer-errors.ts';
import { blobStored } from './blobs.ts';
import type { BkRepoClient } from './client.ts';
import { digestMs } from './upload-source.ts';

const MARK = { chunkedupload: 'chunkedUpload' };

/** A part of the blob: `end` is behind its last byte. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
  readonly bytes: AsyncIterable<Buffer>;
}

/** Bytes that a session holds; `elsewhere` = not as many as asked about, and how many was not told. */
export type Holding = number | 'elsewhere' | 'unknown';

export class ChunkedCalls {
  readonly #client: BkRepoClient;
  readonly #repository: TargetRepository;
  readonly #blob: BlobUpload;
  readonly #signal: AbortSignal;

  constructor(client: BkRepoClient, repository: TargetRepository, blob: BlobUpload, signal: AbortSignal) {
    this.#client = client;
    this.#repository = repository;
    this.#blob = blob;
    this.#signal = signal;
  }

  /** `blob/check`. */
  stored(): Promise<boolean> {
    return blobStored(this.#client, this.#repository, this.#blob.sha256, this.#signal);
  }

  /** The id of a new session; undefined = the server has no chunked calls. */
  async begin(): Promise<string | undefined> {
    const request: HttpRequest = {
      method: 'POST',
      path: this.#path('', {}),
      headers: { ...MARK, 'content-type': 'application/json; charset=utf-8' },
      body: Buffer.alloc(0),
    };
    try {
      const id = await this.#client.exchange(
        request,
        async (answer) => {
          await this.#client.expectStatus(request, answer, [202]);
          return sessionId(answer.header('location')) ?? sessionId(answer.header('push-session-id'));
        },
        this.#signal,
      );
      if (id !== undefined) return id;
    } catch (error) {
      // 401 is how some servers say that they have no such call (contract §2.8); if it is the password, blob/push tells.
      const unauthorized = error instanceof ReplicationError && error.status === 401;
      if (unauthorized || isMissingCall(error)) return undefined;
      throw error;
    }
    throw this.lost('opened no session that has a name', 202, request);
  }

  /**
   * Asks whether the session holds just `position` bytes (more than 0), by a chunk without bytes: every server compares
   * the start of a chunk with what it has before it looks at the chunk. What a 416 says about the position is true at a
   * sound server, which leaves it out when it has nothing; a real one tells the length of the refused chunk (measured,
   * contract §11), here 0, and `0--1` is no range.
   */
  ask(id: string, position: number): Promise<Holding> {
    const request = this.#patch(id, position, position, Buffer.alloc(0));
    return this.#client.exchange(
      request,
      async (answer): Promise<Holding> => {
        if (answer.status === 416 && answer.header('range') === undefined) return 0;
        if (answer.status === 416) return rangeEnd(answer) ?? 'elsewhere';
        if (await this.#isUnknown(request, answer, 202)) return 'unknown';
        return position;
      },
      this.#signal,
    );
  }

  /** False = the session does not stand at the chunk's start. */
  send(id: string, { start, end, bytes }: Chunk): Promise<boolean> {
    const request = this.#patch(id, start, end, { length: end - start, chunks: bytes });
    return this.#client.exchange(
      request,
      async (answer) => {
        if (answer.status === 416) return false;
        if (await this.#isUnknown(request, answer, 202)) throw this.lost('has no such session', answer.status, request);
        const range = answer.header('range');
        if (range === undefined || rangeEnd(answer) === end) return true;
        throw this.lost(`holds bytes ${range} after ${start}-${end - 1} were sent`, answer.status, request);
      },
      this.#signal,
    );
  }

  /** Without `size`, because only then the server compares the sha256 of what it received. */
  finish(id: string): Promise<void> {
    const request: HttpRequest = {
      method: 'PUT',
      path: this.#path(id, { md5: this.#blob.md5 }),
      headers: { ...MARK, 'content-type': 'application/octet-stream' },
      body: Buffer.alloc(0),
      extraAnswerMs: digestMs(this.#blob.size),
    };
    return this.#client.exchange(
      request,
      async (answer) => {
        const gone = answer.status === 416 || (await this.#isUnknown(request, answer, 201));
        if (gone) throw this.lost(`answered ${answer.status}`, answer.status, request);
      },
      this.#signal,
    );
  }

  /** What is thrown when a session cannot be gone on with; `status` is that of the answer which said so. */
  lost(why: string, status: number, request?: HttpRequest): ReplicationError {
    const where = request ?? { method: 'PATCH', path: this.#path('', {}) };
    const words = `${this.#client.describe(where)}: the upload session is lost, the far side ${why}`;
    return new ReplicationError('retryable', 'UploadSessionLost', words, { status });
  }

  #patch(id: string, start: number, end: number, body: NonNullable<HttpRequest['body']>): HttpRequest {
    const { size, sha256, md5 } = this.#blob;
    return {
      method: 'PATCH',
      path: this.#path(id, {}),
      headers: {
        ...MARK,
        'content-type': 'application/octet-stream',
        'content-range': `${start}-${end - 1}`,
        repo: `${this.#repository.projectId}|${this.#repository.name}`,
        sha256,
        size: String(size),
        md5,
      },
      body,
      extraAnswerMs: digestMs(end - start),
    };
  }

  /** 404, or at real servers 500 with 251101 (contract §11); another answer than the wanted one is thrown. */
  async #isUnknown(request: HttpRequest, answer: HttpAnswer, wanted: number): Promise<boolean> {
    if (answer.status === 404) return true;
    try {
      await this.#client.expectStatus(request, answer, [wanted]);
      return false;
    } catch (error) {
      const { remoteCode } = error instanceof ReplicationError ? error : {};
      if (remoteCode !== REMOTE.storeFailed || answer.status !== 500) throw error;
      return true;
    }
  }

  #path(id: string, query: Readonly<Record<string, string>>): string {
    const { projectId, name, storageKey } = this.#repository;
    return this.#client.endpoints.replica([projectId, name, 'blobs', 'uploads', id], {
      sha256: this.#blob.sha256,
      ...query,
      storageKey,
    });
  }
}

/** Bytes that `Range: 0-<last>` speaks of. */
function rangeEnd(answer: HttpAnswer): number | undefined {
  const last = /^(?:bytes[ =])?0-(\d{1,15})$/.exec(answer.header('range') ?? '')?.[1];
  return last === undefined ? undefined : Number(last) + 1;
}

/** The last segment of a path, when it can be a segment of ours. */
function sessionId(location: string | undefined): string | undefined {
  const last = location?.split('?')[0]?.split('/').at(-1);
  return last !== undefined && /^[\w-]{1,128}$/.test(last) ? last : undefined;
}

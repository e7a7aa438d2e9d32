/**
 * Chunked upload (contract §2.8, §11): POST opens a session, PATCH sends the chunks, PUT finishes. The PUT goes without
 * `size`, because only then the server compares the sha256 of what it received. That comparison does not reach bytes
 * which were stored under the name before: the server skips the store then. So `verified` needs a `blob/check` that said
 * "absent" before and says "stored" after; a server whose check always says "absent" never gets it.
 *
 * An upload that the network or a passing error of the far side broke off goes on at the last acknowledged chunk with the
 * next attempt; the source is read from the beginning then, because its digest is checked, but only the missing bytes are
 * sent. A session that the far side has lost, or that answers nothing but errors, is given up.
 */
import { ReplicationError } from '../../domain/errors.ts';
import type { BlobUpload, TargetRepository, UploadProof } from '../../engine/ports.ts';
import type { HttpAnswer } from '../http/http-answer.ts';
import type { HttpRequest } from '../http/http-client.ts';
import { isMissingCall, REMOTE } from './answer-errors.ts';
import { blobStored } from './blobs.ts';
import { ChunkReader } from './chunk-reader.ts';
import type { BkRepoClient } from './client.ts';
import type { UploadSession, UploadSessions } from './upload-sessions.ts';
import { digestMs, withSource } from './upload-source.ts';

export const CHUNK_BYTES = 8 * 1024 * 1024;

/** Errors in a row after which a session is taken for broken. */
const MAX_SETBACKS = 3;

/** Errors with which a session ends at the far side. */
const ENDING: ReadonlySet<string> = new Set(['UploadSessionLost', 'DigestMismatch']);

const MARK = { chunkedupload: 'chunkedUpload' };

export class ChunkedPush {
  readonly #client: BkRepoClient;
  readonly #sessions: UploadSessions;
  readonly #repository: TargetRepository;
  readonly #blob: BlobUpload;
  readonly #signal: AbortSignal;
  readonly #key: string;

  constructor(
    client: BkRepoClient,
    sessions: UploadSessions,
    repository: TargetRepository,
    blob: BlobUpload,
    signal: AbortSignal,
  ) {
    this.#client = client;
    this.#sessions = sessions;
    this.#repository = repository;
    this.#blob = blob;
    this.#signal = signal;
    this.#key = JSON.stringify([repository.projectId, repository.name, repository.storageKey, blob.sha256]);
  }

  /** `unsupported` = the server has no chunked calls, nothing was sent. */
  async push(): Promise<UploadProof | 'unsupported'> {
    const begun = this.#sessions.take(this.#key) ?? (await this.#begin());
    if (begun === 'unsupported' || begun === 'accepted') return begun;
    const session = await this.#sendAll(begun);
    await this.#keepingOnBreak(session, () => this.#finish(session));
    const storedNow = session.absentBefore && (await this.#stored());
    return storedNow ? 'verified' : 'accepted';
  }

  /** A blob that the far side names as stored would be received and thrown away: it is not sent at all. */
  async #begin(): Promise<UploadSession | 'unsupported' | 'accepted'> {
    if (await this.#stored()) return 'accepted';
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
      if (id !== undefined) return { id, acknowledged: 0, absentBefore: true, setbacks: 0 };
    } catch (error) {
      // 401 is how some servers say that they have no such call (contract §2.8); if it is the password, blob/push tells.
      const unauthorized = error instanceof ReplicationError && error.status === 401;
      if (unauthorized || isMissingCall(error)) return 'unsupported';
      throw error;
    }
    throw this.#lost(request, 'opened no session that has a name', 202);
  }

  async #sendAll(begun: UploadSession): Promise<UploadSession> {
    let session = begun;
    if (session.acknowledged >= this.#blob.size) return session;
    await withSource(
      this.#blob,
      session.acknowledged,
      async (source) => {
        const reader = new ChunkReader(source);
        await reader.skip(session.acknowledged);
        while (session.acknowledged < this.#blob.size) {
          const present = session;
          const acknowledged = await this.#keepingOnBreak(present, () => this.#sendChunk(present, reader));
          session = { ...session, acknowledged, setbacks: 0 };
        }
      },
      this.#signal,
    );
    return session;
  }

  /** Gives the number of bytes acknowledged so far. */
  async #sendChunk(session: UploadSession, reader: ChunkReader): Promise<number> {
    const { size, sha256, md5 } = this.#blob;
    const start = session.acknowledged;
    const end = Math.min(start + CHUNK_BYTES, size);
    const request: HttpRequest = {
      method: 'PATCH',
      path: this.#path(session.id, {}),
      headers: {
        ...MARK,
        'content-type': 'application/octet-stream',
        'content-range': `${start}-${end - 1}`,
        repo: `${this.#repository.projectId}|${this.#repository.name}`,
        sha256,
        size: String(size),
        md5,
      },
      body: { length: end - start, chunks: reader.take(end - start) },
      extraAnswerMs: digestMs(end - start),
    };
    return this.#client.exchange(
      request,
      async (answer) => {
        await this.#expectInSession(request, answer, 202);
        const range = answer.header('range') ?? `0-${end - 1}`;
        if (range === `0-${end - 1}`) return end;
        throw this.#lost(request, `holds bytes ${range} after ${start}-${end - 1} were sent`, answer.status);
      },
      this.#signal,
    );
  }

  async #finish(session: UploadSession): Promise<void> {
    const request: HttpRequest = {
      method: 'PUT',
      path: this.#path(session.id, { md5: this.#blob.md5 }),
      headers: { ...MARK, 'content-type': 'application/octet-stream' },
      body: Buffer.alloc(0),
      extraAnswerMs: digestMs(this.#blob.size),
    };
    await this.#client.exchange(request, (answer) => this.#expectInSession(request, answer, 201), this.#signal);
  }

  /** An unknown session is 404, or at real servers 500 with 251101 (contract §11); 416 means that positions differ. */
  async #expectInSession(request: HttpRequest, answer: HttpAnswer, wanted: number): Promise<void> {
    if (answer.status === 416 || answer.status === 404)
      throw this.#lost(request, `answered ${answer.status}`, answer.status);
    try {
      await this.#client.expectStatus(request, answer, [wanted]);
    } catch (error) {
      if (!(error instanceof ReplicationError) || error.remoteCode !== REMOTE.storeFailed || answer.status !== 500)
        throw error;
      throw this.#lost(request, `answered ${answer.status}, ${error.remoteCode}`, answer.status);
    }
  }

  /** Keeps a session that the next attempt can go on with. */
  async #keepingOnBreak<T>(session: UploadSession, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const kept = this.#signal.aborted ? session : afterBreak(session, error);
      if (kept !== undefined) this.#sessions.keep(this.#key, kept);
      throw error;
    }
  }

  #stored(): Promise<boolean> {
    return blobStored(this.#client, this.#repository, this.#blob.sha256, this.#signal);
  }

  /** Only the session's id is taken from the server: its Location names a host and prefix of its own making. */
  #path(id: string, query: Readonly<Record<string, string>>): string {
    const { projectId, name, storageKey } = this.#repository;
    return this.#client.endpoints.replica([projectId, name, 'blobs', 'uploads', id], {
      sha256: this.#blob.sha256,
      ...query,
      storageKey,
    });
  }

  #lost(request: HttpRequest, why: string, status: number): ReplicationError {
    const words = `${this.#client.describe(request)}: the upload session is lost, the far side ${why}`;
    return new ReplicationError('retryable', 'UploadSessionLost', words, { status });
  }
}

/** The session as the next attempt may use it; undefined = not at all. */
function afterBreak(session: UploadSession, error: unknown): UploadSession | undefined {
  if (!(error instanceof ReplicationError) || error.errorClass !== 'retryable' || ENDING.has(error.code))
    return undefined;
  const { status } = error;
  if (status === undefined || status === 429 || status === 503) return session;
  return session.setbacks + 1 < MAX_SETBACKS ? { ...session, setbacks: session.setbacks + 1 } : undefined;
}

/** The last segment of a path, when it can be a segment of ours. */
function sessionId(location: string | undefined): string | undefined {
  const last = location?.split('?')[0]?.split('/').at(-1);
  return last !== undefined && /^[\w-]{1,128}$/.test(last) ? last : undefined;
}

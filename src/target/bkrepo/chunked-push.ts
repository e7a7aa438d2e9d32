/**
 * Chunked upload: a session is opened, filled by chunks and finished, and the far side compares the sha256 of what it
 * received. That comparison does not reach bytes which were stored under the name before: the server skips the store
 * then. So `verified` needs a `blob/check` that said "absent" before and says "stored" after; a server whose check always
 * says "absent" never gets it.
 *
 * An upload that broke off goes on where the far side stands, with the next attempt or in another process: what has been
 * acknowledged is neither sent nor read again. Then the whole is not hashed on our side, and the far side's comparison
 * decides; if it finds other bytes, the upload begins anew once, hashed from the first byte on, so that wrong bytes of
 * the source are told as that. A session that the far side has lost, or that answers nothing but errors, is given up.
 */
import { ReplicationError } from '../../domain/errors.ts';
import type { BlobUpload, TargetRepository, UploadProof, UploadSession } from '../../engine/ports/target.ts';
import { ContentMismatchError } from '../../lib/verified-stream.ts';
import { ChunkReader } from './chunk-reader.ts';
import { ChunkedCalls } from './chunked-calls.ts';
import type { BkRepoClient } from './client.ts';
import { NOTE_EVERY_BYTES, UploadNote } from './upload-note.ts';
import { counted, withSource } from './upload-source.ts';

export const CHUNK_BYTES = 8 * 1024 * 1024;

/** Errors and steps back in a row after which a session is taken for broken. */
const MAX_SETBACKS = 3;

/** Chunks that the far side may have taken since the last note, one whose answer was lost among them. */
const CHUNKS_AHEAD = NOTE_EVERY_BYTES / CHUNK_BYTES;

/** Errors with which a session ends, at the far side or because what it holds cannot be right. */
const ENDING: ReadonlySet<string> = new Set(['UploadSessionLost', 'DigestMismatch', 'ContentMismatch']);

export class ChunkedPush {
  readonly #blob: BlobUpload;
  readonly #signal: AbortSignal;
  readonly #calls: ChunkedCalls;
  readonly #note: UploadNote;
  /** As far as it came; undefined while there is none to go on with. */
  #session: UploadSession | undefined;
  /** The farthest that it has been. */
  #farthest = 0;
  /** The source was not read as a whole for this session, so nobody here has hashed it. */
  #inParts = false;

  constructor(client: BkRepoClient, repository: TargetRepository, blob: BlobUpload, signal: AbortSignal) {
    this.#blob = blob;
    this.#signal = signal;
    this.#calls = new ChunkedCalls(client, repository, blob, signal);
    this.#note = new UploadNote(blob.memory, client.options.clock);
  }

  /** `unsupported` = the server has no chunked calls, nothing was sent. */
  async push(): Promise<UploadProof | 'unsupported'> {
    try {
      return await this.#push();
    } catch (error) {
      if (this.#session !== undefined) await this.#keepAfter(this.#session, error);
      throw error;
    }
  }

  async #push(): Promise<UploadProof | 'unsupported'> {
    const begun = (await this.#resume()) ?? (await this.#begin());
    if (typeof begun === 'string') return begun;
    try {
      await this.#complete(begun);
    } catch (error) {
      if (!this.#inParts || !(error instanceof ReplicationError) || error.code !== 'DigestMismatch') throw error;
      await this.#giveUp();
      const again = await this.#begin();
      if (typeof again === 'string') return again;
      await this.#complete(again);
    }
    this.#session = undefined;
    await this.#note.forget(this.#signal);
    const storedNow = begun.absentBefore && (await this.#calls.stored());
    return storedNow ? 'verified' : 'accepted';
  }

  /** The session of an attempt that broke off; undefined = none that could be gone on with. */
  async #resume(): Promise<UploadSession | 'accepted' | undefined> {
    const noted = await this.#note.load(this.#signal);
    if (noted === undefined) return undefined;
    // What somebody else has stored meanwhile is not replaced, and no longer proved by the end of this session.
    if (await this.#calls.stored()) {
      await this.#note.forget(this.#signal);
      return 'accepted';
    }
    this.#session = noted;
    this.#farthest = noted.acknowledged;
    const found = await this.#whereItStands(noted);
    if (found !== undefined && found.setbacks < MAX_SETBACKS) {
      // Also where all is there, and nothing is left to be read.
      this.#inParts = found.acknowledged > 0;
      return await this.#moved(found);
    }
    await this.#giveUp();
    return undefined;
  }

  /** A blob that the far side names as stored would be received and thrown away: it is not sent at all. */
  async #begin(): Promise<UploadSession | 'unsupported' | 'accepted'> {
    if (await this.#calls.stored()) return 'accepted';
    const id = await this.#calls.begin();
    if (id === undefined) return 'unsupported';
    this.#farthest = 0;
    this.#inParts = false;
    return await this.#moved({ id, acknowledged: 0, absentBefore: true, setbacks: 0 });
  }

  async #complete(begun: UploadSession): Promise<void> {
    let session = begun;
    while (session.acknowledged < this.#blob.size) {
      const { reached, refused } = await this.#sendFrom(session);
      session = refused ? await this.#stepBack(reached) : reached;
    }
    await this.#calls.finish(session.id);
  }

  /** Sends chunk after chunk until the end, or until the far side says that it stands elsewhere. */
  async #sendFrom(begun: UploadSession): Promise<{ readonly reached: UploadSession; readonly refused: boolean }> {
    const { size } = this.#blob;
    if (begun.acknowledged > 0) this.#inParts = true;
    return await withSource(
      this.#blob,
      begun.acknowledged,
      async (source) => {
        const reader = new ChunkReader(source);
        let session = begun;
        while (session.acknowledged < size) {
          const start = session.acknowledged;
          const end = Math.min(start + CHUNK_BYTES, size);
          const bytes = counted(reader.take(end - start), this.#blob);
          if (!(await this.#calls.send(session.id, { start, end, bytes }))) return { reached: session, refused: true };
          session = await this.#acknowledged(session, end);
        }
        return { reached: session, refused: false };
      },
      this.#signal,
    );
  }

  async #acknowledged(session: UploadSession, end: number): Promise<UploadSession> {
    const setbacks = end > this.#farthest ? 0 : session.setbacks;
    this.#farthest = Math.max(this.#farthest, end);
    this.#session = { ...session, acknowledged: end, setbacks };
    this.#blob.onAcknowledged?.(end);
    await this.#note.follow(this.#session, this.#signal);
    return this.#session;
  }

  async #stepBack(session: UploadSession): Promise<UploadSession> {
    const found = await this.#whereItStands(session);
    const setbacks = session.setbacks + 1;
    if (found === undefined) throw this.#calls.lost('does not say how much of it it has', 416);
    if (setbacks >= MAX_SETBACKS) throw this.#calls.lost(`refused to go on ${setbacks} times`, 416);
    return await this.#moved({ ...found, setbacks });
  }

  /**
   * Asks for the position. A real server only says yes or no to the one that is asked for: then those are tried which
   * chunks since the last note have led to. undefined = not to be found, or there is no such session.
   */
  async #whereItStands(session: UploadSession): Promise<UploadSession | undefined> {
    const { size } = this.#blob;
    const { id, acknowledged } = session;
    for (let ahead = 0; ahead <= CHUNKS_AHEAD; ahead += 1) {
      const position = Math.min(acknowledged + ahead * CHUNK_BYTES, size);
      if (position > 0) {
        const holding = await this.#calls.ask(id, position);
        if (holding === 'unknown') return undefined;
        if (holding !== 'elsewhere') return holding > size ? undefined : stoodAt(session, holding);
      }
      if (position === size) break;
    }
    return acknowledged === 0 ? session : undefined;
  }

  async #moved(session: UploadSession): Promise<UploadSession> {
    this.#session = session;
    await this.#note.write(session, this.#signal);
    return session;
  }

  async #giveUp(): Promise<void> {
    this.#session = undefined;
    await this.#note.forget(this.#signal);
  }

  /** What the next attempt may go on with. */
  async #keepAfter(session: UploadSession, error: unknown): Promise<void> {
    const kept = afterBreak(session, error);
    if (kept === undefined) await this.#note.forget(this.#signal);
    else await this.#note.write(kept, this.#signal);
  }
}

/** To have lost what it had acknowledged counts against a session. */
function stoodAt(session: UploadSession, acknowledged: number): UploadSession {
  const setbacks = session.setbacks + (acknowledged < session.acknowledged ? 1 : 0);
  return { ...session, acknowledged, setbacks };
}

/**
 * The session as the next attempt may use it; undefined = not at all. It outlives errors that say nothing about it:
 * those of the network, of credentials, of the source, of a far side that has too much to do.
 */
function afterBreak(session: UploadSession, error: unknown): UploadSession | undefined {
  if (error instanceof ContentMismatchError) return undefined;
  if (!(error instanceof ReplicationError)) return session;
  const { status, errorClass, code } = error;
  if (ENDING.has(code)) return undefined;
  if (status === undefined || status === 429 || status === 503 || errorClass === 'cluster') return session;
  if (errorClass !== 'retryable' || session.setbacks + 1 >= MAX_SETBACKS) return undefined;
  return { ...session, setbacks: session.setbacks + 1 };
}

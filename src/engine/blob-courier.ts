/**
 * Brings blobs to one far-side repository store. Guarantees: a digest crosses at most once in a run; what `ensure` and
 * `prove` return for has been accepted or proved as the task's verification asks; bytes of the source that are not what
 * they were declared to be never complete an upload; wrong bytes under a digest are the unit error `StoredBytesDiffer`.
 */
import { Readable } from 'node:stream';
import { ReplicationError } from '../domain/errors.ts';
import { LARGE_BLOB_BYTES, mustReadBack } from '../domain/upload-verification.ts';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { VerifiedStream } from '../lib/verified-stream.ts';
import type { FarSideLink } from './far-side-link.ts';
import type { Lane } from './pacing/lane.ts';
import type { BlobProof, ProofMethod, SourceNode, SourceRepository, TargetRepository, UploadProof } from './ports.ts';
import type { UploadVerification } from './run-types.ts';
import { readingError } from './source-content.ts';
import type { SourceReader } from './source-reader.ts';

export interface CourierOptions {
  readonly recordId: string;
  readonly source: SourceReader;
  readonly link: FarSideLink;
  readonly lane: Pick<Lane, 'pace' | 'isPaced'>;
  readonly verification: UploadVerification;
  /** A far side that gets blobs only: each is asked for before it is sent. */
  readonly blobsOnly: boolean;
  /** Between two attempts to read a blob at the source. */
  readonly backoff: BackoffPolicy;
  readonly clock: Clock;
  readonly random: () => number;
}

export interface Parcel {
  readonly repository: SourceRepository;
  readonly target: TargetRepository;
  readonly node: SourceNode;
  /** What the journal knew of this digest at this far side when the unit was compared. */
  readonly proof: BlobProof | undefined;
  /** The bytes of a document made for the far side; undefined = the source's blob. */
  readonly content?: Uint8Array | undefined;
}

export interface Delivery {
  /** Payload bytes sent by this call. */
  readonly bytesSent: number;
  /** The proof made by this call, to be written to the journal; undefined when nothing new was learnt. */
  readonly proof: ProofMethod | undefined;
}

/** So many digests of this run are remembered here; older ones are found by their proof in the journal. */
const REMEMBERED_DIGESTS = 20_000;

/** Attempts to read one blob at the source before its unit fails. */
const READ_ATTEMPTS = 5;

const NOTHING_NEW: Delivery = { bytesSent: 0, proof: undefined };

export class BlobCourier {
  readonly #options: CourierOptions;
  readonly #underway = new Map<string, Promise<Delivery>>();
  readonly #delivered = new Set<string>();
  #smallBlobsProved = 0;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Makes sure that the blob of a node about to be created is stored. */
  ensure(parcel: Parcel, signal: AbortSignal): Promise<Delivery> {
    return this.#once(parcel, () => this.#deliver(parcel, signal));
  }

  /** Makes sure that the blob of a node that is already there is stored and right; sends it when it is missing. */
  prove(parcel: Parcel, signal: AbortSignal): Promise<Delivery> {
    return this.#once(parcel, () => this.#proveStored(parcel, signal));
  }

  async #once(parcel: Parcel, work: () => Promise<Delivery>): Promise<Delivery> {
    const key = `${parcel.target.storageKey ?? ''}\n${parcel.node.sha256}`;
    if (this.#delivered.has(key) || parcel.proof?.recordId === this.#options.recordId) return NOTHING_NEW;
    const underway = this.#underway.get(key);
    if (underway !== undefined) {
      await underway;
      return NOTHING_NEW;
    }
    const promise = work();
    this.#underway.set(key, promise);
    try {
      const delivery = await promise;
      this.#remember(key);
      return delivery;
    } finally {
      this.#underway.delete(key);
    }
  }

  #remember(key: string): void {
    this.#delivered.add(key);
    if (this.#delivered.size <= REMEMBERED_DIGESTS) return;
    const [oldest] = this.#delivered;
    if (oldest !== undefined) this.#delivered.delete(oldest);
  }

  async #deliver(parcel: Parcel, signal: AbortSignal): Promise<Delivery> {
    const { node, target, proof } = parcel;
    const { link, blobsOnly } = this.#options;
    const askFirst = proof !== undefined || blobsOnly || node.size >= LARGE_BLOB_BYTES;
    const stored = askFirst && (await link.call((t) => t.blobStored(target, node.sha256, signal), signal));
    if (stored && proof !== undefined) return NOTHING_NEW;
    // "false" means perhaps absent (contract §11): what was proved before is looked at before it is sent again.
    if (stored || (blobsOnly && proof !== undefined)) return this.#proveStored(parcel, signal);
    return this.#push(parcel, signal);
  }

  async #proveStored(parcel: Parcel, signal: AbortSignal): Promise<Delivery> {
    const { node, target } = parcel;
    if (this.#options.verification === 'never') {
      const stored = await this.#options.link.call((t) => t.blobStored(target, node.sha256, signal), signal);
      return stored ? { bytesSent: 0, proof: 'check' } : this.#push(parcel, signal);
    }
    const there = await this.#readBack(parcel, signal);
    return there ? { bytesSent: 0, proof: 'read-back' } : this.#push(parcel, signal);
  }

  async #push(parcel: Parcel, signal: AbortSignal): Promise<Delivery> {
    const { node } = parcel;
    const { link, verification } = this.#options;
    const answer = await this.#upload(parcel, signal);
    const provedByUpload = answer === 'verified';
    const readBack = mustReadBack(verification, {
      size: node.size,
      provedByUpload,
      smallBlobsProved: this.#smallBlobsProved,
      random: this.#options.random(),
    });
    if (!readBack) return { bytesSent: node.size, proof: provedByUpload ? 'chunked-finish' : 'accepted' };
    if (!(await this.#readBack(parcel, signal))) {
      throw new ReplicationError(
        'unit',
        'BlobNotStored',
        `far side ${link.name} accepted blob ${node.sha256} of ${node.fullPath} but does not have it`,
      );
    }
    if (node.size < LARGE_BLOB_BYTES) this.#smallBlobsProved += 1;
    return { bytesSent: node.size, proof: 'read-back' };
  }

  async #bytes({ node, repository, content }: Parcel, signal: AbortSignal): Promise<Readable> {
    if (content !== undefined) return Readable.from([content]);
    return guarded(await this.#options.source.open(repository, node, signal), node);
  }

  /** A failure to read the source is told apart from a failure of the far side, and tried again on its own account. */
  async #upload(parcel: Parcel, signal: AbortSignal): Promise<UploadProof> {
    const { node, target } = parcel;
    const { link, lane, clock, backoff, random } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      const reading: { error?: unknown } = {};
      const open = async (sent: number, pushSignal: AbortSignal): Promise<Readable> => {
        try {
          const bytes = await this.#bytes(parcel, pushSignal);
          bytes.once('error', (error) => (reading.error ??= error));
          return lane.pace(bytes, sent, pushSignal);
        } catch (error) {
          reading.error ??= error;
          throw error;
        }
      };
      const blob = { sha256: node.sha256, md5: node.md5, size: node.size, paced: lane.isPaced(node.size), open };
      const answer = await link.upload(
        async (t) => {
          try {
            reading.error = undefined;
            return await t.pushBlob(target, blob, signal);
          } catch (error) {
            signal.throwIfAborted();
            if (reading.error === undefined || isAbort(reading.error)) throw error;
            return undefined;
          }
        },
        node.size,
        signal,
      );
      if (answer !== undefined) return answer;
      const error = readingError(reading.error, node);
      const mismatch = error.code === 'SourceBytesDiffer';
      if (attempt + 1 >= (mismatch ? 2 : READ_ATTEMPTS) || (!mismatch && error.errorClass !== 'retryable')) throw error;
      await clock.sleep(backoffDelay(backoff, attempt, random), signal);
    }
  }

  /** False = the far side has no such blob. A wrong answer is read once more before it counts. */
  async #readBack({ node, target }: Parcel, signal: AbortSignal): Promise<boolean> {
    const { link } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      const found = await link.call((t) => t.readBack(target, node.sha256, node.size, signal), signal);
      if (found === undefined) return false;
      if (found.sha256 === node.sha256 && found.size === node.size) return true;
      if (attempt === 0) continue;
      throw new ReplicationError(
        'unit',
        'StoredBytesDiffer',
        `far side ${link.name} keeps wrong bytes under digest ${node.sha256}: read back ${found.size} bytes with sha256 ` +
          `${found.sha256}; bk-repo never replaces them by a new upload: remove the stored blob there, then run again`,
      );
    }
  }
}

function guarded(bytes: Readable, node: SourceNode): Readable {
  const verified = new VerifiedStream(node);
  bytes.once('error', (error) => verified.destroy(error));
  verified.once('close', () => bytes.destroy());
  return bytes.pipe(verified);
}

/** A stream that was destroyed because its consumer failed tells nothing about the source. */
function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || ('code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'))
  );
}

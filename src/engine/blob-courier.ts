/**
 * Brings blobs to one far-side repository store. Guarantees: a digest crosses at most once in a run; what `ensure` and
 * `prove` return for has been accepted or proved as the task's verification asks; bytes of the source that are not what
 * they were declared to be never complete an upload; wrong bytes under a digest are the unit error `StoredBytesDiffer`.
 */
import { ReplicationError } from '../domain/errors.ts';
import { LARGE_BLOB_BYTES, mustReadBack } from '../domain/upload-verification.ts';
import { BlobSender, type Sendable, type SenderOptions } from './blob-sender.ts';
import type { BlobProof, ProofMethod } from './ports/journal.ts';
import type { UploadTrust, UploadVerification } from './run-types.ts';

export interface CourierOptions extends SenderOptions {
  readonly recordId: string;
  readonly verification: UploadVerification;
  readonly trust: UploadTrust;
  /** A far side that gets blobs only: each is asked for before it is sent. */
  readonly blobsOnly: boolean;
}

export interface Parcel extends Sendable {
  /** What the journal knew of this digest at this far side when the unit was compared. */
  readonly proof: BlobProof | undefined;
}

export interface Delivery {
  /**
   * Payload bytes that this call sent, those of attempts that broke off among them. What another run or process sent
   * before is not counted, so for an upload that was gone on with they are fewer than its size.
   */
  readonly bytesSent: number;
  /** This call ended an upload; `bytesSent` is 0 then for an empty blob, and where only the end of one was missing. */
  readonly pushed: boolean;
  /** The proof made by this call, to be written to the journal; undefined when nothing new was learnt. */
  readonly proof: ProofMethod | undefined;
}

/** So many digests of this run are remembered here; older ones are found by their proof in the journal. */
const REMEMBERED_DIGESTS = 20_000;

const NOTHING_NEW: Delivery = { bytesSent: 0, pushed: false, proof: undefined };

export class BlobCourier {
  readonly #options: CourierOptions;
  readonly #sender: BlobSender;
  readonly #underway = new Map<string, Promise<Delivery>>();
  readonly #delivered = new Set<string>();

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#sender = new BlobSender(options);
  }

  /** Makes sure that the blob of a node about to be created is stored. */
  ensure(parcel: Parcel, signal: AbortSignal): Promise<Delivery> {
    return this.#once(parcel, () => this.#deliver(parcel, signal));
  }

  /** Makes sure that the blob of a node that is already there is stored and right; sends it when it is missing. */
  prove(parcel: Parcel, signal: AbortSignal): Promise<Delivery> {
    return this.#once(parcel, () => this.#proveStored(parcel, signal));
  }

  /** What was believed to be stored is not: it is sent again when it is needed again. */
  forget(target: Parcel['target'], sha256: string): void {
    this.#delivered.delete(keyOf(target, sha256));
  }

  async #once(parcel: Parcel, work: () => Promise<Delivery>): Promise<Delivery> {
    const key = keyOf(parcel.target, parcel.node.sha256);
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
      return stored ? { bytesSent: 0, pushed: false, proof: 'check' } : this.#push(parcel, signal);
    }
    const there = await this.#readBack(parcel, signal);
    return there ? { bytesSent: 0, pushed: false, proof: 'read-back' } : this.#push(parcel, signal);
  }

  async #push(parcel: Parcel, signal: AbortSignal): Promise<Delivery> {
    const { node } = parcel;
    const { link, verification, trust } = this.#options;
    let bytesSent = 0;
    const answer = await this.#sender.send(parcel, (bytes) => (bytesSent += bytes), signal);
    const provedByUpload = answer === 'verified';
    const readBack = mustReadBack(verification, {
      size: node.size,
      provedByUpload,
      smallBlobsProved: trust.smallBlobsProved,
      random: this.#options.random(),
    });
    if (!readBack) return { bytesSent, pushed: true, proof: provedByUpload ? 'chunked-finish' : 'accepted' };
    if (!(await this.#readBack(parcel, signal))) {
      throw new ReplicationError(
        'unit',
        'BlobNotStored',
        `far side ${link.name} accepted blob ${node.sha256} of ${node.fullPath} but does not have it`,
      );
    }
    if (node.size < LARGE_BLOB_BYTES) trust.smallBlobsProved += 1;
    return { bytesSent, pushed: true, proof: 'read-back' };
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

function keyOf({ storageKey }: Parcel['target'], sha256: string): string {
  return `${storageKey ?? ''}\n${sha256}`;
}

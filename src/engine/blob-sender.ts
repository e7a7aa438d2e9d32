import { Readable } from 'node:stream';
import { type BackoffPolicy, backoffDelay } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { VerifiedStream } from '../lib/verified-stream.ts';
import type { FarSideLink } from './far-side-link.ts';
import type { Lane } from './pacing/lane.ts';
import type { RunJournal } from './ports/journal.ts';
import type { SourceNode, SourceRepository } from './ports/source.ts';
import type { BlobUpload, TargetRepository, UploadProof } from './ports/target.ts';
import { readingError } from './reading-error.ts';
import type { SourceReader } from './source-reader.ts';
import { uploadMemory } from './upload-memory.ts';

export interface SenderOptions {
  readonly source: SourceReader;
  readonly journal: Pick<RunJournal, 'findUpload' | 'writeUpload' | 'deleteUpload'>;
  readonly link: FarSideLink;
  readonly lane: Pick<Lane, 'pace' | 'isPaced'>;
  /** Between two attempts to read a blob at the source. */
  readonly backoff: BackoffPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  /** Told of payload as it is sent, in bytes, whatever becomes of it. */
  readonly onPayload?: (bytes: number) => void;
}

export interface Sendable {
  readonly repository: SourceRepository;
  readonly target: TargetRepository;
  readonly node: SourceNode;
  /** The bytes of a document made for the far side; undefined = the source's blob. */
  readonly content?: Uint8Array | undefined;
}

/** Attempts to read one blob at the source before its unit fails. */
const READ_ATTEMPTS = 5;

/**
 * Reads blobs at the source and uploads them, large ones from where a broken-off upload stands. Guarantees that bytes of
 * the source which are not what they were declared to be end as the unit error `SourceBytesDiffer`, and complete nothing.
 */
export class BlobSender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** A failure to read the source is told apart from a failure of the far side, and tried again on its own account. */
  async send(parcel: Sendable, sent: (bytes: number) => void, signal: AbortSignal): Promise<UploadProof> {
    const { node, target, content } = parcel;
    const { link, lane, journal, clock, backoff, random, onPayload } = this.#options;
    const memory = content === undefined ? uploadMemory(journal, link.id, target, node) : undefined;
    let farthest = 0;
    for (let attempt = 0; ; attempt += 1) {
      const reading: { start: number; error?: unknown } = { start: 0 };
      const open = async (start: number, pushSignal: AbortSignal): Promise<Readable> => {
        reading.start = start;
        try {
          const bytes = await this.#bytes(parcel, start, pushSignal);
          bytes.once('error', (error) => (reading.error ??= error));
          return lane.pace(bytes, pushSignal);
        } catch (error) {
          reading.error ??= error;
          throw error;
        }
      };
      const blob = (gotOn: () => void): BlobUpload => ({
        sha256: node.sha256,
        md5: node.md5,
        size: node.size,
        paced: lane.isPaced(node.size),
        ...(memory === undefined ? {} : { memory }),
        open,
        onPayload: (bytes) => {
          sent(bytes);
          onPayload?.(bytes);
        },
        onAcknowledged: (bytes) => {
          // What has to be sent again, because it was lost, is no progress the second time.
          if (bytes <= farthest || memory === undefined) return;
          farthest = bytes;
          gotOn();
        },
      });
      const answer = await link.upload(
        async (t, gotOn) => {
          try {
            reading.error = undefined;
            return await t.pushBlob(target, blob(gotOn), signal);
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
      // A place that gives other bytes than those from the middle can perhaps be read from the beginning.
      const anew = reading.start > 0 && error.code === 'BlobSizeMismatch';
      if (anew) await memory?.forget(signal);
      const final = !mismatch && !anew && error.errorClass !== 'retryable';
      if (final || attempt + 1 >= (mismatch ? 2 : READ_ATTEMPTS)) throw error;
      await clock.sleep(backoffDelay(backoff, attempt, random), signal);
    }
  }

  /** From the beginning they are guarded, see `BlobUpload.open`. */
  async #bytes({ node, repository, content }: Sendable, start: number, signal: AbortSignal): Promise<Readable> {
    if (content !== undefined) return Readable.from([content.subarray(start)]);
    const bytes = await this.#options.source.open(repository, node, start, signal);
    return start === 0 ? guarded(bytes, node) : bytes;
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

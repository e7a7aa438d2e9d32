/** One attempt of one exchange: its bodies, its watchdog, and why it was broken off. */
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

import { ReplicationError } from '../../domain/errors.ts';
import { HttpAnswer } from './http-answer.ts';
import type { HttpRequest, UploadBody } from './http-client.ts';
import type { HttpTimeouts } from './options.ts';
import { retryAfterMs } from './retry-after.ts';
import { Watchdog } from './watchdog.ts';

/** Bytes that may still be on their way in the kernel when the last one was handed over, and their slowest pace. */
const IN_FLIGHT_BYTES = 4 * 1024 * 1024;
const SLOWEST_BYTES_PER_SECOND = 32 * 1024;

/** Awaited of our own side. */
const SOURCE_BYTES = 'the next bytes of the source';

export class ExchangeRun {
  readonly body: Buffer | Readable | null;
  readonly bodyHeaders: Readonly<Record<string, string>>;
  /** Set when this side broke the exchange off: a timeout, or the error of the upload's source. */
  failure: Error | undefined;
  /** The head of the answer has arrived. */
  answered = false;
  readonly #what: string;
  readonly #timeouts: HttpTimeouts;
  readonly #abort: (reason: Error) => void;
  readonly #watchdog: Watchdog;
  readonly #answerMs: number;
  #response: Readable | undefined;

  constructor(what: string, request: HttpRequest, timeouts: HttpTimeouts, abort: (reason: Error) => void) {
    this.#what = what;
    this.#timeouts = timeouts;
    this.#abort = abort;
    this.#watchdog = new Watchdog((awaited, ms) => this.#breakOff(stalled(what, awaited, ms)));
    const { body } = request;
    const length = body?.length ?? 0;
    const inFlightMs = (Math.min(length, IN_FLIGHT_BYTES) / SLOWEST_BYTES_PER_SECOND) * 1_000;
    this.#answerMs = Math.ceil(timeouts.answerMs + (request.extraAnswerMs ?? 0) + inFlightMs);
    this.body = body === undefined ? null : Buffer.isBuffer(body) ? body : this.#upload(body);
    this.bodyHeaders = body === undefined ? {} : { 'content-length': String(length) };
    this.#watchdog.expect('its answer', timeouts.connectMs + this.#answerMs);
  }

  answer(response: Dispatcher.ResponseData, nowMs: number): HttpAnswer {
    this.answered = true;
    this.#watchdog.rest();
    this.#response = quiet(response.body);
    const { statusCode, headers } = response;
    const retryAfter = headers['retry-after'];
    const wait = retryAfterMs(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, nowMs);
    return new HttpAnswer(this.#what, statusCode, headers, this.#download(response.body), wait);
  }

  /** Gives up whatever is still open. */
  end(): void {
    this.#watchdog.stop();
    this.#response?.destroy();
    if (this.body instanceof Readable) this.body.destroy();
  }

  #breakOff(error: unknown): void {
    const failure = error instanceof Error ? error : new Error('the source of the upload failed', { cause: error });
    this.failure ??= failure;
    this.#abort(failure);
  }

  #upload(body: UploadBody): Readable {
    return quiet(Readable.from(this.#watchedUpload(body), { objectMode: false }));
  }

  /** Pulled only as fast as the connection takes bytes; the far side's clock stands still while the source is slow. */
  async *#watchedUpload({ chunks }: UploadBody): AsyncGenerator<Uint8Array> {
    const { uploadIdleMs } = this.#timeouts;
    const iterator = chunks[Symbol.asyncIterator]();
    let ended = false;
    try {
      for (;;) {
        this.#expect(SOURCE_BYTES, uploadIdleMs);
        const next = await iterator.next().catch((error: unknown) => {
          ended = true;
          this.#breakOff(error);
          throw error;
        });
        ended ||= next.done === true;
        if (next.done === true) break;
        this.#expect('it to take bytes', uploadIdleMs);
        yield next.value;
      }
      this.#expect('its answer', this.#answerMs);
    } finally {
      if (!ended) await iterator.return?.();
    }
  }

  /** An answer may come before the upload has ended; from then on only the answer counts. */
  #expect(awaited: string, ms: number): void {
    if (!this.answered) this.#watchdog.expect(awaited, ms);
  }

  async *#download(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const iterator = body[Symbol.asyncIterator]();
    for (;;) {
      this.#watchdog.expect('the rest of its answer', this.#timeouts.downloadIdleMs);
      const { done, value } = await iterator.next();
      this.#watchdog.rest();
      if (done) return;
      yield value;
    }
  }
}

function stalled(what: string, awaited: string, ms: number): ReplicationError {
  const code = awaited === SOURCE_BYTES ? 'SourceStalled' : 'Timeout';
  return new ReplicationError('retryable', code, `${what}: waited ${ms / 1_000} s in vain for ${awaited}`);
}

/** A stream's failure reaches whoever reads it; left unread, it must not end the process. */
function quiet(stream: Readable): Readable {
  return stream.on('error', () => {});
}

/**
 * Calls of the wire protocol. A call has succeeded when HTTP says 200 *and* the envelope says code 0 (contract §1.3);
 * everything else is an error of answer-errors.ts. Answers are checked against a schema; what does not fit is
 * `UnexpectedAnswer`, never an empty result.
 */
import { z } from 'zod';

import { ReplicationError } from '../../domain/errors.ts';
import { fixedZone, UnknownZoneError, type Zone, zoneOf } from '../../lib/local-time.ts';
import type { HttpAnswer } from '../http/http-answer.ts';
import { HttpClient, type HttpRequest } from '../http/http-client.ts';
import { refusalError, unexpectedAnswer } from './answer-errors.ts';
import { type Endpoints, endpointsOf } from './endpoints.ts';
import type { BkRepoTargetOptions } from './options.ts';

/** Bytes of an answer that names no lists. */
const SMALL_ANSWER = 1024 * 1024;

const envelopeSchema = z.object({
  code: z.number().int(),
  message: z.string().nullish(),
  data: z.unknown(),
});
type Envelope = z.infer<typeof envelopeSchema>;

interface JsonCall<T> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  /** What `data` must be. */
  readonly data: z.ZodType<T>;
  /** Bytes; default 1 MiB. Beyond it unit error `AnswerTooLarge`. */
  readonly maxAnswerBytes?: number;
}

/** For calls whose `data` says nothing that matters. */
export const ignored = z.unknown();

export class BkRepoClient {
  readonly endpoints: Endpoints;
  readonly options: BkRepoTargetOptions;
  readonly #http: HttpClient;
  readonly #configuredZone: Zone | undefined;
  #measuredZone: Zone | undefined;
  #heard = false;

  /** Fails with the spec errors of `HttpClient`, and with spec error `InvalidTimeZone`. */
  constructor(options: BkRepoTargetOptions) {
    this.options = options;
    this.#http = new HttpClient(options.name, options);
    this.endpoints = endpointsOf(this.#http.url);
    this.#configuredZone = options.timeZone === undefined ? undefined : readZone(options.timeZone);
  }

  /** Scheme, host and port. */
  get origin(): string {
    return this.#http.url.origin;
  }

  /** The far side's zone: as configured, else the fixed offset its latest answer carried; undefined = unknown. */
  get zone(): Zone | undefined {
    return this.#configuredZone ?? this.#measuredZone;
  }

  /** The offset that the far side's answers carry (`X-BKREPO-Time-Zone`, contract §11). */
  get measuredZone(): Zone | undefined {
    return this.#measuredZone;
  }

  /** The far side has answered something that was no error: if it tells its zone at all, it has told it. */
  get heard(): boolean {
    return this.#heard;
  }

  /** One JSON call; gives `data`. */
  call<T>(call: JsonCall<T>, signal: AbortSignal): Promise<T> {
    const request: HttpRequest = {
      method: call.method,
      path: call.path,
      ...(call.body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(call.body)) }),
    };
    const read = async (answer: HttpAnswer): Promise<T> => {
      const envelope = await this.#envelope(request, answer, call.maxAnswerBytes ?? SMALL_ANSWER);
      const data = call.data.safeParse(envelope.data ?? null);
      if (data.success) return data.data;
      throw this.#unexpected(request, answer, `data is not as expected (${z.prettifyError(data.error)})`);
    };
    return this.exchange(request, read, signal);
  }

  /** One exchange with another kind of answer. */
  exchange<T>(request: HttpRequest, use: (answer: HttpAnswer) => Promise<T>, signal: AbortSignal): Promise<T> {
    const noting = (answer: HttpAnswer): Promise<T> => {
      this.#measuredZone = fixedZone(answer.header('x-bkrepo-time-zone') ?? '') ?? this.#measuredZone;
      this.#heard ||= answer.status < 400;
      return use(answer);
    };
    return this.#http.exchange(request, noting, signal);
  }

  /** Fails with what the answer says unless its status is among the wanted. */
  async expectStatus(request: HttpRequest, answer: HttpAnswer, wanted: readonly number[]): Promise<void> {
    if (wanted.includes(answer.status)) return;
    await this.#envelope(request, answer, SMALL_ANSWER);
    throw this.#unexpected(request, answer, `answered ${answer.status} where ${wanted.join(' or ')} is right`);
  }

  /** Reads the envelope of an answer that must say success. */
  async expectSuccess(request: HttpRequest, answer: HttpAnswer): Promise<void> {
    await this.#envelope(request, answer, SMALL_ANSWER);
  }

  describe(request: Pick<HttpRequest, 'method' | 'path'>): string {
    return this.#http.describe(request);
  }

  /** Sent so far. */
  get requests(): number {
    return this.#http.requests;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #envelope(request: HttpRequest, answer: HttpAnswer, limit: number): Promise<Envelope> {
    const envelope = parseEnvelope(await answer.read(limit));
    if (answer.status === 200 && envelope?.code === 0) return envelope;
    if (answer.status < 300 && envelope === undefined)
      throw this.#unexpected(request, answer, `answered ${answer.status} without a bk-repo envelope`);
    throw refusalError(this.describe(request), {
      status: answer.status,
      remoteCode: envelope?.code,
      message: this.#http.clean(envelope?.message ?? ''),
      retryAfterMs: answer.retryAfterMs,
    });
  }

  #unexpected(request: HttpRequest, answer: HttpAnswer, why: string): Error {
    return unexpectedAnswer(this.describe(request), this.#http.clean(why), answer.status);
  }
}

function readZone(name: string): Zone {
  try {
    return zoneOf(name);
  } catch (error) {
    if (!(error instanceof UnknownZoneError)) throw error;
    throw new ReplicationError('spec', 'InvalidTimeZone', `the time zone of the far side: ${error.message}`);
  }
}

function parseEnvelope(body: Buffer): Envelope | undefined {
  try {
    return envelopeSchema.safeParse(JSON.parse(body.toString('utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

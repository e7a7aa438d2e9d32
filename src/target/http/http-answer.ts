import { ReplicationError } from '../../domain/errors.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** An answer whose head is there. Its body is read once, by iterating or by `read`. */
export class HttpAnswer {
  readonly status: number;
  /** Pieces of the body; waiting for each is bounded. */
  readonly body: AsyncIterable<Buffer>;
  /** Milliseconds that `Retry-After` asks for. */
  readonly retryAfterMs: number | undefined;
  readonly #headers: Headers;
  readonly #what: string;

  constructor(
    what: string,
    status: number,
    headers: Headers,
    body: AsyncIterable<Buffer>,
    retryAfterMs: number | undefined,
  ) {
    this.#what = what;
    this.status = status;
    this.#headers = headers;
    this.body = body;
    this.retryAfterMs = retryAfterMs;
  }

  /** The first value of a header, by its lower-case name. */
  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** The whole body. Fails with unit error `AnswerTooLarge` beyond `limit` bytes. */
  async read(limit: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let size = 0;
    for await (const piece of this.body) {
      size += piece.length;
      if (size > limit)
        throw new ReplicationError('unit', 'AnswerTooLarge', `${this.#what}: the answer has more than ${limit} bytes`, {
          status: this.status,
        });
      pieces.push(piece);
    }
    return Buffer.concat(pieces, size);
  }
}

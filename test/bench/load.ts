/** Callers that each send a request when the one before was answered. */
import { Pool } from 'undici';

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

export interface LoadOptions {
  readonly url: string;
  readonly authorization: string;
  /** Callers, each with a connection of its own. */
  readonly callers: number;
  readonly seconds: number;
  /** The next one to be sent; undefined = there are no more. */
  readonly next: () => Request | undefined;
}

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds from sending to the last byte of the answer. */
  readonly p50: number;
  readonly p99: number;
}

/** @throws {Error} for an answer other than 200 */
export async function load({ url, authorization, callers, seconds, next }: LoadOptions): Promise<Load> {
  const pool = new Pool(url, { connections: callers, pipelining: 1 });
  const took: number[] = [];
  const from = performance.now();
  const until = from + seconds * 1_000;
  const call = async (): Promise<void> => {
    while (performance.now() < until) {
      const request = next();
      if (request === undefined) return;
      const { method, path, body } = request;
      const began = performance.now();
      const answer = await pool.request({
        method,
        path,
        headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 1_000)}`);
      took.push(performance.now() - began);
    }
  };
  try {
    await Promise.all(Array.from({ length: callers }, call));
  } finally {
    await pool.destroy();
  }
  const sorted = took.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
  const perSecond = (1_000 * took.length) / (performance.now() - from);
  return { requests: took.length, perSecond, p50: at(0.5), p99: at(0.99) };
}

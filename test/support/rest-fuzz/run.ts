/** Sends generated requests to a REST server, one after another, and judges its answers. */
import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { FastifyInstance, InjectOptions } from 'fastify';

import { CODES } from '../../../src/rest/codes.ts';
import { asCurl, type FuzzRequest, type OpenApi, requests } from './requests.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly cases: number;
  /** Names and ids of what there is. */
  readonly words: readonly string[];
  /** Before each thousand: brings things back that were removed, and removes what was made. */
  readonly refresh: () => void;
  readonly report: (line: string) => void;
}

export interface FuzzResult {
  readonly cases: number;
  /** How often each `STATUS CODE` was answered; `STATUS` where there is no body. */
  readonly answers: Readonly<Record<string, number>>;
  /** Of the heap from the first tenth to the end. Bytes. */
  readonly grown: number;
  readonly tookMs: number;
}

const CHUNK = 1_000;
/** A leak of a kilobyte for each of the 100,000 cases would be ten times as much. Bytes. */
const MAX_GROWTH = 16 * 1024 * 1024;
const KNOWN = new Set(['200 0', ...Object.values(CODES).map(({ status, code }) => `${status} ${code}`)]);

/** @throws {Error} with the smallest request that is answered wrongly, as curl */
export async function fuzzRest(app: FastifyInstance, options: FuzzOptions): Promise<FuzzResult> {
  const began = performance.now();
  const { seed, cases, words, refresh, report } = options;
  const document = (await app.inject('/openapi.json')).json<OpenApi>();
  const request = requests(document, words);
  const answers: Record<string, number> = {};
  let base = 0;
  for (let done = 0; done < cases; done += CHUNK) {
    refresh();
    const property = fc.asyncProperty(request, async (one) => {
      const answer = await judge(app, one);
      answers[answer] = (answers[answer] ?? 0) + 1;
    });
    const numRuns = Math.min(CHUNK, cases - done);
    const details = await fc.check(property, { seed: (seed + done) | 0, numRuns });
    if (details.failed) {
      const failing = details.counterexample?.[0];
      const which = failing === undefined ? 'no request' : asCurl(failing);
      throw new Error(`seed ${seed}, after ${done}: ${which}`, { cause: details.errorInstance });
    }
    if (base === 0 && done + CHUNK >= cases / 10) base = heap();
    if ((done / CHUNK) % 10 === 9) report(`${done + CHUNK} requests, heap ${Math.round(heap() / 1024)} KiB`);
  }
  refresh();
  assert.equal((await app.inject('/api/task/page/p1')).statusCode, 200, 'it still answers');
  const grown = heap() - base;
  assert.ok(grown < MAX_GROWTH, `the heap has grown by ${grown} bytes`);
  return { cases, answers, grown, tookMs: Math.round(performance.now() - began) };
}

/** Answers `STATUS CODE`. */
async function judge(app: FastifyInstance, { method, url, headers, payload }: FuzzRequest): Promise<string> {
  const response = await app.inject({
    method: method as NonNullable<InjectOptions['method']>,
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
  const { statusCode: status, body } = response;
  assert.ok(status < 500, `${status} ${body.slice(0, 500)}`);
  assert.equal(Reflect.get({}, 'polluted'), undefined, 'a prototype was changed');
  const bare = method === 'HEAD' || (method === 'OPTIONS' && status === 204);
  if (bare) {
    assert.equal(body, '');
    return String(status);
  }
  const envelope = response.json<Readonly<Record<string, unknown>>>();
  assert.deepEqual(Object.keys(envelope).toSorted(), ['code', 'data', 'message', 'traceId']);
  const { code, data, message, traceId } = envelope;
  const answer = `${status} ${String(code)}`;
  assert.ok(KNOWN.has(answer), `${answer} is no known answer`);
  assert.equal(typeof traceId, 'string');
  if (code === 0) assert.equal(message, null);
  else assert.ok(data === null && typeof message === 'string' && message.length < 20_000, 'a refusal is in words');
  return answer;
}

/** After a collection. Bytes. */
function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

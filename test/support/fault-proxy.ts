/**
 * An HTTP proxy in front of a real server that injects faults a real server cannot be made to show, and counts what
 * passes. Bodies are streamed, so a fault can strike in mid-upload.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Transform } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

export type Fault =
  /** Answered by the proxy; the server sees nothing. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** The connection is reset, before the server sees anything or after so many body bytes reached it. */
  | { readonly kind: 'reset'; readonly afterBytes?: number }
  /** The server does its work, the caller never hears of it. */
  | { readonly kind: 'lose-answer' }
  /** The caller's connection is reset at once, and the server gets the whole request later. */
  | { readonly kind: 'arrive-late'; readonly when: Promise<unknown> }
  /** Nothing is answered until the caller gives up. */
  | { readonly kind: 'stall'; readonly afterBytes?: number }
  /** The request is held back for so many milliseconds, or until then, and passes. */
  | { readonly kind: 'hold'; readonly ms: number }
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  /** The connection is reset after so many bytes of the answer's body. */
  | { readonly kind: 'cut-answer'; readonly afterBytes: number }
  /** The request body passes at this rate. */
  | { readonly kind: 'slow'; readonly bytesPerSecond: number }
  /** One bit of the request body is flipped behind the first empty line (so in the content, not in a part's header). */
  | { readonly kind: 'corrupt-request' }
  /** One bit of the answer's body is flipped. */
  | { readonly kind: 'corrupt-answer' };

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  /** Which request this is, counted from 0. */
  readonly index: number;
  /** Port of the caller: the same for all requests of one connection. */
  readonly connection: number;
  /** Bytes of its body that have come so far. */
  readonly bodyBytes: number;
  /** Status of the server's answer, once it was passed on to the caller. */
  readonly answered: number | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface FaultProxy {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** Bytes of request bodies that reached the server. */
  readonly uploadedBytes: () => number;
  /** Asked for every request; undefined = pass. */
  setFault(rule: ((request: SeenRequest) => Fault | undefined) | undefined): void;
  /** Told of every answer at the moment it is passed on. */
  onAnswer(listener: ((request: SeenRequest) => void) | undefined): void;
  /** The server is elsewhere from now on: what is under way ends as it may. */
  pointTo(target: string): void;
  forget(): void;
  close(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let origin = new URL(target);
  const agent = new http.Agent({ keepAlive: true });
  let requests: SeenRequest[] = [];
  let uploaded = 0;
  let rule: ((request: SeenRequest) => Fault | undefined) | undefined;
  let answerListener: ((request: SeenRequest) => void) | undefined;

  const server = http.createServer((request, response) => {
    const seen: Mutable<SeenRequest> = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      index: requests.length,
      connection: request.socket.remotePort ?? 0,
      bodyBytes: 0,
      answered: undefined,
    };
    requests.push(seen);
    const fault = rule?.(seen);
    if (fault?.kind === 'answer') {
      request.resume();
      response.writeHead(fault.status, { 'content-type': 'application/json', connection: 'close', ...fault.headers });
      response.end(fault.body ?? '');
      return;
    }
    if (fault?.kind === 'reset' && fault.afterBytes === undefined) {
      request.socket.resetAndDestroy();
      return;
    }
    if (fault?.kind === 'stall' && fault.afterBytes === undefined) return;
    if (fault?.kind === 'arrive-late') {
      void arriveLate(request, fault.when);
      return;
    }
    if (fault?.kind === 'hold') {
      const over = 'ms' in fault ? delay(fault.ms) : fault.until;
      void over.then(() => pass(seen, request, response, undefined));
    } else pass(seen, request, response, fault);
  });

  async function arriveLate(request: http.IncomingMessage, when: Promise<unknown>): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    request.socket.resetAndDestroy();
    await when;
    const { method, url: path, headers } = request;
    const late = http.request({ host: origin.hostname, port: origin.port, method, path, headers, agent });
    late.once('response', (answer) => answer.resume());
    late.once('error', () => undefined);
    late.end(Buffer.concat(chunks));
  }

  function pass(
    seen: Mutable<SeenRequest>,
    request: http.IncomingMessage,
    response: http.ServerResponse,
    fault: Fault | undefined,
  ): void {
    if (request.socket.destroyed) return;
    const forward = http.request(
      {
        host: origin.hostname,
        port: origin.port,
        method: request.method,
        path: request.url,
        headers: request.headers,
        agent,
      },
      (answer) => {
        if (fault?.kind === 'lose-answer') {
          answer.resume().once('end', () => request.socket.resetAndDestroy());
          return;
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        seen.answered = answer.statusCode;
        answerListener?.(seen);
        if (fault?.kind === 'cut-answer')
          answer.pipe(cutAfter(fault.afterBytes, () => request.socket.resetAndDestroy())).pipe(response);
        else (fault?.kind === 'corrupt-answer' ? answer.pipe(flipBit(0)) : answer).pipe(response);
      },
    );
    forward.once('error', () => request.socket.resetAndDestroy());
    response.once('close', () => forward.destroy());
    const count = new Transform({
      transform(chunk: Buffer, _encoding, callback) {
        uploaded += chunk.length;
        seen.bodyBytes += chunk.length;
        callback(null, chunk);
      },
    });
    const body = request.pipe(count);
    if (fault?.kind === 'slow') body.pipe(atRate(fault.bytesPerSecond)).pipe(forward);
    else if (fault?.kind === 'corrupt-request') body.pipe(flipBitBehindEmptyLine()).pipe(forward);
    else if (fault?.kind === 'reset' || fault?.kind === 'stall') {
      body
        .pipe(
          cutAfter(fault.afterBytes ?? 0, () => {
            if (fault.kind === 'reset') request.socket.resetAndDestroy();
          }),
        )
        .pipe(forward);
    } else body.pipe(forward);
  }
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${origin.pathname === '/' ? '' : origin.pathname}`,
    get requests() {
      return requests;
    },
    uploadedBytes: () => uploaded,
    setFault(next) {
      rule = next;
    },
    onAnswer(listener) {
      answerListener = listener;
    },
    pointTo(next) {
      origin = new URL(next);
    },
    forget() {
      requests = [];
      uploaded = 0;
    },
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function atRate(bytesPerSecond: number): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      // Nobody waits any more for what is still under way when everything else has ended.
      setTimeout(callback, (chunk.length / bytesPerSecond) * 1000, null, chunk).unref();
    },
  });
}

function flipBit(at: number): Transform {
  let offset = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      const position = at - offset;
      offset += chunk.length;
      callback(null, position >= 0 && position < chunk.length ? flipped(chunk, position, ANSWER_BIT) : chunk);
    },
  });
}

function flipBitBehindEmptyLine(): Transform {
  let state: 'header' | 'content' | 'done' = 'header';
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      const line = chunk.indexOf('\r\n\r\n');
      const position = state === 'content' ? 0 : line < 0 ? 0 : line + 4;
      if (state === 'done') callback(null, chunk);
      else if (position >= chunk.length) {
        state = 'content';
        callback(null, chunk);
      } else {
        state = 'done';
        callback(null, flipped(chunk, position, REQUEST_BIT));
      }
    },
  });
}

/** Two bits, or an altered answer would put an altered upload right. */
const REQUEST_BIT = 1;
const ANSWER_BIT = 2;

function flipped(chunk: Buffer, position: number, bit: number): Buffer {
  const copy = Buffer.from(chunk);
  copy[position] = (copy[position] ?? 0) ^ bit;
  return copy;
}

/** Passes so many bytes, then nothing more. */
function cutAfter(bytes: number, then: () => void): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      if (chunk.length <= left) {
        left -= chunk.length;
        callback(null, chunk);
        return;
      }
      this.push(chunk.subarray(0, left));
      then();
    },
  });
}

/**
 * What is answered where Node refuses a request before there is one: the envelope, written to the connection itself,
 * which ends then. The caller's language is not known here.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { CODES, type CodeName, type Complaint } from '../codes.ts';
import { messageOf } from './messages.ts';

export interface ClientErrorOptions {
  readonly clock: Clock;
  readonly randomHex: (bytes: number) => string;
  readonly logger: Logger;
}

export type ClientErrorHandler = (error: Error, socket: Socket) => void;

/** Time to take the answer, and to say the rest of what nobody hears. Milliseconds. */
const LINGER_MS = 1_000;

const REASONS: Readonly<Record<string, CodeName>> = {
  HPE_HEADER_OVERFLOW: 'headersTooLarge',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'bodyTooLarge',
  ERR_HTTP_REQUEST_TIMEOUT: 'requestTimeout',
};

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  413: 'Payload Too Large',
  431: 'Request Header Fields Too Large',
};

/** Follows the answers of `server`, so that none is broken into. */
export function clientErrorHandler(options: ClientErrorOptions): {
  readonly handle: ClientErrorHandler;
  readonly follow: (server: Server) => void;
} {
  const answers = new WeakMap<Socket, ServerResponse>();
  const ended = new WeakSet<Socket>();
  return {
    follow: (server) => void server.on('request', ({ socket }, response) => answers.set(socket, response)),
    handle: (error, socket) => {
      if (ended.has(socket)) return;
      ended.add(socket);
      const code = 'code' in error ? String(error.code) : '';
      if (!socket.writable || isAnswered(answers.get(socket)) || !isHttpError(code)) {
        socket.destroy();
        return;
      }
      socket.end(answerText(code, options.randomHex(16)));
      options.logger.debug('refused what came in', { reason: code });
      linger(socket, options.clock);
    },
  };
}

/** The answer to what is being read has begun, or was sent although the request goes on: another would be a lie. */
function isAnswered(answer: ServerResponse | undefined): boolean {
  return answer?.headersSent === true && !(answer.writableFinished && answer.req.complete);
}

/** Not what the network or TLS says: there nobody could read an answer. */
function isHttpError(code: string): boolean {
  return code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
}

function linger(socket: Socket, clock: Clock): void {
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  clock.sleep(LINGER_MS, closed.signal).then(
    () => socket.destroy(),
    () => {},
  );
}

function answerText(reason: string, traceId: string): string {
  const name = REASONS[reason] ?? 'contentInvalid';
  const { code, status } = CODES[name];
  const detail = name === 'contentInvalid' ? { detail: 'the request is not HTTP, or is cut short' } : {};
  const complaint: Complaint = { code: name, subject: '', ...detail };
  const body = JSON.stringify({ code, message: messageOf([complaint], 'en'), data: null, traceId });
  return [
    `HTTP/1.1 ${status} ${STATUS_TEXTS[status] ?? ''}`,
    'Connection: close',
    'Content-Type: application/json; charset=utf-8',
    'Content-Language: en',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-BKREPO-RID: ${traceId}`,
    '',
    body,
  ].join('\r\n');
}

/** Every error as what a caller is told of it: never the words of an error that nobody made for callers. */
import type { FastifyReply, FastifyRequest } from 'fastify';

import { ReplicationError } from '../../domain/errors.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { CODES, complain, RestError } from '../codes.ts';
import { chooseLanguage } from './languages.ts';
import { messageOf } from './messages.ts';

/** Seconds until a caller should try again, where nobody says. */
const RETRY_SECONDS = 5;
const MAX_RETRY_SECONDS = 3_600;

const CHALLENGES = ['Basic realm="Authentication Required"', 'Bearer realm="Authentication Required"'];

/** Who does not answer, by the code of a retryable error; its own words may name inner addresses. */
const ABSENT: Readonly<Record<string, string>> = {
  ApiUnavailable: 'the API server does not answer',
  JournalUnavailable: 'the journal does not answer',
};

/** Rights that this program lacks, not the caller. */
const FORBIDDEN: ReadonlySet<string> = new Set(['ApiForbidden', 'SecretForbidden']);

export function asRestError(error: unknown): RestError {
  if (error instanceof RestError) return error;
  if (error instanceof ReplicationError) return ofReplication(error);
  return ofFastify(error) ?? new RestError([{ code: 'systemError', subject: '' }], { cause: error });
}

function ofReplication(error: ReplicationError): RestError {
  const { errorClass, code, message, retryAfterMs } = error;
  if (errorClass === 'retryable') {
    const retryAfterSeconds = retryAfterMs === undefined ? RETRY_SECONDS : Math.ceil(retryAfterMs / 1_000);
    return unavailable(ABSENT[code] ?? 'please try again', { retryAfterSeconds, cause: error });
  }
  if (FORBIDDEN.has(code))
    return new RestError([{ code: 'denied', subject: 'this installation may not do that itself', detail: message }], {
      cause: error,
    });
  if (code === 'ApiRefused')
    return new RestError([{ code: 'contentInvalid', subject: '', detail: message }], { cause: error });
  if (code === 'SecretForeign')
    return new RestError([{ code: 'resourceExisted', subject: 'credentials', detail: message }], { cause: error });
  const detail = errorClass === 'spec' ? { detail: message } : {};
  return new RestError([{ code: 'systemError', subject: '', ...detail }], { cause: error });
}

/** What Fastify refuses before a route sees it. */
function ofFastify(error: unknown): RestError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string' || !code.startsWith('FST_ERR_')) return undefined;
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return complain('mediaTypeUnsupported');
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return complain('bodyTooLarge');
  if (code.startsWith('FST_ERR_CTP_')) return complain('contentInvalid', '', 'the body is not what its headers say');
  if (code === 'FST_ERR_BAD_URL') return complain('parameterInvalid', 'url', 'not a url');
  return undefined;
}

/** 503 with Retry-After. */
export function unavailable(
  subject: string,
  options: { readonly retryAfterSeconds?: number; readonly cause?: unknown } = {},
): RestError {
  return new RestError([{ code: 'unavailable', subject }], { retryAfterSeconds: RETRY_SECONDS, ...options });
}

/** The envelope and its headers; failures of ours are logged with the trace id. */
export async function sendError(
  logger: Logger,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): Promise<FastifyReply> {
  const known = asRestError(error);
  const [{ code: name }] = known.complaints;
  const { code, status } = CODES[name];
  log(logger, request, reply, { error, code, status });
  if (name === 'unauthenticated') reply.header('WWW-Authenticate', CHALLENGES);
  if (known.retryAfterSeconds !== undefined)
    reply.header('Retry-After', Math.min(MAX_RETRY_SECONDS, Math.max(1, Math.ceil(known.retryAfterSeconds))));
  // The rest of the body is read and dropped, within the time of a request: a connection that is closed while the
  // caller still sends could take the answer with it.
  if (name === 'bodyTooLarge' || name === 'mediaTypeUnsupported') reply.removeHeader('Connection');
  if (name === 'requestTimeout') reply.header('Connection', 'close');
  const language = chooseLanguage(request.headers['accept-language']);
  return await reply
    .code(status)
    .header('Content-Language', language)
    .type('application/json; charset=utf-8')
    .send({ code, message: messageOf(known.complaints, language), data: null, traceId: request.id });
}

function log(
  logger: Logger,
  request: FastifyRequest,
  reply: FastifyReply,
  { error, code, status }: { readonly error: unknown; readonly code: number; readonly status: number },
): void {
  const fields = { traceId: request.id, method: request.method, code, error };
  if (reply.raw.destroyed) logger.debug('request broke off', fields);
  else if (status === 500) logger.error('request failed', fields);
  else if (status === 503) logger.warn('request could not be served', fields);
}

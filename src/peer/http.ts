/**
 * The HTTP side that all routes share: trace id, headers, accounts, envelope (contract §1.3, §1.4). Every answer but the
 * bytes of a blob and those of an upload session is an envelope.
 */
import type { IncomingMessage } from 'node:http';

import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';

import { type Caller, requireBlobAccess, requireKnown, requireProject } from './accounts.ts';
import { now, type PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import { Fields } from './fields.ts';

/** Largest JSON body in bytes: a batch of 4,000 paths has 1 MB. */
const BODY_LIMIT = 8 << 20;
const MAX_URL_PARAMETER = 16_384;
/** Bytes of request line and headers: a path of some thousand characters, percent-encoded. */
const MAX_HEADER = 65_536;

/**
 * What a route asks of its caller. `ping`: any account, and a header at least; `metadata`: an account, unless these
 * calls are open; `blob`: see `requireBlobAccess`; `repository`: an account.
 */
export type Access = 'ping' | 'metadata' | 'blob' | 'repository';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

export function createHttpServer(context: PeerContext): FastifyInstance {
  const { settings } = context;
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    keepAliveTimeout: settings.keepAliveTimeoutMs,
    requestTimeout: 0,
    connectionTimeout: 0,
    exposeHeadRoutes: false,
    http: { maxHeaderSize: MAX_HEADER },
    forceCloseConnections: true,
    genReqId: (request) => traceId(request, settings.randomHex),
    routerOptions: {
      ignoreDuplicateSlashes: true,
      ignoreTrailingSlash: true,
      maxParamLength: MAX_URL_PARAMETER,
    },
    frameworkErrors: (_error, request, reply) =>
      void sendError(context, request, reply as FastifyReply, new PeerError('parameterInvalid', 'url')),
  });
  readBodies(app);
  app.decorateRequest('caller');
  app.addHook('onRequest', async (request, reply) => {
    commonHeaders(context, request, reply);
    authenticate(context, request);
  });
  const methods = knownMethods(app);
  app.setNotFoundHandler(async (request) => {
    const url = request.url.split('?', 1)[0] ?? '';
    const allowed = methods.get(plainUrl(url));
    if (allowed !== undefined && !allowed.has(request.method))
      throw new PeerError('methodNotAllowed', `Request method '${request.method}' not supported`);
    throw new PeerError('urlNotFound', url);
  });
  app.setErrorHandler(async (error, request, reply) => await sendError(context, request, reply, error));
  return app;
}

/** The id of the caller's trace (header b3) when it is one, else a new one. */
function traceId(request: IncomingMessage, randomHex: (bytes: number) => string): string {
  const b3 = request.headers['b3'];
  const [, given] = /^([0-9a-f]{32})-/.exec(typeof b3 === 'string' ? b3 : '') ?? [];
  return given ?? randomHex(16);
}

/** JSON is parsed here for bk-repo's own error; blobs reach their handler as the stream they are. */
function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, undefined);
    try {
      done(null, JSON.parse(body));
    } catch (error) {
      done(new PeerError('contentInvalid', '', { cause: error }));
    }
  });
  app.addContentTypeParser(/^multipart\/form-data|^application\/octet-stream/, (_request, payload, done) =>
    done(null, payload),
  );
  app.addContentTypeParser('application/x-www-form-urlencoded', (_request, payload, done) => {
    payload.resume();
    done(null, undefined);
  });
}

function commonHeaders(context: PeerContext, request: FastifyRequest, reply: FastifyReply): void {
  reply.header('X-BKREPO-RID', request.id);
  reply.header('X-BKREPO-Time-Zone', context.settings.time.offset(now(context)));
}

function authenticate(context: PeerContext, request: FastifyRequest): void {
  const { defects } = context.settings;
  const { authorization } = request.headers;
  const { access } = request.routeOptions.config;
  if (access === 'ping' && authorization === undefined) throw new PeerError('headerMissing', 'Authorization');
  request.caller = context.accounts.authenticate(authorization);
  if (access === 'blob') requireBlobAccess(request.caller, defects.blobCallsNeedAdmin);
  if (access === 'repository' || (access === 'metadata' && !defects.metadataCallsOpen)) requireKnown(request.caller);
}

/** For metadata calls: the account may change that project, or these calls are open. */
export function guardProject(context: PeerContext, request: FastifyRequest, projectId: string): void {
  if (!context.settings.defects.metadataCallsOpen) requireProject(request.caller, projectId);
}

export function success(request: FastifyRequest, data: unknown = null): Readonly<Record<string, unknown>> {
  return { code: 0, message: null, data, traceId: request.id };
}

/** The body of a JSON call; fails with 250106 when there is none. */
export function bodyFields(request: FastifyRequest): Fields {
  return Fields.of(request.body);
}

/** A query parameter that must be there, else 250103. */
export function queryText(request: FastifyRequest, name: string): string {
  const value = optionalQuery(request, name);
  if (value === undefined) throw new PeerError('parameterMissing', name);
  return value;
}

export function optionalQuery(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : undefined;
}

/** A number in the query; fails with 250131 for anything else. */
export function queryInteger(request: FastifyRequest, name: string): number | undefined {
  const text = optionalQuery(request, name);
  if (text === undefined || text === '') return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw new PeerError('queryInvalid', name);
  return Number(text);
}

export function queryFlag(request: FastifyRequest, name: string, absent: boolean): boolean {
  const text = optionalQuery(request, name);
  if (text === undefined || text === '') return absent;
  if (text !== 'true' && text !== 'false') throw new PeerError('queryInvalid', name);
  return text === 'true';
}

export function pathParameter(request: FastifyRequest, name: string): string {
  return (request.params as Readonly<Record<string, string | undefined>>)[name] ?? '';
}

async function sendError(
  context: PeerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): Promise<FastifyReply> {
  const known = asPeerError(error, request);
  if (!request.raw.readableEnded && !request.raw.destroyed) request.raw.resume();
  const fields = { traceId: request.id, method: request.method, code: known.code, error };
  if (request.raw.destroyed && request.raw.errored !== null) context.settings.logger.debug('request broke off', fields);
  else if (known.status >= 500) context.settings.logger.error('request failed', fields);
  if (!reply.hasHeader('X-BKREPO-RID')) commonHeaders(context, request, reply);
  if (known.errorName === 'unauthenticated') reply.header('WWW-Authenticate', 'Basic realm="Authentication Required"');
  return await reply
    .code(known.status)
    .send({ code: known.code, message: known.message, data: null, traceId: request.id });
}

function asPeerError(error: unknown, request: FastifyRequest): PeerError {
  if (error instanceof PeerError) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return new PeerError('mediaType', request.headers['content-type'] ?? '', { cause: error });
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new PeerError('contentTooLarge', '', { cause: error });
  if (typeof code === 'string' && code.startsWith('FST_ERR_CTP'))
    return new PeerError('contentInvalid', '', { cause: error });
  return new PeerError('system', '', { cause: error });
}

/** Methods by url, for urls without parameters. */
function knownMethods(app: FastifyInstance): ReadonlyMap<string, ReadonlySet<string>> {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', (route) => {
    const known = methods.get(plainUrl(route.url)) ?? new Set();
    for (const method of [route.method].flat()) known.add(method);
    methods.set(plainUrl(route.url), known);
  });
  return methods;
}

function plainUrl(url: string): string {
  return url.replace(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
}

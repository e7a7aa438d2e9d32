/**
 * The REST shim's HTTP side: bk-repo's paths, envelope, codes and languages around the routes (contract §1.1–§1.4).
 *
 * Guaranteed: every answer but the API's description is an envelope with the trace id; a route sees a caller that was
 * authenticated, and a body and a query that fit its schemas; whatever comes in (no HTTP, no JSON, too much, too slow)
 * ends in an answer of the 4xx kind where an answer is possible, and frees what it took; words of inner errors do not
 * leave. Not done here: who may do what (authorize.ts), and what requests mean (routes).
 */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { withLogFields } from '../../telemetry/log-context.ts';
import { complain, RestError } from '../codes.ts';
import type { RestContext } from '../context.ts';
import type { Route } from '../http.ts';
import type { Authenticator } from '../ports.ts';
import { readBodies } from './bodies.ts';
import { clientErrorHandler } from './client-errors.ts';
import { allowOrigins } from './cors.ts';
import { sendError, unavailable } from './errors.ts';
import { describeApi } from './openapi.ts';
import { commonHeaders, endOf, hasState } from './request-state.ts';
import { endpointUrl, shownPath } from './request-url.ts';
import { socketServer } from './sockets.ts';
import type { TlsPair } from './tls.ts';
import { traceId } from './trace.ts';
import { unknownUrls } from './unknown-url.ts';
import { type HttpPart, validatorCompiler } from './validation.ts';

export interface RestServerSettings {
  readonly bodyLimitBytes: number;
  /** Time in which a request must have arrived, and then be answered. Milliseconds. */
  readonly requestTimeoutMs: number;
  /** Origins whose pages may call; empty = none. */
  readonly corsOrigins: readonly string[];
  /** Of the program, for the OpenAPI document. */
  readonly version: string;
  /** Speaks HTTPS with it. */
  readonly tls?: TlsPair;
}

/** Two steps of a stop. */
export interface RestServerStop {
  /** New requests are refused, and connections end with their running one. */
  readonly draining: AbortSignal;
  /** Running requests end, with the reason as their answer. */
  readonly cutOff: AbortSignal;
}

export interface RestServerOptions {
  readonly context: RestContext;
  readonly authenticator: Authenticator;
  readonly routes: readonly Route[];
  readonly settings: RestServerSettings;
  readonly stop?: RestServerStop;
}

/** A path is within the header limit, so a part of it may be as long. */
const MAX_PARAM_LENGTH = 16_384;

/** Not listening yet (listener.ts). `ready()` or the first `inject` registers everything. */
export function createRestServer(options: RestServerOptions): FastifyInstance {
  const { context, routes, settings } = options;
  const { randomHex, logger, clock } = context;
  const clientErrors = clientErrorHandler({ clock, randomHex, logger });
  const app = fastify({
    logger: false,
    bodyLimit: settings.bodyLimitBytes,
    return503OnClosing: false,
    exposeHeadRoutes: true,
    rewriteUrl: ({ url }) => endpointUrl(url ?? '/'),
    genReqId: ({ headers }) => traceId(headers, randomHex),
    clientErrorHandler: clientErrors.handle,
    serverFactory: (handler) => {
      const server = socketServer(handler, settings.requestTimeoutMs, settings.tls);
      clientErrors.follow(server);
      return server;
    },
    routerOptions: { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, request, reply) => void refuse(context, request, reply as FastifyReply, error),
  });
  readBodies(app);
  checkRequests(app);
  app.setErrorHandler(async (error, request, reply) => await refuse(context, request, reply, error));
  // Only for files that are missing beside the page: other urls are refused before their body is read.
  app.setNotFoundHandler(async ({ originalUrl }) => {
    throw complain('urlNotFound', shownPath(originalUrl));
  });
  followRequests(app, options);
  const unknown = unknownUrls(app);
  allowOrigins(app, settings.corsOrigins);
  // Behind CORS: a page of an allowed origin may read refusals, too.
  app.after(() => {
    app.addHook('onRequest', async (request, reply) => {
      if (options.stop?.draining.aborted === true) throw unavailable('the server is stopping');
      if (request.is404) return unknown(request, reply);
      if (request.routeOptions.config.open === true) return undefined;
      const { authorization } = request.headers;
      request.user = await options.authenticator.authenticate({ authorization, address: request.ip }, request.ended);
      return undefined;
    });
  });
  describeApi(app, settings.version);
  app.register(async (scope) => {
    for (const route of routes) route(scope, context);
  });
  return app;
}

/** Schemas judge requests; answers are written as they are, and their schemas only describe them. */
function checkRequests(app: FastifyInstance): void {
  const compile = validatorCompiler();
  app.setValidatorCompiler<object>(({ schema, httpPart }) => compile(schema, httpPart as HttpPart));
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
}

function followRequests(app: FastifyInstance, { context, settings, stop }: RestServerOptions): void {
  const { clock, logger } = context;
  const end = { clock, timeoutMs: settings.requestTimeoutMs, cutOff: stop?.cutOff };
  app.decorateRequest('user');
  app.decorateRequest('dates');
  app.decorateRequest('ended');
  const arriving = new WeakSet<FastifyRequest>();
  app.addHook('onRequest', (request, _reply, done) => withLogFields({ traceId: request.id }, done));
  app.addHook('onRequest', async (request, reply) => {
    commonHeaders(context, request, reply);
    request.ended = endOf(reply, { ...end, arriving: () => arriving.has(request) });
  });
  app.addHook('preParsing', async (request) => void arriving.add(request));
  app.addHook('preValidation', async (request) => void arriving.delete(request));
  app.addHook('onSend', async (_request, reply) => {
    if (stop?.draining.aborted === true) reply.header('Connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    logger.debug('request answered', {
      traceId: request.id,
      method: request.method,
      path: shownPath(request.originalUrl),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      user: request.user?.name,
    });
  });
}

async function refuse(
  context: RestContext,
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
): Promise<FastifyReply> {
  if (!hasState(request)) commonHeaders(context, request, reply);
  const ended = (request.ended as AbortSignal | undefined)?.aborted === true;
  // Whatever failed after the end failed because of it.
  const cause: unknown = ended && !(error instanceof RestError) ? request.ended.reason : error;
  return await sendError(context.logger, request, reply, cause);
}

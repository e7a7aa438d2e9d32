/** What is answered where no route is: 404, 405 naming what is allowed, and the methods to one who asks for them. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { complain } from '../codes.ts';
import { shownPath } from './request-url.ts';

interface Endpoint {
  readonly segments: readonly string[];
  readonly methods: ReadonlySet<string>;
}

/** To be called before any route is registered. Answers, or fails, for a request that no route takes. */
export function unknownUrls(
  app: FastifyInstance,
): (request: FastifyRequest, reply: FastifyReply) => FastifyReply | undefined {
  const endpoints = new Map<string, { readonly segments: readonly string[]; readonly methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    if (url === '*' || url === '/*') return;
    const segments = segmentsOf(url);
    const key = segments.map((segment) => (segment.startsWith(':') ? ':' : segment)).join('/');
    const endpoint = endpoints.get(key) ?? { segments, methods: new Set<string>() };
    for (const name of [method].flat()) endpoint.methods.add(name);
    endpoints.set(key, endpoint);
  });
  return (request, reply) => {
    const { method, originalUrl } = request;
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = [...new Set(matching([...endpoints.values()], path).flatMap(({ methods }) => [...methods]))].sort();
    if (allowed.length === 0) throw complain('urlNotFound', shownPath(originalUrl));
    reply.header('Allow', [...allowed, 'OPTIONS'].join(', '));
    if (method === 'OPTIONS') return reply.code(204).send();
    throw complain('methodNotAllowed', `Request method '${method}' is not supported`);
  };
}

function matching(endpoints: readonly Endpoint[], path: string): readonly Endpoint[] {
  if (path === '*') return endpoints;
  const asked = segmentsOf(path);
  return endpoints.filter(
    ({ segments }) =>
      (segments.at(-1) === '*' ? segments.length <= asked.length : segments.length === asked.length) &&
      segments.every((segment, index) => segment === '*' || segment.startsWith(':') || segment === asked[index]),
  );
}

function segmentsOf(path: string): readonly string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** The OpenAPI 3.1 document, made of the schemas that requests are checked with, and a page to try it. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

const PAGE = '/docs';

/** Nothing of other hosts, and nothing inline. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const DESCRIPTION = [
  'The replication API of bk-repo over Kubernetes resources: what is created here is a Cluster or a ReplicaTask, and what is applied there is listed here.',
  'Every path is also served below `/replication`, `/api/replication` and `/web/replication`. Dates are local times without zone.',
  'Every answer is an envelope `{code, message, data, traceId}`; code 0 is success.',
].join('\n\n');

/** To be called before the routes are registered. */
export function describeApi(app: FastifyInstance, version: string): void {
  app.register(swagger, {
    stripBasePath: false,
    convertConstToEnum: false,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'bkrepo-replicator',
        description: DESCRIPTION,
        version,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '.', description: 'Where this document was read' }],
      tags: [
        { name: 'cluster', description: 'Far sides: resources of kind Cluster' },
        { name: 'task', description: 'What is copied: resources of kind ReplicaTask' },
        { name: 'record', description: 'Records of runs, from the journal' },
      ],
      components: {
        securitySchemes: {
          basic: { type: 'http', scheme: 'basic', description: 'A user of the configured file of users' },
          bearer: { type: 'http', scheme: 'bearer', description: 'A Kubernetes token for the configured audience' },
        },
      },
      security: [{ basic: [] }, { bearer: [] }],
    },
  });
  app.register(async (scope) => {
    // The page and its files have no config of their own: all of them are open.
    scope.addHook('onRoute', (route) => {
      route.config = { ...route.config, open: true };
    });
    scope.get(
      '/openapi.json',
      { schema: { hide: true } },
      async (_request, reply) => await reply.send(scope.swagger()),
    );
    await scope.register(swaggerUi, {
      routePrefix: PAGE,
      staticCSP: CONTENT_SECURITY_POLICY,
      uiConfig: { deepLinking: false, persistAuthorization: false },
      uiHooks: {
        // The page names its files relative to itself, which works below every prefix only behind a slash.
        onRequest: (request, reply, done) => {
          const [path = '', query] = request.url.split('?', 2);
          if (path !== PAGE) done();
          else void reply.redirect(`${PAGE.slice(1)}/${query === undefined ? '' : `?${query}`}`);
        },
      },
      // `/docs/json` lies one step below the root that the paths are relative to.
      transformSpecification: (document) => ({ ...document, servers: [{ url: '..' }] }),
    });
  });
}

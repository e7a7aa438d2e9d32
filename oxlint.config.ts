import { defineConfig, type OxlintOverride } from 'oxlint';

/**
 * The arrows of the house: for each room below `src/`, the other rooms it may import. Every room may also import
 * `api`, `lib` and `telemetry`, except those listed in CLOSED, which import exactly what their row says.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  api: ['lib'],
  lib: [],
  telemetry: ['lib'],
  domain: ['api', 'lib'],
  kube: ['lib', 'telemetry'],
  runtime: ['lib', 'telemetry'],
  engine: ['domain'],
  source: ['engine', 'domain'],
  target: ['engine', 'domain'],
  journal: ['engine', 'domain'],
  resources: ['kube', 'domain'],
  controllers: ['domain', 'resources', 'engine', 'journal', 'runtime'],
  peer: ['source', 'engine', 'domain'],
  rest: ['domain', 'resources', 'journal'],
  cli: [
    'domain',
    'kube',
    'resources',
    'engine',
    'source',
    'target',
    'journal',
    'controllers',
    'runtime',
    'compose',
    'config',
  ],
};
const CLOSED = new Set(['api', 'lib', 'telemetry', 'domain', 'kube', 'runtime']);
const OPEN_TO_ALL = ['api', 'lib', 'telemetry'];

/** Packages that only the named rooms may import; `compose` and `main` wire but do not talk to the outside themselves. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@kubernetes/client-node': ['kube'],
  mongodb: ['source', 'journal', 'peer'],
  undici: ['target', 'source', 'kube'],
  '@aws-sdk/client-s3': ['source'],
  fastify: ['peer', 'rest'],
  '@fastify/cors': ['rest'],
  '@fastify/swagger': ['rest'],
  '@fastify/swagger-ui': ['rest'],
  bcryptjs: ['rest'],
};

const rooms = Object.keys(ARROWS);

function bannedRooms(room: string): string[] {
  const allowed = new Set([room, ...(ARROWS[room] ?? []), ...(CLOSED.has(room) ? [] : OPEN_TO_ALL)]);
  return [...rooms, 'compose', 'main', 'config'].filter((other) => !allowed.has(other));
}

function bannedPackages(room: string): string[] {
  return Object.entries(PACKAGES)
    .filter(([, allowed]) => !allowed.includes(room))
    .map(([name]) => name);
}

function roomRules(room: string): OxlintOverride {
  return {
    files: [`src/${room}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(?:\\.\\./)+(?:${bannedRooms(room).join('|')})(?:/|\\.ts$)`,
              message: `Room ${room} may not import from there: see ARROWS in oxlint.config.ts.`,
            },
            ...bannedPackages(room).map((name) => ({
              regex: `^${name}(?:/|$)`,
              message: `Only ${PACKAGES[name]?.join(', ')} may import ${name}.`,
            })),
          ],
        },
      ],
    },
  };
}

export default defineConfig({
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'node', 'promise'],
  options: { typeAware: true },
  categories: { correctness: 'error' },
  rules: {
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'node/no-process-env': 'error',
    'unicorn/no-process-exit': 'error',
    'no-console': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'typescript/only-throw-error': 'error',
    'no-restricted-properties': [
      'error',
      { object: 'process', property: 'argv', message: 'Only main.ts reads the command line.' },
    ],
  },
  overrides: [
    ...rooms.map(roomRules),
    {
      files: ['src/main.ts', 'test/**/*.ts', 'crds/**/*.ts', '*.ts'],
      rules: {
        'node/no-process-env': 'off',
        'unicorn/no-process-exit': 'off',
        'no-console': 'off',
        'no-restricted-properties': 'off',
        'import/no-default-export': 'off',
        'typescript/no-floating-promises': [
          'error',
          {
            allowForKnownSafeCalls: [
              {
                from: 'package',
                name: ['test', 'it', 'describe', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
                package: 'node:test',
              },
            ],
          },
        ],
      },
    },
  ],
});

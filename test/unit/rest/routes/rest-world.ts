/** A REST server with all its routes over resources in memory, far sides that answer as told, and callers with rights. */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

import type { Cluster } from '../../../../src/api/cluster.gen.ts';
import { ReplicationError } from '../../../../src/domain/errors.ts';
import { systemClock } from '../../../../src/lib/clock.ts';
import { zoneOf } from '../../../../src/lib/local-time.ts';
import type { Credentials } from '../../../../src/resources/editor.ts';
import { Catalogue } from '../../../../src/rest/catalogue.ts';
import type { RecordReader, RestContext } from '../../../../src/rest/context.ts';
import type { AccessRequest, Caller } from '../../../../src/rest/ports.ts';
import { ROUTES } from '../../../../src/rest/routes/all.ts';
import { createRestServer } from '../../../../src/rest/server/server.ts';
import type { LogFields, Logger } from '../../../../src/telemetry/logger.ts';
import { REST_SETTINGS } from '../../../support/rest-server.ts';
import { admit, ResourcesInMemory } from './resources-in-memory.ts';

export const ONE = 'one';
export const TWO = 'two';

export interface Ping {
  readonly url: string;
  readonly credentials: Credentials | undefined;
}

/** What tests look at in answers. */
export interface Data {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  readonly url: string;
  readonly username: string | null;
  readonly enabled: boolean;
  readonly createdBy: string;
  readonly lastModifiedBy: string;
  readonly remoteClusters: readonly { readonly id: string; readonly name: string }[];
  readonly objects: readonly { readonly localRepoName: string }[];
  readonly records: readonly Data[];
  readonly pageSize: number;
  readonly totalRecords: number;
}

export interface Answer {
  readonly status: number;
  readonly code: number;
  readonly message: string;
  readonly data: Data;
  /** The data, when it is a list. */
  readonly items: readonly Data[];
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: string;
}

export interface RestWorld {
  readonly app: FastifyInstance;
  readonly resources: ResourcesInMemory;
  readonly pings: Ping[];
  /** Far sides, by a part of their url, that do not answer, and why. */
  readonly down: Map<string, Error>;
  /** What the caller asked to do, and may not. */
  readonly denied: Set<string>;
  /** Why nobody can tell what the caller may. */
  unknowable: Error | undefined;
  readonly asked: AccessRequest[];
  /** Fields of the audit lines. */
  readonly audit: LogFields[];
  readonly call: (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    body?: unknown,
    options?: CallOptions,
  ) => Promise<Answer>;
}

const noRecords: RecordReader = {
  findRun: async () => undefined,
  runPage: async () => ({ total: 0, records: [] }),
  lastRuns: async () => [],
  details: async () => ({ total: 0, records: [] }),
  countDetails: async () => ({ SUCCESS: 0, UNCHANGED: 0, CONFLICT: 0, FAILED: 0, NOT_TRIED: 0 }),
};

export function restWorld(changes: Partial<RestContext> = {}): RestWorld {
  const resources = new ResourcesInMemory();
  const pings: Ping[] = [];
  const down = new Map<string, Error>();
  const denied = new Set<string>();
  const asked: AccessRequest[] = [];
  const audit: LogFields[] = [];
  const logger: Logger = {
    debug: () => {},
    info: (msg, fields = {}) => {
      if (msg === 'change by REST') audit.push(fields);
    },
    warn: () => {},
    error: (msg, fields = {}) => {
      throw new Error(`${msg}: ${String(fields['error'])}`);
    },
    child: () => logger,
  };
  const context: RestContext = {
    store: resources,
    catalogue: new Catalogue(resources, [ONE, TWO]),
    editor: resources,
    records: noRecords,
    farSides: {
      ping: async ({ spec }: Cluster, credentials) => {
        pings.push({ url: spec.url, credentials });
        for (const [part, error] of down) if (spec.url.includes(part)) throw error;
      },
    },
    namespaces: { usual: ONE, all: [ONE, TWO], ofProject: (projectId) => (projectId.startsWith('two') ? TWO : ONE) },
    instance: undefined,
    localCluster: 'here',
    zone: zoneOf('UTC'),
    scheduleZone: 'UTC',
    admit,
    clock: systemClock,
    randomHex: (bytes) => randomBytes(bytes).toString('hex'),
    logger,
    ...changes,
  };
  const caller: Caller = {
    name: 'ann',
    may: async (access) => {
      asked.push(access);
      if (world.unknowable !== undefined) throw world.unknowable;
      const { verb, resource, namespace } = access;
      return ![`${verb} ${resource}`, `${verb} ${resource} ${namespace}`].some((right) => denied.has(right));
    },
  };
  const app = createRestServer({
    context,
    authenticator: { authenticate: async () => caller },
    routes: ROUTES,
    settings: REST_SETTINGS,
  });
  const world: RestWorld = {
    app,
    resources,
    pings,
    down,
    denied,
    unknowable: undefined,
    asked,
    audit,
    call: async (method, url, body, { headers = {}, form } = {}) => {
      const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded';
      const payload = form ?? (body === undefined ? undefined : JSON.stringify(body));
      const response = await app.inject({
        method,
        url,
        headers: payload === undefined ? headers : { 'content-type': type, ...headers },
        ...(payload === undefined ? {} : { payload }),
      });
      const { code, message, data } = response.json<Pick<Answer, 'code' | 'message' | 'data'>>();
      const items = Array.isArray(data) ? (data as readonly Data[]) : [];
      return { status: response.statusCode, code, message, data, items, headers: response.headers };
    },
  };
  return world;
}

export function noAnswer(): Error {
  return new ReplicationError('retryable', 'ConnectionRefused', 'connect ECONNREFUSED');
}

export const CLUSTER_BODY = {
  name: 'far',
  url: 'http://far.test/replication',
  type: 'STANDALONE',
  username: 'writer',
  password: 's3cret',
} as const;

export const CLUSTER_SPEC = { type: 'STANDALONE', url: 'http://far.test/replication' };

/** In namespace `one`. */
export function taskBody(changes: object = {}): Record<string, unknown> {
  return {
    name: 'nightly',
    localProjectId: 'p1',
    replicaObjectType: 'REPOSITORY',
    replicaTaskObjects: [{ localRepoName: 'gen', remoteProjectId: 'rp1', remoteRepoName: 'gen', repoType: 'GENERIC' }],
    replicaType: 'SCHEDULED',
    setting: {
      executionStrategy: 'CRON_EXPRESSION',
      executionPlan: { executeImmediately: false, cronExpression: '0 0 3 * * ?' },
    },
    remoteClusterIds: ['far'],
    ...changes,
  };
}

export function taskSpec(changes: object = {}): object {
  return {
    localProjectId: 'p1',
    replicaTaskObjects: [{ localRepoName: 'gen', repoType: 'GENERIC' }],
    setting: { executionPlan: { cronExpression: '0 3 * * *' } },
    remoteClusterIds: ['far'],
    ...changes,
  };
}

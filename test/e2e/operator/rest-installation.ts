/**
 * An installation with the REST API: what is shipped for it on top of the base, operators that serve it, and callers that
 * are real curl processes.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { type CurlAnswer, curl } from '../../support/curl.ts';
import { freePort } from '../../support/ports.ts';
import type { Program } from '../../support/program.ts';
import { type RestAccount, writeRestUsers } from '../../support/rest-accounts.ts';
import { eventually } from '../../support/wait.ts';
import { BASE, Installation, type KindsByPlural, NAMESPACE, OPERATOR } from './installation.ts';
import { type FarSide, Parts } from './parts.ts';
import { told } from './rest-answers.ts';
import { grantsOf, type Right } from './rights.ts';

const COMPONENT = path.resolve(BASE, '../components/rest');
/** Short, so that a test can wait for it. Seconds. */
const LEASE = { durationSeconds: 3, renewSeconds: 2, retrySeconds: 0.5 };
export const REQUEST_TIMEOUT_SECONDS = 3;
export const ADMIN: RestAccount = { username: 'deploy', password: 'rest-secret-3K', role: 'admin' };
export const VIEWER: RestAccount = { username: 'auditor', password: 'rest-secret-4L', role: 'viewer' };

export interface RestOperator {
  readonly program: Program;
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
}

/** Calls one operator as one caller. */
export class Client {
  readonly #url: string;
  readonly #credentials: readonly string[];

  private constructor(url: string, credentials: readonly string[]) {
    this.#url = url;
    this.#credentials = credentials;
  }

  static basic({ url }: RestOperator, { username, password }: RestAccount): Client {
    return new Client(url, ['--user', `${username}:${password}`]);
  }

  static token({ url }: RestOperator, token: string): Client {
    return new Client(url, ['--header', `Authorization: Bearer ${token}`]);
  }

  get<T>(place: string, ...more: readonly string[]): Promise<CurlAnswer<T>> {
    return curl<T>(...this.#credentials, ...more, `${this.#url}${place}`);
  }

  /** With a JSON body, or none. */
  post<T>(place: string, body?: object, ...more: readonly string[]): Promise<CurlAnswer<T>> {
    const sent =
      body === undefined ? [] : ['--header', 'Content-Type: application/json', '--data', JSON.stringify(body)];
    return this.get<T>(place, '--request', 'POST', ...sent, ...more);
  }

  delete(place: string): Promise<CurlAnswer<null>> {
    return this.get<null>(place, '--request', 'DELETE');
  }

  /** `data` of an answer that has to be success. */
  async data<T>(place: string): Promise<T> {
    return told(await this.get<T>(place));
  }
}

/** By its own words. */
export function leads({ program }: RestOperator): boolean {
  return program.output.includes('leading, controllers start');
}

export class RestInstallation {
  readonly installation: Installation;
  readonly parts: Parts;
  /** What the account may by what is shipped for REST alone. */
  readonly grants: readonly Right[];
  readonly #users: string;
  readonly #operators: RestOperator[] = [];
  #far: FarSide | undefined;

  private constructor(installation: Installation, parts: Parts, grants: readonly Right[], users: string) {
    this.installation = installation;
    this.parts = parts;
    this.grants = grants;
    this.#users = users;
  }

  /** With one far side and two operators, of which one leads. */
  static async start(): Promise<RestInstallation> {
    const installation = await Installation.start();
    const parts = await Parts.start(installation.directory);
    await installation.install(parts.databases);
    const kubectl = (args: readonly string[]): Promise<string> => installation.kubectl(...args);
    const before = new Set((await grantsOf(kubectl, OPERATOR)).map((right) => JSON.stringify(right)));
    await installation.install(parts.databases, await overlay(installation.directory));
    const grants = (await grantsOf(kubectl, OPERATOR)).filter((right) => !before.has(JSON.stringify(right)));
    const users = await writeRestUsers(installation.directory, [ADMIN, VIEWER]);
    const rest = new RestInstallation(installation, parts, grants, users);
    const [far, first] = await Promise.all([parts.farSide('shanghai'), rest.operator()]);
    rest.#far = far;
    await eventually(() => leads(first));
    await rest.operator();
    return rest;
  }

  get far(): FarSide {
    assert.ok(this.#far);
    return this.#far;
  }

  /** The oldest that runs. */
  get leader(): RestOperator {
    return this.#running(0);
  }

  /** The next oldest. */
  get standby(): RestOperator {
    return this.#running(1);
  }

  /** At the leader. */
  get admin(): Client {
    return Client.basic(this.leader, ADMIN);
  }

  #running(index: number): RestOperator {
    const operator = this.#operators.filter(({ program }) => program.running)[index];
    assert.ok(operator, 'too few operators run');
    return operator;
  }

  /** Starts one more. */
  async operator(): Promise<RestOperator> {
    const port = await freePort();
    const program = await this.installation.startOperator({
      ...this.parts.configuration(),
      lease: LEASE,
      rest: {
        enabled: true,
        host: '127.0.0.1',
        port,
        users: { file: this.#users },
        requestTimeoutSeconds: REQUEST_TIMEOUT_SECONDS,
      },
    });
    const operator = { program, url: `http://127.0.0.1:${port}` };
    this.#operators.push(operator);
    return operator;
  }

  /** As people see it. */
  async yaml<P extends keyof KindsByPlural>(plural: P, name: string): Promise<KindsByPlural[P]> {
    const kind = `${plural}.replication.bkrepo.io`;
    return parse(await this.installation.kubectl('-n', NAMESPACE, 'get', kind, name, '-o', 'yaml')) as KindsByPlural[P];
  }

  async tasks(): Promise<readonly ReplicaTask[]> {
    const list = await this.installation.kubectl('-n', NAMESPACE, 'get', 'replicatasks', '-o', 'yaml');
    return (parse(list) as { readonly items: readonly ReplicaTask[] }).items;
  }

  /** A token of a new ServiceAccount that is bound to these ClusterRoles here. */
  async tokenOf(name: string, roles: readonly string[], audience = 'bkrepo-replicator'): Promise<string> {
    const kubectl = (...args: readonly string[]): Promise<string> =>
      this.installation.kubectl('-n', NAMESPACE, 'create', ...args);
    await kubectl('serviceaccount', name);
    const account = `--serviceaccount=${NAMESPACE}:${name}`;
    for (const role of roles) await kubectl('rolebinding', `${name}-${role}`, `--clusterrole=${role}`, account);
    return (await kubectl('token', name, '--audience', audience)).trim();
  }

  async stop(): Promise<void> {
    await this.parts.stop();
    await this.installation.stop();
  }
}

/** A user's own kustomization: the base and the component. Answers its directory. */
async function overlay(directory: string): Promise<string> {
  const own = path.join(directory, 'overlay');
  await mkdir(own);
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [path.relative(own, BASE)],
    components: [path.relative(own, COMPONENT)],
  };
  await writeFile(path.join(own, 'kustomization.yaml'), stringify(kustomization));
  return own;
}

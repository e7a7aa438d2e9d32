import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { parseConfig } from '../../../src/config.ts';
import { readUsersFile } from '../../../src/rest/auth/users-file.ts';
import { KubectlFailed } from '../../support/kubectl.ts';
import { tempDirFor } from '../../support/tempdir.ts';
import { type ApiServer, PROJECT, startApiServer } from './api-server.ts';

const BASE = `${PROJECT}deploy/kustomize/base`;
const OVERLAYS = `${PROJECT}deploy/kustomize/overlays`;
const REST = `${PROJECT}deploy/kustomize/components/rest`;
const NAMESPACE = 'bkrepo-replicator-system';
const OPERATOR = `system:serviceaccount:${NAMESPACE}:bkrepo-replicator`;

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: { readonly template?: { readonly metadata: object; readonly spec: object } };
}

let server: ApiServer;
let manifests: readonly Manifest[];

before(async () => {
  server = await startApiServer();
  manifests = parseAllDocuments(await kubectl('kustomize', BASE)).map((document) => document.toJS() as Manifest);
  await kubectl('create', 'namespace', 'other');
  await kubectl('apply', '--server-side', '--validate=strict', '-k', BASE);
});
after(() => server[Symbol.asyncDispose]());

function kubectl(...args: readonly string[]): Promise<string> {
  return server.kubernetes.kubectl(args);
}

test('what is namespaced lies in one namespace', () => {
  const clusterWide = ['Namespace', 'ClusterRole', 'ClusterRoleBinding'];
  for (const { kind, metadata } of manifests) {
    assert.equal(metadata.namespace, clusterWide.includes(kind) ? undefined : NAMESPACE, `${kind} ${metadata.name}`);
  }
});

test('applying it again changes nothing', async () => {
  await kubectl('apply', '--server-side', '-k', BASE);
  assert.equal(await kubectl('diff', '--server-side', '-k', BASE), '');
});

test('the cluster-wide overlay is the base', async () => {
  assert.equal(await kubectl('kustomize', join(OVERLAYS, 'cluster-wide')), await kubectl('kustomize', BASE));
});

test('the overlay for high availability adds a budget for its Pods and spreads them, and is accepted', async () => {
  const overlay = join(OVERLAYS, 'ha');
  await kubectl('apply', '--server-side', '--validate=strict', '--dry-run=server', '-k', overlay);
  const rendered = parseAllDocuments(await kubectl('kustomize', overlay)).map((document) => document.toJS());
  const deployment = rendered.find(({ kind }) => kind === 'Deployment');
  const [budget, ...others] = rendered.filter(
    (object) => !manifests.some(({ kind, metadata }) => kind === object.kind && metadata.name === object.metadata.name),
  );
  assert.deepEqual(others, []);
  assert.equal(budget.kind, 'PodDisruptionBudget');
  assert.equal(budget.metadata.namespace, NAMESPACE);
  assert.deepEqual(budget.spec.selector, deployment.spec.selector);
  assert.ok(deployment.spec.replicas > 1, 'a budget for one Pod');
  const { topologySpreadConstraints } = deployment.spec.template.spec;
  assert.deepEqual(
    topologySpreadConstraints.map(({ topologyKey }: { topologyKey: string }) => topologyKey),
    ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'],
  );
  for (const { labelSelector } of topologySpreadConstraints) {
    assert.deepEqual(labelSelector, deployment.spec.selector);
  }
});

async function createPod(edit: (spec: Record<string, unknown>) => void): Promise<string> {
  const template = manifests.find(({ kind }) => kind === 'Deployment')?.spec?.template;
  assert.ok(template);
  const spec = structuredClone(template.spec) as Record<string, unknown>;
  edit(spec);
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name: 'probe' }, spec };
  return server.kubernetes.kubectl(['create', '--dry-run=server', '--namespace', NAMESPACE, '-f', '-'], {
    input: JSON.stringify(pod),
  });
}

test('its Pod is allowed where Pod Security "restricted" is enforced, and would not be without runAsNonRoot', async () => {
  await createPod(() => undefined);
  const asRoot = createPod((spec) => {
    spec['securityContext'] = { seccompProfile: { type: 'RuntimeDefault' } };
  });
  await assert.rejects(asRoot, (error: unknown) => {
    assert.ok(error instanceof KubectlFailed);
    assert.match(error.stderr, /violates PodSecurity "restricted:latest": runAsNonRoot != true/);
    return true;
  });
});

/** [verb, resource, namespace, allowed] for the operator's ServiceAccount. */
const RIGHTS: readonly (readonly [string, string, string, boolean])[] = [
  ['list', 'clusters.replication.bkrepo.io', 'other', true],
  ['watch', 'replicatasks.replication.bkrepo.io', 'other', true],
  ['patch', 'clusters.replication.bkrepo.io', 'other', true],
  ['patch', 'clusters.replication.bkrepo.io/status', 'other', true],
  ['patch', 'replicatasks.replication.bkrepo.io/status', 'other', true],
  ['patch', 'replicatasks.replication.bkrepo.io', 'other', false],
  ['update', 'replicatasks.replication.bkrepo.io', 'other', false],
  ['delete', 'replicatasks.replication.bkrepo.io', 'other', false],
  ['create', 'events.events.k8s.io', 'other', true],
  ['patch', 'events.events.k8s.io', 'other', true],
  ['create', 'leases.coordination.k8s.io', NAMESPACE, true],
  ['create', 'leases.coordination.k8s.io', 'other', false],
  ['list', 'leases.coordination.k8s.io', NAMESPACE, false],
  ['get', 'secrets', NAMESPACE, true],
  ['get', 'configmaps', NAMESPACE, true],
  ['get', 'secrets', 'other', false],
  ['list', 'secrets', NAMESPACE, false],
  ['watch', 'configmaps', NAMESPACE, false],
  ['create', 'pods', NAMESPACE, false],
];

for (const [verb, resource, namespace, allowed] of RIGHTS) {
  test(`the operator may ${allowed ? '' : 'not '}${verb} ${resource} in ${namespace}`, async () => {
    const [name, subresource] = resource.split('/');
    const args = ['auth', 'can-i', verb, name ?? '', '--namespace', namespace];
    if (subresource !== undefined) args.push(`--subresource=${subresource}`);
    const answer = server.kubernetes.kubectl(args, { user: OPERATOR });
    if (allowed) assert.equal((await answer).trim(), 'yes');
    else
      await assert.rejects(answer, (error: unknown) => error instanceof KubectlFailed && error.stdout.trim() === 'no');
  });
}

test('another namespace is served once its RoleBinding is there', async () => {
  const binding = ['create', 'rolebinding', 'bkrepo-replicator-secret-reader', '--namespace', 'other'];
  const account = `--serviceaccount=${NAMESPACE}:bkrepo-replicator`;
  await kubectl(...binding, '--clusterrole=bkrepo-replicator-secret-reader', account);
  const answer = await server.kubernetes.kubectl(['auth', 'can-i', 'get', 'secrets', '--namespace', 'other'], {
    user: OPERATOR,
  });
  assert.equal(answer.trim(), 'yes');
});

/** The same for the REST component, which is applied last. */
const REST_RIGHTS: typeof RIGHTS = [
  ['get', 'clusters.replication.bkrepo.io', NAMESPACE, true],
  ['create', 'replicatasks.replication.bkrepo.io', NAMESPACE, true],
  ['patch', 'replicatasks.replication.bkrepo.io', NAMESPACE, true],
  ['delete', 'clusters.replication.bkrepo.io', NAMESPACE, true],
  ['update', 'clusters.replication.bkrepo.io', NAMESPACE, false],
  ['create', 'replicatasks.replication.bkrepo.io', 'kube-public', false],
  ['create', 'secrets', NAMESPACE, true],
  ['update', 'secrets', NAMESPACE, true],
  ['delete', 'secrets', NAMESPACE, false],
  ['list', 'secrets', NAMESPACE, false],
  ['create', 'secrets', 'kube-public', false],
  ['create', 'tokenreviews.authentication.k8s.io', NAMESPACE, true],
  ['create', 'subjectaccessreviews.authorization.k8s.io', NAMESPACE, true],
];

test('the REST component adds its Service, its mounts and exactly its rights to the base', async (t) => {
  const own = await tempDirFor(t, 'overlay');
  const kustomization = { resources: [relative(own, BASE)], components: [relative(own, REST)] };
  await writeFile(join(own, 'kustomization.yaml'), stringify(kustomization));
  await kubectl('apply', '--server-side', '--validate=strict', '-k', own);
  for (const [verb, resource, namespace, allowed] of REST_RIGHTS) {
    const args = ['auth', 'can-i', verb, resource, '--namespace', namespace];
    const answer = await server.kubernetes.kubectl(args, { user: OPERATOR }).catch((error: unknown) => {
      assert.ok(error instanceof KubectlFailed);
      return error.stdout;
    });
    assert.equal(answer.trim(), allowed ? 'yes' : 'no', `${verb} ${resource} in ${namespace}`);
  }
  const rendered = await kubectl('kustomize', own);
  manifests = parseAllDocuments(rendered).map((document) => document.toJS() as Manifest);
  await createPod(() => undefined);
  const container = manifests.find(({ kind }) => kind === 'Deployment')?.spec?.template?.spec as {
    readonly containers: readonly { readonly env: readonly { readonly name: string; readonly value?: string }[] }[];
  };
  const environment = Object.fromEntries(
    container.containers[0]?.env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])) ?? [],
  );
  const { rest } = parseConfig({ environment });
  assert.deepEqual(
    [rest.enabled, rest.users.file, rest.tls.certFile, rest.port],
    [true, '/etc/bkrepo-replicator-rest/users/users.yaml', '/etc/bkrepo-replicator-rest/tls/tls.crt', 8_443],
  );
});

test('the sample of the REST users is the Secret that the component mounts, and a file that REST reads', async (t) => {
  const sample = `${REST}/users-secret.sample.yaml`;
  await kubectl('create', '--dry-run=server', '--validate=strict', '-f', sample);
  const { metadata, stringData } = parse(await readFile(sample, 'utf8')) as {
    readonly metadata: { readonly name: string; readonly namespace: string };
    readonly stringData: Readonly<Record<string, string>>;
  };
  assert.deepEqual(metadata, { name: 'bkrepo-replicator-rest-users', namespace: NAMESPACE });
  const file = join(await tempDirFor(t, 'users'), 'users.yaml');
  await writeFile(file, stringData['users.yaml'] ?? '');
  const { list } = await readUsersFile(file);
  assert.deepEqual(
    list.map(({ username, role, hash }) => [username, role, hash.kind]),
    [['deploy', 'admin', 'bcrypt']],
  );
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { kubernetesAccessReview } from '../../../src/compose/access-review.ts';
import { kubeConfigLoader } from '../../../src/kube/config.ts';
import { Transport } from '../../../src/kube/transport.ts';
import type { AccessReview } from '../../../src/rest/ports.ts';
import { type Kubernetes, startKubernetes } from '../../support/kubernetes.ts';
import { eventually } from '../../support/wait.ts';

const never = new AbortController().signal;
const AUDIENCE = 'bkrepo-replicator';
let kubernetes: Kubernetes;
let transport: Transport;
let review: AccessReview;

before(async () => {
  kubernetes = await startKubernetes();
  for (const name of ['operator', 'caller', 'leaver'])
    await kubernetes.kubectl(['create', 'sa', name, '-n', 'default']);
  const kubeconfig = await kubernetes.kubeconfigFor({ namespace: 'default', name: 'operator' });
  transport = new Transport({ load: kubeConfigLoader({ kubeconfig }) });
  review = kubernetesAccessReview(transport);
});

after(async () => {
  await transport?.close();
  await kubernetes?.stop();
});

const token = async (name: string, ...flags: string[]): Promise<string> =>
  (await kubernetes.kubectl(['create', 'token', name, '-n', 'default', ...flags])).trim();

test('the binding decides whether anything may be asked at all', async () => {
  assert.equal(await review.mayReview(never), false);
  await assert.rejects(review.reviewToken('x', [AUDIENCE], never), { code: 'ApiForbidden' });
  const binding = ['create', 'clusterrolebinding', 'op', '--clusterrole=system:auth-delegator'];
  await kubernetes.kubectl([...binding, '--serviceaccount=default:operator']);
  await eventually(() => review.mayReview(never));
});

test('a token counts for its audience only, and dies with its account', async () => {
  const own = await token('leaver', `--audience=${AUDIENCE}`);
  assert.equal((await review.reviewToken(own, [AUDIENCE], never))?.username, 'system:serviceaccount:default:leaver');
  assert.equal(await review.reviewToken(own, [], never), undefined);
  const server = await token('leaver');
  assert.equal(await review.reviewToken(server, [AUDIENCE], never), undefined);
  assert.notEqual(await review.reviewToken(server, [], never), undefined);
  assert.equal(await review.reviewToken(await token('leaver', '--audience=other'), [AUDIENCE], never), undefined);
  assert.equal(await review.reviewToken('rubbish', [AUDIENCE], never), undefined);
  await kubernetes.kubectl(['delete', 'sa', 'leaver', '-n', 'default']);
  await eventually(async () => (await review.reviewToken(own, [AUDIENCE], never)) === undefined, { timeoutMs: 20_000 });
});

test("rights are the caller's, per verb, resource and namespace, not the operator's", async () => {
  const rights = ['create', 'clusterrolebinding', 'op-all', '--clusterrole=cluster-admin'];
  await kubernetes.kubectl([...rights, '--serviceaccount=default:operator']);
  const user = await review.reviewToken(await token('caller', `--audience=${AUDIENCE}`), [AUDIENCE], never);
  assert.ok(user);
  const request = { verb: 'list', resource: 'replicatasks', namespace: 'default' } as const;
  assert.equal(await review.reviewAccess(user, request, never), false);
  const role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'lister', namespace: 'default' },
    rules: [{ apiGroups: ['replication.bkrepo.io'], resources: ['replicatasks'], verbs: ['list'] }],
  };
  await kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(role) });
  const binding = ['create', 'rolebinding', 'lister', '-n', 'default', '--role=lister'];
  await kubernetes.kubectl([...binding, '--serviceaccount=default:caller']);
  await eventually(() => review.reviewAccess(user, request, never));
  for (const other of [
    { verb: 'delete' },
    { namespace: 'kube-system' },
    { resource: 'clusters' },
    { resource: 'secrets' },
  ] as const)
    assert.equal(await review.reviewAccess(user, { ...request, ...other }, never), false);
});

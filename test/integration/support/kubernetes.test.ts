import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KubectlFailed } from '../../support/kubectl.ts';
import { type Kubernetes, startKubernetes } from '../../support/kubernetes.ts';
import { eventually } from '../../support/wait.ts';

let kubernetes: Kubernetes;
before(async () => {
  kubernetes = await startKubernetes({ controllers: true });
});
after(async () => {
  await kubernetes?.stop();
});

test('kubectl lists namespaces, and the requests are in the audit log', async () => {
  const listed = await kubernetes.kubectl(['get', 'namespaces', '--output', 'name']);
  assert.match(listed, /^namespace\/kube-system$/m);
  const events = await eventually(async () => {
    const all = await kubernetes.readAuditLog();
    return all.some(({ userAgent }) => userAgent?.startsWith('kubectl')) && all;
  });
  const request = events.find(
    ({ userAgent, objectRef }) => userAgent?.startsWith('kubectl') && objectRef?.resource === 'namespaces',
  );
  assert.equal(request?.verb, 'list');
  assert.equal(request?.user.username, 'administrator');
  assert.equal(request?.responseStatus?.code, 200);
});

test('a ServiceAccount may do what its role says and nothing else', async () => {
  await kubernetes.kubectl(['create', 'namespace', 'rights']);
  await kubernetes.kubectl(['create', 'serviceaccount', 'reader', '-n', 'rights']);
  await kubernetes.kubectl(['create', 'role', 'reads', '-n', 'rights', '--verb=list', '--resource=configmaps']);
  await kubernetes.kubectl('create rolebinding reads -n rights --role=reads --serviceaccount=rights:reader'.split(' '));
  const kubeconfig = await kubernetes.kubeconfigFor({ namespace: 'rights', name: 'reader' });
  const forbidden = (error: unknown): boolean => error instanceof KubectlFailed && error.stderr.includes('Forbidden');
  await eventually(() => kubernetes.kubectl(['get', 'configmaps'], { kubeconfig }).then(() => true));
  await assert.rejects(kubernetes.kubectl(['get', 'secrets'], { kubeconfig }), forbidden);
  const user = 'system:serviceaccount:rights:reader';
  await assert.rejects(kubernetes.kubectl(['get', 'secrets', '-n', 'rights'], { user }), forbidden);
});

test('an owner reference that blocks deletion is refused to who may not set finalizers of the owner', async () => {
  await kubernetes.kubectl(['create', 'namespace', 'owners']);
  await kubernetes.kubectl(['create', 'configmap', 'owner', '-n', 'owners']);
  await kubernetes.kubectl(['create', 'serviceaccount', 'maker', '-n', 'owners']);
  await kubernetes.kubectl(['create', 'role', 'makes', '-n', 'owners', '--verb=create,get', '--resource=configmaps']);
  await kubernetes.kubectl('create rolebinding makes -n owners --role=makes --serviceaccount=owners:maker'.split(' '));
  const owner = JSON.parse(await kubernetes.kubectl('get configmap owner -n owners -o json'.split(' ')));
  const ownerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid };
  const owned = (name: string, blockOwnerDeletion: boolean): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'owners', ownerReferences: [{ ...ownerReference, blockOwnerDeletion }] },
    });
  const user = 'system:serviceaccount:owners:maker';
  await eventually(() =>
    kubernetes.kubectl(['create', '-f', '-'], { user, input: owned('free', false) }).then(() => true),
  );
  await assert.rejects(
    kubernetes.kubectl(['create', '-f', '-'], { user, input: owned('blocking', true) }),
    /cannot set blockOwnerDeletion/,
  );
});

test('after a kill the API server starts again on the same port with the same data', async () => {
  await kubernetes.kubectl(['create', 'namespace', 'kept']);
  const { port, apiServerPid } = kubernetes;
  await kubernetes.killApiServer();
  assert.throws(() => kubernetes.apiServerPid, /not running/);
  await assert.rejects(kubernetes.kubectl(['get', 'namespace', 'kept']), KubectlFailed);
  await kubernetes.restartApiServer();
  assert.equal(kubernetes.port, port);
  assert.notEqual(kubernetes.apiServerPid, apiServerPid);
  assert.match(await kubernetes.kubectl(['get', 'namespace', 'kept', '-o', 'name']), /namespace\/kept/);
});

test('a stopped API server hangs and goes on where it was', async () => {
  await kubernetes.signalApiServer('SIGSTOP');
  await assert.rejects(kubernetes.kubectl(['get', 'namespaces', '--request-timeout=500ms']), KubectlFailed);
  await kubernetes.signalApiServer('SIGCONT');
  await eventually(() => kubernetes.kubectl(['get', 'namespaces']).then(() => true));
});

test('the controllers make Pods of Jobs and end namespaces', async () => {
  await kubernetes.kubectl(['create', 'namespace', 'ending']);
  await eventually(() => kubernetes.kubectl(['get', 'serviceaccount', 'default', '-n', 'ending']).then(() => true));
  await kubernetes.kubectl(['create', 'job', 'once', '--image=none', '-n', 'ending']);
  await eventually(() => kubernetes.kubectl(['get', 'pods', '-n', 'ending', '-o', 'name']).then((out) => out !== ''));
  await kubernetes.kubectl(['delete', 'namespace', 'ending', '--timeout=50s']);
});

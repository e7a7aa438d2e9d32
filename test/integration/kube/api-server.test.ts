import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { CoordinationV1Api } from '@kubernetes/client-node';

import { kubeConfigLoader, ownNamespace } from '../../../src/kube/config.ts';
import { readConfigMap, readSecret } from '../../../src/kube/core-objects.ts';
import {
  isAlreadyExists,
  isConflict,
  isForbidden,
  isInvalid,
  isNotFound,
  KubeError,
} from '../../../src/kube/errors.ts';
import { EventRecorder } from '../../../src/kube/event-recorder.ts';
import { KubeEventSink } from '../../../src/kube/event-sink.ts';
import { LeaseElector } from '../../../src/kube/lease.ts';
import { KubeLeaseStore } from '../../../src/kube/lease-store.ts';
import { ResourceClient } from '../../../src/kube/resource-client.ts';
import { servedSchemaLacks } from '../../../src/kube/served-schema.ts';
import { Transport } from '../../../src/kube/transport.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { type Kubernetes, startKubernetes } from '../../support/kubernetes.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { eventually } from '../../support/wait.ts';
import { accessReviews } from './access-reviews.ts';
import { installWidgets, WIDGETS, type Widget, widget } from './widgets.ts';

const never = new AbortController().signal;
const manager = { fieldManager: 'kube-test' };
let kubernetes: Kubernetes;
let transport: Transport;
let widgets: ResourceClient<Widget>;
let directory: string;

before(async () => {
  kubernetes = await startKubernetes();
  directory = await makeTempDir('kube-test');
  await installWidgets(kubernetes);
  transport = new Transport({ load: kubeConfigLoader({ kubeconfig: kubernetes.kubeconfig }) });
  widgets = new ResourceClient<Widget>(transport, WIDGETS);
});

after(async () => {
  await transport?.close();
  await kubernetes?.stop();
  await removeDir(directory);
});

/** Connections of this process to the API server, as the kernel sees them. */
async function openConnections(): Promise<number> {
  const table = await readFile('/proc/net/tcp', 'utf8');
  const port = kubernetes.port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').filter((line) => new RegExp(`^ *\\d+: \\w+:\\w+ \\w+:${port} 01 `).test(line)).length;
}

test('300 lists need at most two connections', async () => {
  const alone = new Transport({ load: kubeConfigLoader({ kubeconfig: kubernetes.kubeconfig }) });
  const client = new ResourceClient<Widget>(alone, WIDGETS);
  const before = await openConnections();
  for (let i = 0; i < 300; i += 1) await client.list('default', never);
  const opened = (await openConnections()) - before;
  await alone.close();
  assert.ok(opened >= 1 && opened <= 2, `${opened} connections`);
});

test('a list of more than one page is whole', async () => {
  await kubernetes.kubectl(['create', 'namespace', 'many']);
  const names = Array.from({ length: 520 }, (_, i) => `w${String(i).padStart(3, '0')}`);
  for (let i = 0; i < names.length; i += 20)
    await Promise.all(names.slice(i, i + 20).map((name) => widgets.create(widget(name), 'many', manager, never)));
  const { items } = await widgets.list('many', never);
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    names,
  );
  await kubernetes.kubectl(['delete', 'widgets', '--all', '-n', 'many', '--wait=false']);
});

test('a status write lands only on the version that was read, and not on an object made anew under the name', async () => {
  const first = await widgets.create(widget('a', { size: 1 }), 'default', manager, never);
  const written = await widgets.patchStatus(first, { phase: 'Ready' }, manager, never);
  assert.equal(written.status?.phase, 'Ready');
  await assert.rejects(widgets.patchStatus(first, { phase: 'Late' }, manager, never), isConflict);
  await widgets.delete('default', 'a', { uid: first.metadata.uid }, never);
  const second = await widgets.create(widget('a', { size: 1 }), 'default', manager, never);
  await assert.rejects(widgets.patchStatus(written, { phase: 'Late' }, manager, never), isConflict);
  assert.equal((await widgets.get('default', 'a', never)).status, undefined);
  await assert.rejects(widgets.delete('default', 'a', { uid: first.metadata.uid }, never), isConflict);
  const patched = await widgets.mergePatch('default', 'a', { metadata: { annotations: { x: 'y' } } }, manager, never);
  assert.equal(patched.metadata.annotations?.['x'], 'y');
  const applied = await widgets.apply(
    'default',
    'a',
    { status: { phase: 'A' } },
    { ...manager, subresource: 'status' },
    never,
  );
  assert.deepEqual([applied.status?.phase, applied.metadata.uid], ['A', second.metadata.uid]);
  const test = { op: 'test', path: '/spec/size', value: 1 } as const;
  const changed = await widgets.jsonPatch(
    'default',
    'a',
    [test, { op: 'replace', path: '/spec/size', value: 2 }],
    manager,
    never,
  );
  assert.equal(changed.spec?.size, 2);
});

test('refusals come with their reasons and fields', async () => {
  await assert.rejects(widgets.get('default', 'none', never), isNotFound);
  await widgets.create(widget('twice'), 'default', manager, never);
  await assert.rejects(widgets.create(widget('twice'), 'default', manager, never), isAlreadyExists);
  await assert.rejects(widgets.create(widget('big', { size: 1_001 }), 'default', manager, never), (error) => {
    assert.ok(isInvalid(error) && error instanceof KubeError);
    assert.equal(error.causes[0]?.field, 'spec.size');
    return true;
  });
  const unknown = { ...widget('typo'), spec: { sizes: 1 } };
  await assert.rejects(widgets.create(unknown, 'default', manager, never), /unknown field "spec.sizes"/);
});

test('a service account logs in as in a pod; a rotated token is taken up by the 401', async (t) => {
  await kubernetes.kubectl(['create', 'serviceaccount', 'op', '-n', 'default']);
  const { pathPrefix, environment } = await kubernetes.inClusterFor({ namespace: 'default', name: 'op' });
  Object.assign(process.env, environment);
  t.after(() => {
    delete process.env['KUBERNETES_SERVICE_HOST'];
    delete process.env['KUBERNETES_SERVICE_PORT'];
  });
  const choice = { inCluster: true, serviceAccountRoot: pathPrefix };
  assert.equal(ownNamespace(choice), 'default');
  const tokenFile = join(pathPrefix, 'var/run/secrets/kubernetes.io/serviceaccount/token');
  const good = await readFile(tokenFile, 'utf8');
  await writeFile(tokenFile, 'expired\n');
  const pod = new Transport({ load: kubeConfigLoader(choice) });
  t.after(() => pod.close());
  await assert.rejects(
    readSecret(pod, 'default', 's', never),
    (error) => error instanceof KubeError && error.code === 401,
  );
  await writeFile(tokenFile, good);
  await assert.rejects(readSecret(pod, 'default', 's', never), isForbidden);
  await kubernetes.kubectl(['create', 'role', 'r', '--verb=get', '--resource=secrets']);
  await kubernetes.kubectl(['create', 'rolebinding', 'r', '--role=r', '--serviceaccount=default:op']);
  await kubernetes.kubectl(['create', 'secret', 'generic', 's', '--from-literal=username=管理员']);
  const secret = await eventually(() => readSecret(pod, 'default', 's', never));
  assert.equal(secret.data.get('username')?.toString(), '管理员');
  assert.equal(await readSecret(pod, 'default', 'none', never), undefined);
  await kubernetes.kubectl(['create', 'configmap', 'ca', '--from-literal=ca.crt=PEM']);
  assert.equal((await readConfigMap(transport, 'default', 'ca', never))?.data.get('ca.crt')?.toString(), 'PEM');
});

test('a certificate authority that changes on disk is taken up without a new transport', async (t) => {
  const caFile = join(directory, 'ca.crt');
  const right = await readFile(kubernetes.caFile, 'utf8');
  await writeFile(caFile, '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n');
  const config = kubeConfigLoader({ kubeconfig: kubernetes.kubeconfig });
  const rotating = new Transport({
    load: () => {
      const loaded = config();
      loaded.clusters = loaded.clusters.map(({ name, server }) => ({ name, server, caFile, skipTLSVerify: false }));
      return loaded;
    },
  });
  t.after(() => rotating.close());
  const client = new ResourceClient<Widget>(rotating, WIDGETS);
  await assert.rejects(client.list('default', never), (error) => error instanceof KubeError && error.code === 0);
  await writeFile(caFile, right);
  assert.ok((await client.list('default', never)).items.length > 0);
});

function elector(identity: string, name: string): LeaseElector {
  return new LeaseElector({
    store: new KubeLeaseStore(transport, 'default', name),
    identity,
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
    durationMs: 3_000,
    renewDeadlineMs: 2_000,
    retryMs: 500,
  });
}

test('a released lease goes to the next elector at once, with times the server takes', async (t) => {
  const a = elector('a', 'released');
  const b = elector('b', 'released');
  t.after(() => Promise.all([a.release(never), b.release(never)]));
  a.start();
  await a.acquired(AbortSignal.timeout(5_000));
  b.start();
  await eventually(() => b.leader === 'a');
  const lease = JSON.parse(await kubernetes.kubectl(['get', 'lease', 'released', '-o', 'json'])) as {
    spec: Record<string, unknown>;
  };
  assert.match(String(lease.spec['renewTime']), /\.\d{6}Z$/);
  const begun = performance.now();
  await a.release(never);
  await b.acquired(AbortSignal.timeout(5_000));
  assert.ok(performance.now() - begun < 2_500, 'well before the lease would have run out');
  assert.equal(a.isLeader(), false);
  await b.release(never);
  const spec = (
    await new CoordinationV1Api(transport.configuration(never)).readNamespacedLease({
      namespace: 'default',
      name: 'released',
    })
  ).spec;
  assert.deepEqual([spec?.holderIdentity ?? '', spec?.leaseDurationSeconds, spec?.leaseTransitions], ['', 1, 1]);
});

test('the lease of a killed process is taken after it has run out, and not before', async (t) => {
  const script = fileURLToPath(new URL('./elector-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, kubernetes.kubeconfig, 'doomed'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const b = elector('b', 'killed');
  t.after(() => b.release(never));
  b.start();
  await eventually(() => b.leader === 'doomed');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const killed = performance.now();
  await b.acquired(AbortSignal.timeout(10_000));
  const waited = performance.now() - killed;
  assert.ok(waited > 1_500 && waited < 6_000, `${waited} ms`);
});

test('events are shown by kubectl, as one with a series when they repeat, whatever their length', async (t) => {
  const object = await widgets.create(widget('eventful'), 'default', manager, never);
  const { name, namespace = '', uid, resourceVersion } = object.metadata;
  const regarding = { apiVersion: 'test.example/v1', kind: 'Widget', namespace, name, uid, resourceVersion };
  const sink = new KubeEventSink(transport, 'kube-test', `${'host'.repeat(50)}`);
  const recorder = new EventRecorder({ sink, clock: systemClock, random: Math.random, logger: silentLogger });
  const stop = new AbortController();
  const running = recorder.run(stop.signal);
  t.after(() => stop.abort());
  const input = {
    type: 'Warning',
    reason: 'SecretNotFound',
    action: 'Resolve',
    note: '没有 Secret far-credentials',
  } as const;
  recorder.event(regarding, input);
  await eventually(async () => (await kubernetes.kubectl(['get', 'events'])).includes('SecretNotFound'));
  for (let i = 0; i < 6; i += 1) recorder.event(regarding, input);
  recorder.event(regarding, {
    type: 'Normal',
    reason: 'R'.repeat(500),
    action: 'A'.repeat(500),
    note: '长'.repeat(5_000),
  });
  // Counted twice before the first was sent: created with its series.
  recorder.event(regarding, { ...input, reason: 'TwiceAtOnce' });
  recorder.event(regarding, { ...input, reason: 'TwiceAtOnce' });
  await recorder.flush(AbortSignal.timeout(10_000));
  stop.abort();
  await running;
  assert.equal(recorder.dropped, 0);
  const list = JSON.parse(await kubernetes.kubectl(['get', 'events.v1.events.k8s.io', '-o', 'json'])) as {
    items: {
      reason: string;
      note: string;
      eventTime: string;
      regarding: { name: string };
      series?: { count: number; lastObservedTime: string };
    }[];
  };
  const of = (reason: string): (typeof list.items)[number] | undefined =>
    list.items.find((one) => one.reason.startsWith(reason));
  assert.equal(of('SecretNotFound')?.series?.count, 7);
  assert.match(of('SecretNotFound')?.series?.lastObservedTime ?? '', /\.\d{6}Z$/);
  assert.equal(of('TwiceAtOnce')?.series?.count, 2);
  assert.equal(of('RRR')?.reason.length, 126);
  assert.ok(Buffer.byteLength(of('RRR')?.note ?? '') > 1_000);
  assert.equal(list.items.filter(({ regarding: { name: about } }) => about === name).length, 3);
  const described = await kubernetes.kubectl(['describe', 'widget', 'eventful']);
  assert.match(described, /Warning\s+SecretNotFound\s+.*没有 Secret far-credentials/);
});

test('what the served schema lacks is told in words', async () => {
  const present = ['metadata.name', 'spec.size', 'spec.parts[].name', 'spec.labels.any.value', 'status.phase'];
  const lacking = ['spec.sizes', 'spec.parts[].colour', 'status.conditions'];
  assert.deepEqual(await servedSchemaLacks(transport, WIDGETS, present, never), []);
  const lacks = await servedSchemaLacks(transport, WIDGETS, [...present, ...lacking], never);
  assert.equal(lacks.length, 3);
  for (const [i, path] of lacking.entries()) assert.ok(lacks[i]?.includes(`has no field ${path}:`), lacks[i]);
  const missing = await servedSchemaLacks(transport, { ...WIDGETS, group: 'none.example' }, present, never);
  assert.match(missing.join(), /serves no none\.example\/v1: install/);
  const kind = await servedSchemaLacks(transport, { ...WIDGETS, kind: 'Gadget', plural: 'gadgets' }, present, never);
  assert.match(kind.join(), /without kind Gadget: install the CustomResourceDefinition gadgets\.test\.example/);
  const account = await kubernetes.kubeconfigFor({ namespace: 'default', name: 'op' });
  const pod = new Transport({ load: kubeConfigLoader({ kubeconfig: account }) });
  assert.deepEqual(await servedSchemaLacks(pod, WIDGETS, present, never), [], 'needs no right of its own');
  await pod.close();
});

accessReviews(() => kubernetes);

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { ReplicationError } from '../../../src/domain/errors.ts';
import { kubeConfigLoader } from '../../../src/kube/config.ts';
import type { EventInput } from '../../../src/kube/event-series.ts';
import type { ObjectReference } from '../../../src/kube/object.ts';
import { Transport } from '../../../src/kube/transport.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createKubernetesStore, type KubernetesStore } from '../../../src/resources/kubernetes-store.ts';
import type { ObjectKey } from '../../../src/resources/store.ts';
import { type Kubernetes, startKubernetes } from '../../support/kubernetes.ts';
import { eventually } from '../../support/wait.ts';
import { clusterYaml, never, recordingLogger } from './directory-samples.ts';
import { editorCases } from './kubernetes-editor-cases.ts';

const ROOT = join(import.meta.dirname, '../../..');
const FINALIZER = 'replication.bkrepo.io/finalizer';
const ACCOUNT = { namespace: 'bkrepo-replicator-system', name: 'bkrepo-replicator' };

describe('the resource store over a real API server, with the shipped rights', () => {
  let kubernetes: Kubernetes;
  let transport: Transport;
  let store: KubernetesStore;
  let running: Promise<void>;
  const stop = new AbortController();
  const recorded: (readonly [ObjectReference, EventInput])[] = [];

  const apply = (yaml: string): Promise<string> => kubernetes.kubectl(['apply', '-f', '-'], { input: yaml });
  const cluster = (name: string) => store.get('Cluster', { namespace: 'default', name });
  const appear = (name: string) => eventually(() => cluster(name));

  const open = async (changes: { instance?: string; namespaces?: readonly string[] } = {}) => {
    const opened = createKubernetesStore({
      transport,
      namespaces: [],
      recorder: { event: (regarding, input) => void recorded.push([regarding, input]) },
      clock: systemClock,
      random: Math.random,
      logger: recordingLogger([]),
      ...changes,
    });
    return opened;
  };

  before(async () => {
    kubernetes = await startKubernetes();
    const files = ['namespace', 'service-account', 'rbac', 'secret-reader'].flatMap((name) => [
      '-f',
      join(ROOT, `deploy/kustomize/base/${name}.yaml`),
    ]);
    await kubernetes.kubectl(['apply', '-f', join(ROOT, 'crds')]);
    await kubernetes.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
    await kubernetes.kubectl(['apply', '-n', ACCOUNT.namespace, ...files]);
    const kubeconfig = await kubernetes.kubeconfigFor(ACCOUNT);
    transport = new Transport({ load: kubeConfigLoader({ kubeconfig }) });
    store = await open();
    running = store.run(stop.signal);
    await store.ready(AbortSignal.timeout(30_000));
  });
  after(async () => {
    stop.abort();
    await running;
    await transport.close();
    await kubernetes.stop();
  });

  it('tells of adds, changes and removals once the cache has them', async () => {
    const told: (readonly [ObjectKey, number | undefined])[] = [];
    const end = store.subscribe('Cluster', (key) => told.push([key, store.get('Cluster', key)?.metadata.generation]));
    const mine = (): readonly unknown[] => told.filter(([key]) => key.name === 'told').map(([, seen]) => seen);
    await apply(clusterYaml('told', { namespace: 'default' }));
    await eventually(() => mine().length === 1);
    await apply(clusterYaml('told', { namespace: 'default', url: 'http://127.0.0.1:2/replication' }));
    await eventually(() => mine().length === 2);
    await kubernetes.kubectl(['delete', 'clusters.replication.bkrepo.io', 'told']);
    await eventually(() => mine().length === 3);
    assert.deepEqual(mine(), [1, 2, undefined]);
    end();
  });

  it('writes a status whole: what is left out vanishes, what is equal is not sent', async () => {
    await apply(clusterYaml('status'));
    const read = await appear('status');
    assert.deepEqual(read.status, { observedGeneration: -1 });
    const condition = {
      type: 'Ready',
      status: 'False',
      reason: 'Unreachable',
      message: 'no answer',
      observedGeneration: 1,
      lastTransitionTime: '2026-11-22T12:00:00Z',
    } as const;
    const full = {
      observedGeneration: 1,
      health: 'UNHEALTHY',
      errorReason: 'no answer',
      conditions: [condition],
    } as const;
    assert.equal(await store.writeStatus('Cluster', read, full, never), 'written');
    assert.equal(await store.writeStatus('Cluster', read, { observedGeneration: 1 }, never), 'conflict', 'stale');
    const second = await eventually(() => (cluster('status')?.status.health ? cluster('status') : undefined));
    assert.deepEqual(second.status, full);
    assert.equal(await store.writeStatus('Cluster', second, structuredClone(full), never), 'unchanged');
    const healthy = { observedGeneration: 1, health: 'HEALTHY', conditions: [] } as const;
    assert.equal(await store.writeStatus('Cluster', second, healthy, never), 'written');
    const stored = await kubernetes.kubectl(['get', 'clusters.replication.bkrepo.io', 'status', '-o', 'json']);
    assert.deepEqual((JSON.parse(stored) as { status: unknown }).status, healthy);
  });

  it('never writes on an object that was re-created under the same name', async () => {
    await apply(clusterYaml('again'));
    const old = await appear('again');
    await kubernetes.kubectl(['delete', 'clusters.replication.bkrepo.io', 'again']);
    await eventually(() => cluster('again') === undefined);
    assert.equal(await store.writeStatus('Cluster', old, { observedGeneration: 1 }, never), 'gone');
    await apply(clusterYaml('again'));
    await appear('again');
    assert.equal(await store.writeStatus('Cluster', old, { observedGeneration: 1 }, never), 'gone');
    assert.equal(await store.addFinalizer('Cluster', old, FINALIZER, never), 'gone');
    assert.deepEqual(cluster('again')?.status, { observedGeneration: -1 });
  });

  it('adds and removes its finalizer without touching others', async () => {
    await apply(clusterYaml('held', { extra: '  finalizers: [example.org/other]\n' }));
    const read = await appear('held');
    assert.equal(await store.addFinalizer('Cluster', read, FINALIZER, never), 'written');
    assert.equal(await store.addFinalizer('Cluster', read, FINALIZER, never), 'conflict');
    const held = await eventually(() => (cluster('held')?.metadata.finalizers?.length === 2 ? cluster('held') : null));
    assert.equal(await store.addFinalizer('Cluster', held, FINALIZER, never), 'unchanged');
    assert.equal(await store.writeAnnotations('Cluster', held, { a: '1', none: null }, never), 'written');
    await kubernetes.kubectl(['delete', 'clusters.replication.bkrepo.io', 'held', '--wait=false']);
    const going = await eventually(() => (cluster('held')?.metadata.deletionTimestamp ? cluster('held') : null));
    assert.equal(going.metadata.annotations?.['a'], '1');
    assert.equal(await store.addFinalizer('Cluster', going, 'example.org/late', never), 'gone');
    assert.equal(await store.removeFinalizer('Cluster', going, FINALIZER, never), 'written');
    const left = await eventually(() => (cluster('held')?.metadata.finalizers?.length === 1 ? cluster('held') : null));
    assert.deepEqual(left.metadata.finalizers, ['example.org/other']);
    assert.equal(await store.removeFinalizer('Cluster', left, FINALIZER, never), 'unchanged');
    await store.removeFinalizer('Cluster', left, 'example.org/other', never);
    await eventually(() => cluster('held') === undefined);
  });

  it('reads a Secret and a ConfigMap as they are now; without the binding it says which one is lacking', async () => {
    const { namespace } = ACCOUNT;
    const key = { namespace, name: 'login' };
    assert.equal(await store.secret(key, never), undefined);
    await kubernetes.kubectl(['-n', namespace, 'create', 'secret', 'generic', 'login', '--from-literal=password=pw-1']);
    await kubernetes.kubectl(['-n', namespace, 'create', 'configmap', 'ca', '--from-literal=ca.crt=PEM']);
    assert.equal((await store.secret(key, never))?.data['password']?.toString(), 'pw-1');
    assert.equal((await store.configMap({ namespace, name: 'ca' }, never))?.data['ca.crt']?.toString(), 'PEM');
    for (const ask of [store.secret.bind(store), store.configMap.bind(store)])
      await assert.rejects(ask({ namespace: 'default', name: 'login' }, never), (error: unknown) => {
        assert.ok(error instanceof ReplicationError);
        assert.deepEqual([error.code, error.errorClass], ['SecretForbidden', 'spec']);
        assert.match(error.message, /namespace default lacks a RoleBinding bkrepo-replicator-secret-reader/);
        return true;
      });
  });

  it('sees only objects of its own instance and namespaces', async () => {
    const label = '  labels: {replication.bkrepo.io/instance: blue}\n';
    await apply(`${clusterYaml('blue', { extra: label })}---\n${clusterYaml('plain')}`);
    await appear('plain');
    assert.equal(cluster('blue'), undefined);
    const ended = new AbortController();
    const blue = await open({ instance: 'blue', namespaces: ['default', 'kube-system'] });
    const blueRunning = blue.run(ended.signal);
    await blue.ready(AbortSignal.timeout(30_000));
    assert.deepEqual(
      blue.list('Cluster').map((one) => one.metadata.name),
      ['blue'],
    );
    await kubernetes.kubectl(['label', 'clusters.replication.bkrepo.io', 'blue', 'replication.bkrepo.io/instance-']);
    await eventually(() => blue.list('Cluster').length === 0);
    await appear('blue');
    ended.abort();
    await blueRunning;
  });

  it('hands Events on with what they are about', async () => {
    await apply(clusterYaml('event'));
    const regarding = await appear('event');
    const event = { type: 'Warning', reason: 'Unreachable', action: 'Probe', note: 'no answer' } as const;
    store.event('Cluster', regarding, event);
    const { uid, resourceVersion } = regarding.metadata;
    const reference = { kind: 'Cluster', namespace: 'default', name: 'event', uid, resourceVersion };
    assert.deepEqual(recorded.at(-1), [{ apiVersion: 'replication.bkrepo.io/v1alpha1', ...reference }, event]);
  });

  editorCases(() => kubernetes);

  it('fails retryably while the API server is away, and goes on when it is back', async () => {
    const read = await appear('event');
    await kubernetes.killApiServer();
    const unavailable = { code: 'ApiUnavailable', errorClass: 'retryable' };
    await assert.rejects(store.writeStatus('Cluster', read, { observedGeneration: 1 }, never), unavailable);
    await assert.rejects(store.secret({ namespace: 'default', name: 'x' }, never), unavailable);
    assert.equal(cluster('event'), read, 'the cache stays');
    await kubernetes.restartApiServer();
    await eventually(
      async () =>
        (await store.writeStatus('Cluster', await appear('event'), { observedGeneration: 1 }, never)) !== 'conflict',
      { timeoutMs: 20_000 },
    );
    await eventually(() => cluster('event')?.status.observedGeneration === 1, { timeoutMs: 30_000 });
  });
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { kubeConfigLoader } from '../../../src/kube/config.ts';
import { LeaseElector } from '../../../src/kube/lease.ts';
import { KubeLeaseStore } from '../../../src/kube/lease-store.ts';
import { Reflector } from '../../../src/kube/reflector.ts';
import { ResourceClient } from '../../../src/kube/resource-client.ts';
import { Transport } from '../../../src/kube/transport.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type Logger, silentLogger } from '../../../src/telemetry/logger.ts';
import { type Kubernetes, startKubernetes } from '../../support/kubernetes.ts';
import { eventually } from '../../support/wait.ts';
import { installWidgets, WIDGETS, type Widget, widget } from './widgets.ts';

const never = new AbortController().signal;
const manager = { fieldManager: 'kube-test' };
const logged: string[] = [];
const logger: Logger = {
  ...silentLogger,
  debug: (msg, fields) => void logged.push(`${msg} ${String(fields?.['error'])}`),
  warn: (msg, fields) => void logged.push(`${msg} ${String(fields?.['error'])}`),
};
const told: string[] = [];
let kubernetes: Kubernetes;
let transport: Transport;
let widgets: ResourceClient<Widget>;
let reflector: Reflector<Widget>;
let running: Promise<void>;
const stop = new AbortController();

before(async () => {
  kubernetes = await startKubernetes();
  await installWidgets(kubernetes);
  transport = new Transport({ load: kubeConfigLoader({ kubeconfig: kubernetes.kubeconfig }) });
  widgets = new ResourceClient<Widget>(transport, WIDGETS);
  reflector = new Reflector({ client: widgets, namespaces: [], clock: systemClock, random: Math.random, logger });
  reflector.subscribe(({ type, object }) => told.push(`${type} ${object.metadata.name}`));
});

after(async () => {
  stop.abort();
  await running;
  await transport?.close();
  await kubernetes?.stop();
});

function toldOf(name: string): string[] {
  return told.filter((line) => line.endsWith(` ${name}`)).map((line) => line.split(' ', 1)[0] ?? '');
}

test('an API server that is away at the start is waited for', async () => {
  await widgets.create(widget('first'), 'default', manager, never);
  await kubernetes.killApiServer();
  running = reflector.run(stop.signal);
  await eventually(() => logged.some((line) => line.includes('ECONNREFUSED')));
  assert.equal(reflector.hasSynced(), false);
  await kubernetes.restartApiServer();
  await reflector.waitForSync(AbortSignal.timeout(30_000));
  assert.deepEqual(told, ['added first']);
  assert.equal(reflector.get('default', 'first')?.metadata.managedFields, undefined);
});

test('changes arrive by watch', async () => {
  const made = await widgets.create(widget('live', { note: '一' }), 'default', manager, never);
  await eventually(() => reflector.get('default', 'live'));
  await widgets.patchStatus(made, { phase: 'Ready' }, manager, never);
  await eventually(() => reflector.get('default', 'live')?.status?.phase === 'Ready');
  await widgets.delete('default', 'live', {}, never);
  await eventually(() => reflector.get('default', 'live') === undefined);
  assert.deepEqual(toldOf('live'), ['added', 'updated', 'deleted']);
});

test('a killed and restarted API server costs nothing but time: an expired version is listed anew', async () => {
  // Other kinds move the server's version on, so that the reflector's own is too old for the restarted server's cache.
  for (let i = 0; i < 30; i += 1)
    await kubernetes.kubectl(['create', 'configmap', `noise-${i}`]).catch(() => undefined);
  logged.length = 0;
  await kubernetes.restartApiServer();
  await eventually(() => widgets.create(widget('after-kill'), 'default', manager, never).catch(() => undefined), {
    timeoutMs: 30_000,
  });
  await eventually(() => reflector.get('default', 'after-kill'), { timeoutMs: 60_000 });
  assert.ok(
    logged.some((line) => line.startsWith('watch expired') && line.includes('410')),
    `no 410 among: ${logged.join('; ')}`,
  );
  assert.deepEqual(toldOf('first'), ['added'], 'what did not change is not told again');
});

test('an API server that hangs and goes on is lived through, and requests meanwhile end by their deadline', async () => {
  await kubernetes.signalApiServer('SIGSTOP');
  const hasty = widgets.list('default', AbortSignal.timeout(1_000));
  await assert.rejects(hasty);
  await kubernetes.signalApiServer('SIGCONT');
  await widgets.create(widget('after-hang'), 'default', manager, never);
  await eventually(() => reflector.get('default', 'after-hang'), { timeoutMs: 30_000 });
});

test('a version too old for the server is answered with 410', async () => {
  const oldest = widgets.watch(undefined, { resourceVersion: '1', timeoutSeconds: 5 }, never);
  await assert.rejects(oldest.next(), { code: 410 });
});

test('a leader lives through an outage shorter than its renew deadline, and loses a longer one in time', async () => {
  const elector = new LeaseElector({
    store: new KubeLeaseStore(transport, 'default', 'outage'),
    identity: 'a',
    clock: systemClock,
    random: Math.random,
    logger: silentLogger,
    durationMs: 5_000,
    renewDeadlineMs: 3_000,
    retryMs: 500,
  });
  elector.start();
  await elector.acquired(AbortSignal.timeout(10_000));
  await kubernetes.signalApiServer('SIGSTOP');
  await eventually(() => elector.remainingMs() < 3_500);
  await kubernetes.signalApiServer('SIGCONT');
  await eventually(() => elector.remainingMs() > 4_000);
  await kubernetes.killApiServer();
  const killed = performance.now();
  await eventually(() => elector.lost.aborted);
  assert.ok(performance.now() - killed < 4_000);
  assert.equal(elector.isLeader(), false);
  await elector.release(never);
});

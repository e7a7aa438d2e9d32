import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KubeError } from '../../../src/kube/errors.ts';
import { EventRecorder } from '../../../src/kube/event-recorder.ts';
import type { EventInput, EventSeries } from '../../../src/kube/event-series.ts';
import { clipBytes, type EventSink, microTime } from '../../../src/kube/event-sink.ts';
import type { ObjectReference } from '../../../src/kube/object.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { pass, settle } from '../runtime/steps.ts';

function task(name: string): ObjectReference {
  return { apiVersion: 'example.io/v1', kind: 'Task', namespace: 'ns', name, uid: `uid-${name}`, resourceVersion: '1' };
}

const failed: EventInput = { type: 'Warning', reason: 'SecretNotFound', action: 'Resolve', note: 'secret far' };

interface Rig {
  readonly clock: FakeClock;
  readonly recorder: EventRecorder;
  readonly calls: string[];
  readonly stop: AbortController;
  readonly running: Promise<void>;
  fault: (call: string, signal: AbortSignal) => Promise<void>;
}

function start(): Rig {
  const clock = new FakeClock();
  const calls: string[] = [];
  const call = async (what: string, series: EventSeries, signal: AbortSignal): Promise<void> => {
    const line = `${what} ${series.regarding.name} ${series.input.reason} ×${series.count}`;
    calls.push(line);
    await rig.fault(line, signal);
  };
  const sink: EventSink = {
    create: (series, signal) => call('create', series, signal),
    updateSeries: (series, signal) => call('series', series, signal),
  };
  const recorder = new EventRecorder({ sink, clock, random: () => 0.5, logger: silentLogger });
  const stop = new AbortController();
  const rig: Rig = { clock, recorder, calls, stop, running: recorder.run(stop.signal), fault: async () => {} };
  return rig;
}

async function end(rig: Rig): Promise<void> {
  rig.stop.abort();
  await rig.running;
}

test('an event is created; the same again becomes a series, told once and then only counted', async () => {
  const rig = start();
  rig.recorder.event(task('a'), failed);
  await settle();
  for (let i = 0; i < 50; i += 1) {
    rig.recorder.event(task('a'), failed);
    await pass(rig.clock, 1_000, 1_000);
  }
  assert.deepEqual(rig.calls, ['create a SecretNotFound ×1', 'series a SecretNotFound ×2']);
  await end(rig);
});

test('another object, reason, type, action or note is another event', async () => {
  const rig = start();
  rig.recorder.event(task('a'), failed);
  rig.recorder.event(task('b'), failed);
  rig.recorder.event(task('a'), { ...failed, reason: 'SecretForbidden' });
  rig.recorder.event(task('a'), { ...failed, type: 'Normal' });
  rig.recorder.event(task('a'), { ...failed, action: 'Probe' });
  rig.recorder.event(task('a'), { ...failed, note: 'secret other' });
  await settle();
  assert.equal(rig.calls.filter((line) => line.startsWith('create')).length, 6);
  await end(rig);
});

test('many different notes of one reason and object do not become many events', async () => {
  const rig = start();
  for (let i = 0; i < 500; i += 1) rig.recorder.event(task('a'), { ...failed, note: `file ${i}` });
  await pass(rig.clock, 60_000, 10_000);
  assert.equal(rig.calls.filter((line) => line.startsWith('create')).length, 10);
  assert.ok(rig.calls.length <= 12, String(rig.calls.length));
  await end(rig);
});

test('a series ends after six silent minutes with its last count; then the same is a new event', async () => {
  const rig = start();
  for (let i = 0; i < 5; i += 1) {
    rig.recorder.event(task('a'), failed);
    await settle();
  }
  rig.calls.length = 0;
  await pass(rig.clock, 5 * 60_000, 10_000);
  assert.deepEqual(rig.calls, []);
  await pass(rig.clock, 2 * 60_000, 10_000);
  assert.deepEqual(rig.calls, ['series a SecretNotFound ×5']);
  rig.recorder.event(task('a'), failed);
  await settle();
  assert.equal(rig.calls.at(-1), 'create a SecretNotFound ×1');
  await end(rig);
});

test('a lasting series is told every half hour', async () => {
  const rig = start();
  for (let i = 0; i < 70; i += 1) {
    rig.recorder.event(task('a'), failed);
    await pass(rig.clock, 60_000, 20_000);
  }
  assert.equal(rig.calls.length, 4, rig.calls.join('\n'));
  await end(rig);
});

test('the server being away delays events and loses none; each is tried twelve times, then dropped', async () => {
  const rig = start();
  rig.fault = async () => {
    throw new KubeError(0, 'Unreachable', 'refused');
  };
  rig.recorder.event(task('a'), failed);
  rig.recorder.event(task('b'), failed);
  await pass(rig.clock, 30_000, 5_000);
  rig.fault = async () => {};
  await pass(rig.clock, 10_000, 5_000);
  assert.deepEqual(rig.calls.slice(-2), ['create a SecretNotFound ×1', 'create b SecretNotFound ×1']);
  assert.equal(rig.recorder.dropped, 0);
  rig.calls.length = 0;
  rig.fault = async () => {
    throw new KubeError(503, 'ServiceUnavailable', 'no');
  };
  rig.recorder.event(task('c'), failed);
  await pass(rig.clock, 300_000, 5_000);
  assert.equal(rig.calls.length, 12);
  assert.equal(rig.recorder.dropped, 1);
  await end(rig);
});

test('an event that the server refuses is dropped at once and does not hold up the next', async () => {
  const rig = start();
  rig.fault = async (line) => {
    if (line.includes(' a ')) throw new KubeError(403, 'Forbidden', 'namespace is being terminated');
  };
  rig.recorder.event(task('a'), failed);
  rig.recorder.event(task('b'), failed);
  await settle();
  assert.deepEqual(rig.calls, ['create a SecretNotFound ×1', 'create b SecretNotFound ×1']);
  assert.equal(rig.recorder.dropped, 1);
  await end(rig);
});

test('a 429 is waited for as long as it asks', async () => {
  const rig = start();
  rig.fault = async () => {
    if (rig.calls.length === 1) throw new KubeError(429, 'TooManyRequests', 'slow', { retryAfterMs: 60_000 });
  };
  rig.recorder.event(task('a'), failed);
  await pass(rig.clock, 59_000, 1_000);
  assert.equal(rig.calls.length, 1);
  await pass(rig.clock, 2_000, 1_000);
  assert.equal(rig.calls.length, 2);
  await end(rig);
});

test('an event that exists already counts as created; one that expired at the server is created again', async () => {
  const rig = start();
  rig.fault = async (line) => {
    if (line.startsWith('create') && rig.calls.length === 1) throw new KubeError(409, 'AlreadyExists', 'landed before');
    if (line.startsWith('series')) throw new KubeError(404, 'NotFound', 'expired');
  };
  rig.recorder.event(task('a'), failed);
  await settle();
  rig.recorder.event(task('a'), failed);
  await settle();
  assert.deepEqual(rig.calls, [
    'create a SecretNotFound ×1',
    'series a SecretNotFound ×2',
    'create a SecretNotFound ×2',
  ]);
  assert.equal(rig.recorder.dropped, 0);
  await end(rig);
});

test('a flood while the server hangs is bounded, and event() never waits', async () => {
  const rig = start();
  rig.fault = (_line, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  for (let i = 0; i < 5_000; i += 1) rig.recorder.event(task(`t${i}`), failed);
  await settle();
  assert.ok(rig.recorder.dropped >= 3_990, String(rig.recorder.dropped));
  await end(rig);
});

test('flush tells the counts still unsaid, and ends with its signal when the server hangs', async () => {
  const rig = start();
  for (let i = 0; i < 7; i += 1) {
    rig.recorder.event(task('a'), failed);
    await settle();
  }
  await rig.recorder.flush(new AbortController().signal);
  assert.equal(rig.calls.at(-1), 'series a SecretNotFound ×7');
  rig.fault = (_line, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  rig.recorder.event(task('b'), failed);
  const patience = new AbortController();
  const flushing = rig.recorder.flush(patience.signal);
  await settle();
  patience.abort();
  await flushing;
  await end(rig);
});

test('times have six digits, and texts are cut by bytes without splitting a character', () => {
  assert.equal(microTime(Date.parse('2026-01-02T03:04:05.6Z')), '2026-01-02T03:04:05.600000Z');
  assert.equal(clipBytes('short', 128), 'short');
  for (const text of ['制品库复制失败'.repeat(100), '😀'.repeat(500), 'x'.repeat(2_000)]) {
    const cut = clipBytes(text, 1_024);
    assert.ok(Buffer.byteLength(cut) <= 1_024 && Buffer.byteLength(cut) > 1_015, String(Buffer.byteLength(cut)));
    assert.ok(text.startsWith(cut.slice(0, -1)) && !cut.includes('\ufffd'));
  }
});

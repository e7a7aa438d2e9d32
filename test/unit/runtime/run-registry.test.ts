import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type RunContext, type RunEvent, RunRegistry } from '../../../src/runtime/run-registry.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { settle } from './steps.ts';

interface Work {
  readonly context: RunContext<number>;
  readonly finish: (value: string) => void;
  readonly fail: (error: unknown) => void;
}

function setUp(): {
  registry: RunRegistry<number, string>;
  events: string[];
  work: Map<string, Work>;
  begin: (key: string, id: string) => void;
} {
  const events: string[] = [];
  const work = new Map<string, Work>();
  const registry = new RunRegistry<number, string>({
    clock: new FakeClock({ now: 1_000 }),
    onEvent: (key: string, event: RunEvent) => events.push(`${key} ${event}`),
  });
  const begin = (key: string, id: string): void => {
    registry.start(key, id, (context) => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      work.set(id, { context, finish: resolve, fail: reject });
      return promise;
    });
  };
  return { registry, events, work, begin };
}

test('a run is started without waiting, shows its progress, and its result stays until it is taken', async () => {
  const { registry, events, work, begin } = setUp();
  begin('ns/a', 'r1');
  assert.equal(registry.get('ns/a')?.result, undefined);
  assert.equal(registry.get('ns/a')?.startedAt, 1_000);
  await settle();
  work.get('r1')?.context.report(7);
  assert.equal(registry.get('ns/a')?.progress, 7);
  assert.equal(registry.take('ns/a', 'r1'), undefined, 'an active run cannot be taken');
  work.get('r1')?.finish('equal');
  await settle();
  assert.deepEqual(events, ['ns/a progress', 'ns/a settled']);
  assert.deepEqual(registry.active(), []);
  assert.equal(registry.take('ns/a', 'other'), undefined);
  assert.deepEqual(registry.take('ns/a', 'r1'), { status: 'fulfilled', value: 'equal' });
  assert.equal(registry.get('ns/a'), undefined);
});

test('a key never has two runs, the finished but not taken one included', async () => {
  const { registry, work, begin } = setUp();
  begin('ns/a', 'r1');
  assert.throws(() => begin('ns/a', 'r2'), /registered already/);
  await settle();
  work.get('r1')?.finish('done');
  await settle();
  assert.throws(() => begin('ns/a', 'r2'), /registered already/);
  registry.take('ns/a', 'r1');
  begin('ns/a', 'r2');
  begin('ns/b', 'r3');
  assert.equal(registry.active().length, 2);
});

test('a body that throws at once or later becomes a rejected result, never an unhandled one', async () => {
  const { registry, work, begin } = setUp();
  registry.start('ns/a', 'r1', () => {
    throw new Error('at once');
  });
  begin('ns/b', 'r2');
  await settle();
  work.get('r2')?.fail(new Error('later'));
  await settle();
  for (const [key, id, message] of [
    ['ns/a', 'r1', 'at once'],
    ['ns/b', 'r2', 'later'],
  ] as const) {
    const result = registry.take(key, id);
    assert.equal(result?.status, 'rejected');
    assert.equal((result.reason as Error).message, message);
  }
});

test('abort hands its first reason to the body and leaves other runs alone', async () => {
  const { registry, work, begin } = setUp();
  begin('ns/a', 'r1');
  begin('ns/b', 'r2');
  await settle();
  assert.equal(registry.abort('ns/a', 'spec changed'), true);
  assert.equal(registry.abort('ns/a', 'second'), true);
  assert.equal(registry.abort('ns/c', 'nothing there'), false);
  assert.equal(work.get('r1')?.context.signal.reason, 'spec changed');
  assert.equal(registry.get('ns/a')?.abortReason, 'spec changed');
  assert.equal(work.get('r2')?.context.signal.aborted, false);
  work.get('r1')?.fail('stopped');
  await settle();
  assert.equal(registry.abort('ns/a', 'too late'), false);
});

test('stopAll aborts every run, waits for their ends, and refuses new ones', async () => {
  const { registry, work, begin } = setUp();
  begin('ns/a', 'r1');
  begin('ns/b', 'r2');
  await settle();
  let stopped = false;
  const stopping = registry.stopAll(new Error('stopping'), new AbortController().signal).then(() => (stopped = true));
  work.get('r1')?.finish('x');
  await settle();
  assert.equal(stopped, false);
  work.get('r2')?.finish('y');
  await stopping;
  assert.throws(() => begin('ns/c', 'r3'), /stopping/);
});

test('stopAll does not wait longer than its signal for a body that ignores the abort', async () => {
  const { registry, begin } = setUp();
  begin('ns/a', 'r1');
  await settle();
  const patience = new AbortController();
  const stopping = registry.stopAll('stop', patience.signal);
  patience.abort();
  await stopping;
  assert.equal(registry.active().length, 1);
});

test('progress reported after the end is ignored', async () => {
  const { registry, events, work, begin } = setUp();
  begin('ns/a', 'r1');
  await settle();
  work.get('r1')?.finish('x');
  await settle();
  work.get('r1')?.context.report(9);
  assert.equal(registry.get('ns/a')?.progress, undefined);
  assert.deepEqual(events, ['ns/a settled']);
});

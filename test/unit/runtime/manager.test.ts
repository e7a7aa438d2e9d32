import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Election, Manager, type ManagerOptions, ShutdownError } from '../../../src/runtime/manager.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { pass, settle } from './steps.ts';

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

interface Rig {
  readonly clock: FakeClock;
  readonly journal: string[];
  readonly manager: Manager;
  readonly stop: AbortController;
  readonly lost: AbortController;
  readonly synced: PromiseWithResolvers<void>;
  readonly elected: PromiseWithResolvers<void>;
  readonly runsEnd: PromiseWithResolvers<void>;
  readonly reconcilesEnd: PromiseWithResolvers<void>;
  readonly cacheFails: PromiseWithResolvers<void>;
}

function setUp(more: Partial<ManagerOptions> = {}): Rig {
  const journal: string[] = [];
  const lost = new AbortController();
  const synced = Promise.withResolvers<void>();
  const elected = Promise.withResolvers<void>();
  const runsEnd = Promise.withResolvers<void>();
  const reconcilesEnd = Promise.withResolvers<void>();
  const cacheFails = Promise.withResolvers<void>();
  let hasSynced = false;
  void synced.promise.then(() => (hasSynced = true));
  const election: Election = {
    start: () => journal.push('compete'),
    acquired: (signal) => Promise.race([elected.promise, whenAborted(signal).then(() => signal.throwIfAborted())]),
    lost: lost.signal,
    release: async () => void journal.push('lease released'),
  };
  const clock = new FakeClock();
  const manager = new Manager({
    clock,
    logger: silentLogger,
    graceMs: 10_000,
    election,
    caches: [
      {
        name: 'tasks',
        run: async (signal) => {
          journal.push('cache runs');
          await Promise.race([whenAborted(signal), cacheFails.promise]);
          journal.push('cache ends');
        },
        waitForSync: (signal) =>
          Promise.race([synced.promise, whenAborted(signal).then(() => signal.throwIfAborted())]),
        hasSynced: () => hasSynced,
      },
    ],
    controllers: [
      {
        name: 'tasks',
        run: async (stopTaking, signal) => {
          journal.push('controller runs');
          await whenAborted(stopTaking);
          journal.push('no more work taken');
          await Promise.race([reconcilesEnd.promise, whenAborted(signal)]);
          journal.push(signal.aborted ? 'reconciles aborted' : 'reconciles ended');
        },
      },
    ],
    tasks: [
      {
        name: 'events',
        run: whenAborted,
        flush: async () => void journal.push('events flushed'),
      },
    ],
    runs: {
      stopAll: async (reason, signal) => {
        journal.push(`runs asked to stop: ${(reason as { code?: string }).code}`);
        await Promise.race([runsEnd.promise, whenAborted(signal)]);
        if (!signal.aborted) journal.push('runs at a safe point');
      },
    },
    ...more,
  });
  return {
    clock,
    journal,
    manager,
    stop: new AbortController(),
    lost,
    synced,
    elected,
    runsEnd,
    reconcilesEnd,
    cacheFails,
  };
}

test('controllers start only with warm caches and the lease; a standby with warm caches is ready', async () => {
  const rig = setUp({ onLeading: async () => void rig.journal.push('open runs adopted') });
  const running = rig.manager.run(rig.stop.signal);
  const ready = rig.manager.readyCheck();
  await settle();
  assert.deepEqual(rig.journal, ['cache runs', 'compete']);
  assert.equal(ready.check(), 'not synced yet: tasks');
  rig.synced.resolve();
  await settle();
  assert.equal(rig.manager.state, 'standby');
  assert.equal(ready.check(), undefined);
  rig.elected.resolve();
  await settle();
  assert.equal(rig.manager.state, 'leading');
  assert.deepEqual(rig.journal.slice(2), ['open runs adopted', 'controller runs']);
  rig.runsEnd.resolve();
  rig.reconcilesEnd.resolve();
  rig.stop.abort();
  await running;
});

test('a stop goes in order: no more work, runs, reconciles, flush, lease last, then the caches', async () => {
  const rig = setUp();
  const running = rig.manager.run(rig.stop.signal);
  rig.synced.resolve();
  rig.elected.resolve();
  await settle();
  rig.stop.abort();
  await settle();
  assert.equal(rig.manager.readyCheck().check(), 'stopping');
  assert.equal(rig.journal.includes('lease released'), false);
  rig.runsEnd.resolve();
  await settle();
  assert.equal(rig.journal.includes('lease released'), false, 'a reconcile is still under way');
  rig.reconcilesEnd.resolve();
  await running;
  const at = (entry: string): number => rig.journal.indexOf(entry);
  assert.ok(at('no more work taken') > 0);
  assert.ok(at('runs asked to stop: Shutdown') > 0);
  assert.ok(at('events flushed') > Math.max(at('runs at a safe point'), at('reconciles ended')));
  assert.ok(at('lease released') > at('events flushed'));
  assert.ok(at('cache ends') > at('lease released'));
});

test('work that does not end within the grace period is aborted, and the lease is left to run out', async () => {
  const rig = setUp();
  const running = rig.manager.run(rig.stop.signal);
  rig.synced.resolve();
  rig.elected.resolve();
  await settle();
  rig.stop.abort();
  await pass(rig.clock, 9_900);
  assert.equal(rig.journal.includes('reconciles aborted'), false);
  await pass(rig.clock, 20_000, 500);
  await running;
  assert.equal(rig.journal.includes('reconciles aborted'), true);
  assert.equal(rig.journal.includes('lease released'), false);
});

test('a lost lease aborts all work at once and fails with its reason', async () => {
  const rig = setUp();
  const running = rig.manager.run(rig.stop.signal);
  running.catch(() => {});
  rig.synced.resolve();
  rig.elected.resolve();
  await settle();
  const reason = Object.assign(new Error('renew deadline'), { code: 'LeaseLost' });
  rig.lost.abort(reason);
  await settle();
  assert.equal(rig.journal.includes('reconciles aborted'), true);
  assert.equal(rig.journal.includes('runs asked to stop: LeaseLost'), true);
  await pass(rig.clock, 20_000, 500);
  await assert.rejects(running, reason);
  assert.equal(rig.journal.includes('lease released'), false);
  assert.equal(rig.journal.includes('events flushed'), false);
});

test('a stop before leadership ends without controllers ever running', async () => {
  for (const synced of [false, true]) {
    const rig = setUp();
    const running = rig.manager.run(rig.stop.signal);
    if (synced) rig.synced.resolve();
    await settle();
    rig.runsEnd.resolve();
    rig.stop.abort(new ShutdownError());
    await running;
    assert.equal(rig.journal.includes('controller runs'), false);
    assert.equal(rig.journal.includes('lease released'), true, 'the campaign is ended too');
  }
});

test('a part that fails takes the process down with its error', async () => {
  const rig = setUp();
  const running = rig.manager.run(rig.stop.signal);
  running.catch(() => {});
  rig.runsEnd.resolve();
  rig.cacheFails.reject(new Error('defect in the cache'));
  await pass(rig.clock, 20_000, 500);
  await assert.rejects(running, /defect in the cache/);
});

test('without an election the process leads as soon as its caches are warm', async () => {
  const journal: string[] = [];
  const stop = new AbortController();
  const alone = new Manager({
    clock: new FakeClock(),
    logger: silentLogger,
    caches: [],
    controllers: [
      {
        name: 'tasks',
        run: async (stopTaking) => {
          journal.push('controller runs');
          await whenAborted(stopTaking);
        },
      },
    ],
    runs: { stopAll: async () => {} },
  });
  const running = alone.run(stop.signal);
  await settle();
  assert.deepEqual(journal, ['controller runs']);
  stop.abort();
  await running;
  assert.equal(alone.state, 'stopped');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { KubeError } from '../../../src/kube/errors.ts';
import { LeaseElector, LeaseLostError } from '../../../src/kube/lease.ts';
import type { LeaseRecord, LeaseStore, StoredLease } from '../../../src/kube/lease-store.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { pass, settle } from '../runtime/steps.ts';

const never = new AbortController().signal;

/** The rules of the real Lease (versions, conflicts), and faults on request. */
class ScriptedStore implements LeaseStore {
  record: LeaseRecord | undefined;
  version = 0;
  writes = 0;
  /** Called before each request; throws or waits to inject a fault. */
  before: (what: 'get' | 'create' | 'update', signal: AbortSignal) => Promise<void> = async () => {};
  /** Called after a write has landed. */
  after: () => void = () => {};

  async get(signal: AbortSignal): Promise<StoredLease | undefined> {
    await this.before('get', signal);
    return this.record && { record: this.record, version: this.version };
  }

  async create(record: LeaseRecord, signal: AbortSignal): Promise<StoredLease> {
    await this.before('create', signal);
    if (this.record) throw new KubeError(409, 'AlreadyExists', 'exists');
    return this.#set(record);
  }

  async update(previous: StoredLease, record: LeaseRecord, signal: AbortSignal): Promise<StoredLease> {
    await this.before('update', signal);
    if (this.record === undefined) throw new KubeError(404, 'NotFound', 'gone');
    if (previous.version !== this.version) throw new KubeError(409, 'Conflict', 'changed');
    return this.#set(record);
  }

  #set(record: LeaseRecord): StoredLease {
    this.record = record;
    this.version += 1;
    this.writes += 1;
    this.after();
    return { record, version: this.version };
  }
}

function elector(
  store: LeaseStore,
  identity: string,
  clock: FakeClock,
  onLeader?: (holder: string) => void,
): LeaseElector {
  return new LeaseElector({
    store,
    identity,
    clock,
    random: () => 0,
    logger: silentLogger,
    ...(onLeader === undefined ? {} : { onLeader }),
  });
}

/** A request that never answers, until it is aborted. */
function hang(signal: AbortSignal): Promise<void> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

const down = async (): Promise<void> => {
  throw new KubeError(0, 'Unreachable', 'connection refused');
};

test('the first elector leads, renews every two seconds, and the lease always surely lasts for more than ten', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const a = elector(store, 'a', clock);
  assert.equal(a.remainingMs(), 0);
  a.start();
  await a.acquired(never);
  assert.deepEqual(
    { holder: store.record?.holder, seconds: store.record?.durationSeconds },
    { holder: 'a', seconds: 15 },
  );
  for (let i = 0; i < 100; i += 1) {
    await pass(clock, 500);
    assert.ok(a.remainingMs() > 12_000 && a.remainingMs() <= 15_000, String(a.remainingMs()));
  }
  assert.ok(store.writes >= 25 && store.writes <= 27, String(store.writes));
  assert.equal(store.record?.transitions, 0);
  await a.release(never);
});

test('a released lease is taken by the next elector at its next look', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const seen: string[] = [];
  const a = elector(store, 'a', clock);
  const b = elector(store, 'b', clock, (holder) => seen.push(holder));
  a.start();
  await a.acquired(never);
  b.start();
  await pass(clock, 60_000);
  assert.equal(b.isLeader(), false);
  assert.equal(b.leader, 'a');
  await a.release(never);
  assert.deepEqual([store.record?.holder, store.record?.durationSeconds, a.isLeader()], ['', 1, false]);
  assert.equal(a.lost.aborted, false);
  await pass(clock, 2_100);
  assert.equal(b.isLeader(), true);
  assert.equal(store.record?.transitions, 1);
  assert.deepEqual(seen, ['a', '', 'b']);
  await b.release(never);
});

test('the lease of a dead holder is taken only after its record stood still for its whole duration here', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  // A clock that is an hour off at the holder must not matter, in either direction.
  for (const skew of [-3_600_000, 3_600_000]) {
    const at = new Date(clock.now() + skew);
    store.record = { holder: `dead${skew}`, durationSeconds: 15, acquireTime: at, renewTime: at, transitions: 4 };
    store.version += 1;
    const b = elector(store, 'b', clock);
    b.start();
    await settle();
    await pass(clock, 15_000);
    assert.equal(b.isLeader(), false);
    await pass(clock, 2_100);
    assert.equal(b.isLeader(), true);
    assert.equal(store.record?.transitions, 5);
    await b.release(never);
  }
});

test("a holder's own longer duration is respected", async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const at = new Date(clock.now());
  store.record = { holder: 'slow', durationSeconds: 60, acquireTime: at, renewTime: at, transitions: 0 };
  const b = elector(store, 'b', clock);
  b.start();
  await pass(clock, 58_000, 500);
  assert.equal(b.isLeader(), false);
  await pass(clock, 5_000, 500);
  assert.equal(b.isLeader(), true);
  await b.release(never);
});

test('an outage shorter than the renew deadline is lived through; a longer one loses the lease before others may take it', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const a = elector(store, 'a', clock);
  a.start();
  await a.acquired(never);
  store.before = down;
  await pass(clock, 9_000);
  assert.equal(a.isLeader(), true);
  assert.ok(a.remainingMs() > 0 && a.remainingMs() <= 8_000, String(a.remainingMs()));
  store.before = async () => {};
  await pass(clock, 2_100);
  assert.ok(a.remainingMs() > 12_000);
  const b = elector(store, 'b', clock);
  b.start();
  await settle();
  store.before = down;
  const cut = clock.monotonic();
  while (!a.lost.aborted) await pass(clock, 100);
  assert.ok(clock.monotonic() - cut <= 10_200);
  assert.equal(a.remainingMs(), 0);
  assert.ok(a.lost.reason instanceof LeaseLostError);
  assert.match(String(a.lost.reason.message), /not be renewed within 10000 ms/);
  assert.equal((a.lost.reason.cause as KubeError).reason, 'Unreachable');
  store.before = async () => {};
  await pass(clock, 3_000);
  assert.equal(b.isLeader(), false, 'the lease itself still runs');
  assert.equal(a.isLeader(), false, 'what is lost does not come back');
  await pass(clock, 20_000);
  assert.equal(b.isLeader(), true);
  await b.release(never);
});

test('never do two electors have time left at once, under random outages of one or the other', async () => {
  let seed = 20_261_122;
  const random = (): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const cutOff = new Set<string>();
  const view = (identity: string): LeaseStore => {
    const check = (): void => {
      if (cutOff.has(identity)) throw new KubeError(0, 'Unreachable', 'cut off');
    };
    return {
      get: async (signal) => (check(), store.get(signal)),
      create: async (record, signal) => (check(), store.create(record, signal)),
      update: async (previous, record, signal) => {
        check();
        const done = await store.update(previous, record, signal);
        if (random() < 0.1) throw new KubeError(0, 'Unreachable', 'the answer was lost');
        return done;
      },
    };
  };
  const starters = ['a', 'b', 'c'];
  let count = 0;
  const fresh = (name: string): LeaseElector => {
    const identity = `${name}${(count += 1)}`;
    const made = elector(view(name), identity, clock);
    made.start();
    return made;
  };
  const electors = new Map(starters.map((name) => [name, fresh(name)]));
  const led = new Set<string>();
  for (let step = 0; step < 2_000; step += 1) {
    await pass(clock, 250, 250);
    if (random() < 0.03) cutOff.add(starters[Math.floor(random() * 3)] ?? 'a');
    if (random() < 0.03) cutOff.clear();
    const leading = [...electors.values()].filter((one) => one.remainingMs() > 0);
    assert.ok(leading.length <= 1, `${leading.map(({ identity }) => identity).join(' and ')} at step ${step}`);
    for (const one of leading) led.add(one.identity);
    for (const [name, one] of electors) if (one.lost.aborted) electors.set(name, fresh(name));
  }
  assert.ok(led.size >= 4, `only ${led.size} terms`);
  for (const one of electors.values()) await one.release(AbortSignal.abort());
});

test('a hanging request is given up in time for another attempt before the deadline', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const a = elector(store, 'a', clock);
  a.start();
  await a.acquired(never);
  let hanging = 1;
  store.before = async (_what, signal) => {
    if (hanging-- > 0) await hang(signal);
  };
  await pass(clock, 30_000);
  assert.equal(a.isLeader(), true);
  store.before = (_what, signal) => hang(signal);
  await pass(clock, 10_100);
  assert.equal(a.lost.aborted, true);
});

test('a renewal whose answer was lost, or a lease edited or deleted by others, does not cost the leadership', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const a = elector(store, 'a', clock);
  a.start();
  await a.acquired(never);
  let once = true;
  store.after = () => {
    if (!once) return;
    once = false;
    throw new KubeError(0, 'Unreachable', 'reset after the write landed');
  };
  await pass(clock, 5_000);
  assert.ok(a.remainingMs() > 12_000, 'answer lost');
  store.version += 1;
  await pass(clock, 2_500);
  assert.ok(a.remainingMs() > 12_000, 'labels edited');
  store.record = undefined;
  await pass(clock, 2_500);
  assert.ok(a.remainingMs() > 12_000, 'deleted');
  assert.equal((store.record as LeaseRecord | undefined)?.holder, 'a');
  await a.release(never);
});

test('a lease that another holds at the renewal is lost at once', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const a = elector(store, 'a', clock);
  a.start();
  await a.acquired(never);
  assert.ok(store.record);
  store.record = { ...store.record, holder: 'usurper' };
  store.version += 1;
  await pass(clock, 2_100);
  assert.match(String(a.lost.reason), /held by usurper/);
});

test('a process that stood still past the deadline has no time left even before its timers run', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const a = elector(store, 'a', clock);
  a.start();
  await a.acquired(never);
  store.before = (_what, signal) => hang(signal);
  clock.advance(10_001);
  assert.equal(a.remainingMs(), 0);
  assert.equal(a.isLeader(), false);
  assert.equal(a.trouble(10_000), undefined);
  clock.advance(20_000);
  assert.match(String(a.trouble(10_000)), /last renewed 30001 ms ago/);
  await settle();
  assert.equal(a.lost.aborted, true);
});

test('an unreachable API server at the start is waited for', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  store.before = down;
  const a = elector(store, 'a', clock);
  a.start();
  await pass(clock, 600_000, 2_000);
  assert.equal(a.lost.aborted, false);
  assert.equal(a.trouble(0), undefined, 'a standby is not ill because it does not lead');
  store.before = async () => {};
  await pass(clock, 2_100);
  assert.equal(a.isLeader(), true);
  await a.release(never);
});

test('a release is repeated on a conflict, and a failed one ends all the same', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const a = elector(store, 'a', clock);
  a.start();
  await a.acquired(never);
  store.version += 1;
  await a.release(never);
  assert.equal(store.record?.holder, '');
  const b = elector(store, 'b', clock);
  b.start();
  await b.acquired(never);
  store.before = down;
  await b.release(never);
  assert.equal(b.isLeader(), false);
  assert.equal(store.record?.holder, 'b');
});

test('waiting for leadership ends with its signal, and durations that cannot work are refused', async () => {
  const clock = new FakeClock();
  const store = new ScriptedStore();
  const a = elector(store, 'a', clock);
  await assert.rejects(a.acquired(AbortSignal.abort(new Error('stopping'))), /stopping/);
  const options = { store, identity: 'x', clock, random: () => 0, logger: silentLogger };
  for (const wrong of [
    { durationMs: 10_000, renewDeadlineMs: 10_000 },
    { durationMs: 1_500, renewDeadlineMs: 1_000, retryMs: 100 },
    { renewDeadlineMs: 4_000, retryMs: 2_000 },
  ])
    assert.throws(() => new LeaseElector({ ...options, ...wrong }), RangeError);
});

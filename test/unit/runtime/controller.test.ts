import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  Controller,
  type ReconcileOutcome,
  type ReconcileResult,
  TerminalError,
} from '../../../src/runtime/controller.ts';
import type { LogFields, Logger } from '../../../src/telemetry/logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { pass, settle } from './steps.ts';

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly fields: LogFields;
}

function recordingLogger(lines: Line[], bound: LogFields = {}): Logger {
  const at =
    (level: string) =>
    (msg: string, fields: LogFields = {}): void =>
      void lines.push({ level, msg, fields: { ...bound, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recordingLogger(lines, { ...bound, ...fields }),
  };
}

interface Rig {
  readonly clock: FakeClock;
  readonly controller: Controller;
  readonly lines: Line[];
  readonly outcomes: ReconcileOutcome[];
  readonly stopTaking: AbortController;
  readonly hard: AbortController;
  readonly running: Promise<void>;
}

function start(
  reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult>,
  options: { readonly workers?: number; readonly random?: () => number } = {},
): Rig {
  const clock = new FakeClock();
  const lines: Line[] = [];
  const outcomes: ReconcileOutcome[] = [];
  const controller = new Controller({
    name: 'things',
    reconcile: (key, _context, signal) => reconcile(key, signal),
    clock,
    random: options.random ?? (() => 0.5),
    logger: recordingLogger(lines),
    workers: options.workers ?? 2,
    reconcileTimeoutMs: 10_000,
    rateLimit: { base: 1_000, cap: 60_000, factor: 2, jitter: 0 },
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  const stopTaking = new AbortController();
  const hard = new AbortController();
  const running = controller.run(stopTaking.signal, hard.signal);
  return { clock, controller, lines, outcomes, stopTaking, hard, running };
}

async function end(rig: Rig): Promise<void> {
  rig.stopTaking.abort();
  await rig.running;
}

test('a reconcile at an instant comes at it and not before, however long that is, and without a spread', async () => {
  const calls: number[] = [];
  const rig = start(
    async () => {
      calls.push(rig.clock.now());
      return calls.length > 1 ? {} : { requeueAtMs: instant };
    },
    { random: () => 0 },
  );
  // More than setTimeout can wait for at once.
  const instant = rig.clock.now() + 40 * 86_400_000;
  rig.controller.enqueue('a/b');
  await settle();
  assert.equal(calls.length, 1);
  await pass(rig.clock, 40 * 86_400_000 - 1, 3_600_000);
  assert.equal(calls.length, 1);
  await pass(rig.clock, 3, 1);
  assert.equal(calls.length, 2);
  assert.ok((calls[1] ?? 0) >= instant);
  assert.ok(rig.clock.slept.every((ms) => ms < 2 ** 31));
  await end(rig);
});

test('of an interval and an instant the earlier one counts', async () => {
  for (const [requeueAfterMs, offset, expected] of [
    [1_000, 60_000, 1_000],
    [60_000, 1_000, 1_002],
  ] as const) {
    const calls: number[] = [];
    const rig = start(async () => {
      calls.push(rig.clock.monotonic());
      return calls.length > 1 ? {} : { requeueAfterMs, requeueAtMs: rig.clock.now() + offset };
    });
    rig.controller.enqueue('a/b');
    await settle();
    await pass(rig.clock, 1_100, 1);
    assert.equal((calls[1] ?? 0) - (calls[0] ?? 0), expected);
    await end(rig);
  }
});

test('a failed reconcile is logged once with its keys and repeated with growing delay, until it succeeds', async () => {
  const calls: number[] = [];
  const rig = start(async () => {
    calls.push(rig.clock.monotonic());
    if (calls.length < 4) throw new Error('far side on fire');
    return {};
  });
  const begun = rig.clock.monotonic();
  rig.controller.enqueue('team-a/one');
  await settle();
  await pass(rig.clock, 60_000, 500);
  assert.deepEqual(
    calls.map((at) => at - begun),
    [0, 1_000, 3_000, 7_000],
  );
  assert.deepEqual(rig.outcomes, ['error', 'error', 'error', 'success']);
  const warnings = rig.lines.filter(({ level }) => level === 'warn');
  assert.equal(warnings.length, 3);
  assert.equal(warnings[0]?.fields['controller'], 'things');
  assert.equal(warnings[0]?.fields['namespace'], 'team-a');
  assert.equal(warnings[0]?.fields['name'], 'one');
  assert.ok(warnings[0]?.fields['reconcileID'] !== warnings[1]?.fields['reconcileID']);
  await end(rig);
});

test('an error that says when to come back is not repeated earlier', async () => {
  const calls: number[] = [];
  const rig = start(async () => {
    calls.push(rig.clock.monotonic());
    if (calls.length === 1) throw Object.assign(new Error('slow down'), { retryAfterMs: 30_000 });
    return {};
  });
  rig.controller.enqueue('a');
  await pass(rig.clock, 29_000, 500);
  assert.equal(calls.length, 1);
  await pass(rig.clock, 2_000, 500);
  assert.equal(calls.length, 2);
  await end(rig);
});

test('a terminal error is not repeated until the key is added again', async () => {
  let calls = 0;
  const rig = start(async () => {
    calls += 1;
    throw new TerminalError('no such field');
  });
  rig.controller.enqueue('a');
  await pass(rig.clock, 3_600_000, 60_000);
  assert.equal(calls, 1);
  rig.controller.enqueue('a');
  await settle();
  assert.equal(calls, 2);
  assert.deepEqual(rig.outcomes, ['terminal_error', 'terminal_error']);
  await end(rig);
});

test('a requeue interval is kept within five per cent, on both sides', async () => {
  for (const [random, expected] of [
    [0, 57_000],
    [0.5, 60_000],
    [0.999_999, 62_999],
  ] as const) {
    const calls: number[] = [];
    const rig = start(
      async () => {
        calls.push(rig.clock.monotonic());
        return calls.length === 1 ? { requeueAfterMs: 60_000 } : {};
      },
      { random: () => random },
    );
    rig.controller.enqueue('a');
    await settle();
    await pass(rig.clock, expected - 1, 1_000);
    assert.equal(calls.length, 1, `before ${expected}`);
    await pass(rig.clock, 2);
    assert.equal(calls.length, 2, `after ${expected}`);
    await end(rig);
  }
});

test('a reconcile that outlasts its timeout is aborted and repeated', async () => {
  let calls = 0;
  const rig = start(async (_key, signal) => {
    calls += 1;
    if (calls > 1) return {};
    const { promise, reject } = Promise.withResolvers<ReconcileResult>();
    signal.addEventListener('abort', () => reject(signal.reason));
    return promise;
  });
  rig.controller.enqueue('a');
  await pass(rig.clock, 9_900);
  assert.deepEqual(rig.outcomes, []);
  await pass(rig.clock, 1_500);
  assert.deepEqual(rig.outcomes, ['error', 'success']);
  assert.match(String(rig.lines[0]?.fields['error']), /did not end within 10000 ms/);
  await end(rig);
});

test('keys are worked on side by side up to the number of workers, one key never twice at once', async () => {
  const active = new Map<string, number>();
  let most = 0;
  const rig = start(
    async (key) => {
      active.set(key, (active.get(key) ?? 0) + 1);
      assert.equal(active.get(key), 1, `two reconciles of ${key} at once`);
      most = Math.max(
        most,
        [...active.values()].reduce((sum, n) => sum + n, 0),
      );
      await rig.clock.sleep(100);
      active.set(key, 0);
      return {};
    },
    { workers: 3 },
  );
  for (let round = 0; round < 20; round += 1) {
    for (const key of ['a', 'b', 'c', 'd', 'e']) rig.controller.enqueue(key);
    await pass(rig.clock, 70, 35);
  }
  await pass(rig.clock, 1_000);
  assert.equal(most, 3);
  await end(rig);
});

test('a stop takes no new keys but waits for the reconciles under way; the harder signal aborts them', async () => {
  const seen: string[] = [];
  const rig = start(async (key, signal) => {
    seen.push(key);
    const { promise, resolve, reject } = Promise.withResolvers<ReconcileResult>();
    rig.clock.sleep(5_000).then(() => resolve({}), reject);
    signal.addEventListener('abort', () => reject(signal.reason));
    return promise;
  });
  for (const key of ['a', 'b', 'c']) rig.controller.enqueue(key);
  await settle();
  rig.stopTaking.abort();
  let ended = false;
  void rig.running.then(() => (ended = true));
  await pass(rig.clock, 4_900);
  assert.equal(ended, false);
  rig.hard.abort(new Error('now'));
  await settle();
  assert.equal(ended, true);
  assert.deepEqual(seen, ['a', 'b']);
});

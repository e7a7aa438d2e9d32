import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { KeyedLock } from '../../../src/lib/keyed-lock.ts';

const never = new AbortController().signal;

test('work on one key runs one after the other in the order asked for, on other keys side by side', async () => {
  const lock = new KeyedLock();
  const gates = {
    a: Promise.withResolvers<void>(),
    b: Promise.withResolvers<void>(),
    c: Promise.withResolvers<void>(),
  };
  const begun: string[] = [];
  const hold = (key: string, name: keyof typeof gates): Promise<string> =>
    lock.hold(
      key,
      async () => {
        begun.push(name);
        await gates[name].promise;
        return name;
      },
      never,
    );
  const all = [hold('x', 'a'), hold('x', 'b'), hold('y', 'c')];
  await turn();
  assert.deepEqual(begun, ['a', 'c']);
  gates.b.resolve();
  await turn();
  assert.deepEqual(begun, ['a', 'c'], 'b waits for a, whatever b itself would wait for');
  gates.a.resolve();
  gates.c.resolve();
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c']);
  assert.deepEqual(begun, ['a', 'c', 'b']);
});

test('a failure goes to its caller and gives the key to the next', async () => {
  const lock = new KeyedLock();
  const failing = lock.hold('x', () => Promise.reject(new Error('broken')), never);
  const next = lock.hold('x', () => Promise.resolve('done'), never);
  await assert.rejects(failing, /broken/);
  assert.equal(await next, 'done');
});

test('a waiter whose signal is aborted leaves, its work is not begun, and the others go on', async () => {
  const lock = new KeyedLock();
  const gate = Promise.withResolvers<void>();
  const first = lock.hold('x', () => gate.promise, never);
  const stop = new AbortController();
  let begun = false;
  const second = lock.hold(
    'x',
    () => {
      begun = true;
      return Promise.resolve();
    },
    stop.signal,
  );
  const third = lock.hold('x', () => Promise.resolve('third'), never);
  stop.abort(new Error('told to stop'));
  await assert.rejects(second, /told to stop/);
  gate.resolve();
  await first;
  assert.equal(await third, 'third');
  assert.equal(begun, false);
});

test('keys vanish when nobody uses them, also after failures and aborts', async () => {
  const lock = new KeyedLock();
  const gate = Promise.withResolvers<void>();
  const held = lock.hold('x', () => gate.promise, never);
  const waiting = lock.hold('x', () => Promise.resolve(), never);
  assert.equal(lock.size, 1);
  gate.resolve();
  await Promise.all([held, waiting]);
  await assert.rejects(
    lock.hold('y', () => Promise.reject(new Error('broken')), never),
    /broken/,
  );
  await assert.rejects(
    lock.hold('z', () => Promise.resolve(), AbortSignal.abort(new Error('gone'))),
    /gone/,
  );
  assert.equal(lock.size, 0);
});

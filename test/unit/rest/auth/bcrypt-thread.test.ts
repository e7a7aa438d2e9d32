import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { BcryptThread } from '../../../../src/rest/auth/bcrypt-thread.ts';
import { RestError } from '../../../../src/rest/codes.ts';
import { HASHES, PASSWORD } from './passwords.ts';

const fits = { password: PASSWORD, hash: HASHES['2b'] };
/** Half a second of bcryptjs. */
const SLOW = { password: PASSWORD, hash: HASHES['2b'].replace('$05$', '$13$') };

const busy = (error: unknown): boolean => error instanceof RestError && error.complaints[0].code === 'unavailable';

test('questions are answered in their order, whatever each one takes', async (t) => {
  const end = new AbortController();
  t.after(() => end.abort());
  const thread = new BcryptThread(end.signal);
  const answers = [{ ...fits, password: 'no' }, fits, { ...fits, password: '' }, fits];
  assert.deepEqual(await Promise.all(answers.map((question) => thread.compare(question))), [false, true, false, true]);
});

test('while a password is checked, the event loop has nothing to do', async (t) => {
  const end = new AbortController();
  t.after(() => end.abort());
  const thread = new BcryptThread(end.signal);
  await thread.compare(fits);
  const before = performance.eventLoopUtilization();
  await thread.compare(SLOW);
  const { active, idle } = performance.eventLoopUtilization(before);
  assert.ok(active + idle > 100, `it took ${Math.round(active + idle)} ms only, which shows nothing`);
  assert.ok(active < idle, `busy for ${Math.round(active)} ms of ${Math.round(active + idle)}`);
});

test('a thread that ends in mid-check fails its questions as unavailable, and no later one begins', async () => {
  const end = new AbortController();
  const thread = new BcryptThread(end.signal);
  const checks = Promise.allSettled([thread.compare(SLOW), thread.compare(fits)]);
  end.abort();
  for (const check of await checks) assert.ok(check.status === 'rejected' && busy(check.reason), check.status);
  await assert.rejects(thread.compare(fits), busy);
});

test('a thread that broke is replaced', async (t) => {
  const end = new AbortController();
  t.after(() => end.abort());
  const thread = new BcryptThread(end.signal);
  // Nothing that a users file can hold: bcryptjs throws.
  await assert.rejects(thread.compare({ password: 'x', hash: 1 as unknown as string }), busy);
  assert.equal(await thread.compare(fits), true);
});

test('a thread with nothing to do lets the process end', { timeout: 20_000 }, async () => {
  const file = import.meta.resolve('../../../../src/rest/auth/bcrypt-thread.ts');
  const program = `const { BcryptThread } = await import(${JSON.stringify(file)});
    console.log(await new BcryptThread(new AbortController().signal).compare(${JSON.stringify(fits)}))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  assert.equal(stdout, 'true\n');
});

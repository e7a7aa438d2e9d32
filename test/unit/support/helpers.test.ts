import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { printedSeed, seededRandom } from '../../support/seed.ts';
import { ServerDidNotStart, startServerProcess } from '../../support/server-process.ts';
import { tempDirFor } from '../../support/tempdir.ts';
import { eventually } from '../../support/wait.ts';

describe('eventually', () => {
  test('answers what the check answers at last', async () => {
    let tries = 0;
    const check = (): string | undefined => {
      tries++;
      if (tries === 1) throw new Error('not there yet');
      return tries < 3 ? undefined : 'there';
    };
    assert.equal(await eventually(check, { intervalMs: 1 }), 'there');
  });

  test('takes zero and the empty string for answers', async () => {
    assert.equal(await eventually(() => 0), 0);
    assert.equal(await eventually(() => ''), '');
  });

  test('tells at the deadline how it failed the last time', async () => {
    const failure = new Error('still 3 of 4');
    const attempt = eventually(() => Promise.reject(failure), { timeoutMs: 20, intervalMs: 5 });
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /^not so within 20 ms \(\d+ tries\); the last time: still 3 of 4$/);
      assert.equal(error.cause, failure);
      return true;
    });
    await assert.rejects(
      eventually(() => false, { timeoutMs: 5, intervalMs: 5 }),
      /the last time: it answered false/,
    );
  });

  test('ends at once when it is aborted', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(
      eventually(() => false, { signal }),
      /enough/,
    );
  });
});

describe('seeded random numbers', () => {
  test('come again from the same seed and not from another', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 8 }, () => random.next());
    };
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
    assert.ok(draw(7).every((value) => value >= 0 && value < 1));
  });

  test('are those of mulberry32', () => {
    assert.equal(seededRandom(0).next(), 0.26642920868471265);
  });

  test('shuffle without loss and leave the original alone', () => {
    const items = Array.from({ length: 50 }, (_, index) => index);
    const shuffled = seededRandom(1).shuffle(items);
    assert.notDeepEqual(shuffled, items);
    assert.deepEqual(
      [...shuffled].sort((a, b) => a - b),
      items,
    );
  });

  test('have the seed of TEST_SEED, and refuse one that is no seed', () => {
    assert.equal(printedSeed('seed of a test', { TEST_SEED: '42' }), 42);
    for (const seed of ['-1', '1.5', 'abc', '4294967296'])
      assert.throws(() => printedSeed('seed of a test', { TEST_SEED: seed }), RangeError);
  });
});

describe('a server process', () => {
  test('that ends before it is ready is an error with the end of its output', async () => {
    const attempt = startServerProcess({
      name: 'short',
      program: '/bin/sh',
      args: ['-c', 'echo no such flag >&2; exit 3'],
      ready: () => Promise.resolve(false),
    });
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof ServerDidNotStart);
      assert.match(error.message, /short ended before it was ready.*\nno such flag/);
      return true;
    });
  });

  test('that is never ready is killed', async () => {
    let pid = 0;
    const attempt = startServerProcess({
      name: 'slow',
      program: '/bin/sh',
      args: ['-c', 'echo $$; exec sleep 60'],
      ready: () => Promise.resolve(false),
      readyTimeoutMs: 200,
    });
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof ServerDidNotStart);
      pid = Number(error.output.trim());
      return true;
    });
    assert.ok(pid > 0);
    assert.throws(() => process.kill(pid, 0), /ESRCH/);
  });

  test('that cannot be started is an error', async () => {
    const ready = (): Promise<boolean> => Promise.resolve(true);
    await assert.rejects(
      startServerProcess({ name: 'none', program: '/nowhere/none', args: [], ready }),
      ServerDidNotStart,
    );
  });

  test('does not outlive the program that started it, also when both hang, and takes its directory along', async (t) => {
    const directory = join(await tempDirFor(t, 'leash'), 'data');
    await mkdir(directory);
    const code = `
      const { startServerProcess } = await import(${JSON.stringify(join(import.meta.dirname, '../../support/server-process.ts'))});
      const options = { name: 'sleep', program: 'sleep', args: ['60'], ready: async () => true };
      const server = await startServerProcess({ ...options, removeWithUs: ${JSON.stringify(directory)} });
      await server.signal('SIGSTOP');
      console.log(server.pid);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout.setEncoding('utf8'), 'data')) as [string];
    const pid = Number(line);
    process.kill(pid, 0);
    parent.kill('SIGSTOP');
    parent.kill('SIGKILL');
    await eventually(() => {
      assert.throws(() => process.kill(pid, 0), /ESRCH/);
      return !existsSync(directory);
    });
  });
});

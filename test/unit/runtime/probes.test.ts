import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventLoopCheck, startProbes } from '../../../src/runtime/probes.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { pass } from './steps.ts';

test('probes answer ok, or 503 with a line for each failed check', async (t) => {
  let leaseTrouble: string | undefined;
  let ready = false;
  const probes = await startProbes({
    host: '127.0.0.1',
    port: 0,
    live: [
      { name: 'lease', check: () => leaseTrouble },
      { name: 'event-loop', check: () => undefined },
    ],
    ready: [{ name: 'manager', check: () => (ready ? undefined : 'not synced yet') }],
    pages: { '/metrics': () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }) },
  });
  t.after(() => probes.close());
  const get = async (path: string): Promise<string> => {
    const answer = await fetch(`http://127.0.0.1:${probes.port}${path}`);
    return `${answer.status} ${await answer.text()}`;
  };
  assert.equal(await get('/healthz'), '200 ok\n');
  assert.equal(await get('/livez?verbose'), '200 ok\n');
  assert.equal(await get('/readyz'), '503 manager: not synced yet\n');
  assert.equal(await get('/metrics'), '200 up 1\n');
  assert.equal(await get('/else'), '404 ');
  ready = true;
  leaseTrouble = 'last renewed 40000 ms ago';
  assert.equal(await get('/readyz'), '200 ok\n');
  assert.equal(await get('/healthz'), '503 lease: last renewed 40000 ms ago\n');
});

test('a port in use is an error, not a process without probes', async (t) => {
  const probes = await startProbes({ host: '127.0.0.1', port: 0, live: [], ready: [] });
  t.after(() => probes.close());
  await assert.rejects(startProbes({ host: '127.0.0.1', port: probes.port, live: [], ready: [] }), /EADDRINUSE/);
});

test('the event loop check fails while timers do not run, and recovers', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const { check } = eventLoopCheck(clock, 5_000, stop.signal);
  await pass(clock, 10_000, 1_000);
  assert.equal(check(), undefined);
  clock.advance(30_000);
  assert.match(String(check()), /timers are 29000 ms late/);
  await pass(clock, 1_000);
  assert.equal(check(), undefined);
  stop.abort();
});

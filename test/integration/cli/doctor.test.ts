/** What doctor makes of clocks, certificates and errors, with real TLS. */
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { certificateFinding, findingsOf, skewFinding } from '../../../src/cli/doctor/check.ts';
import { greet } from '../../../src/cli/doctor/greeting.ts';
import { ReplicationError } from '../../../src/domain/errors.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createAuthority } from '../../support/certificates.ts';

const NEVER = new AbortController().signal;
const NOW = Date.parse('2026-11-23T12:00:00Z');
const DAY = 86_400_000;
const servers: http.Server[] = [];

after(() => {
  for (const server of servers) server.close();
});

async function listening(server: http.Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function answering(aheadMs: number): http.RequestListener {
  return (_, answer) =>
    answer
      .setHeader('Date', new Date(Date.now() + aheadMs).toUTCString())
      .writeHead(401)
      .end();
}

test('any answer tells the clock, and over TLS the certificate, expired or not', async () => {
  const identity = createAuthority('far').issue({ hosts: ['127.0.0.1'], expired: true });
  const plain = await greet(
    `http://127.0.0.1:${await listening(http.createServer(answering(-90_000)))}/x`,
    systemClock,
    NEVER,
  );
  assert.ok(Math.abs((plain.skewMs ?? 0) + 90_000) <= 1_500, `${plain.skewMs} ms`);
  assert.equal(plain.certificate, undefined);
  const port = await listening(https.createServer(identity, answering(0)));
  const secure = await greet(`https://127.0.0.1:${port}/x`, systemClock, NEVER);
  assert.ok(Math.abs(secure.skewMs ?? 9_999) <= 1_500, `${secure.skewMs} ms`);
  assert.ok((secure.certificate?.getTime() ?? NOW) < Date.now());
});

test('where nobody answers there is nothing to tell', async () => {
  assert.deepEqual(await greet('http://127.0.0.1:1/x', systemClock, NEVER), {});
});

test('a certificate is renewed in time, and a clock set right', () => {
  const results = [15 * DAY, 13 * DAY, -1].map((left) =>
    certificateFinding('the certificate', new Date(NOW + left), NOW),
  );
  assert.deepEqual(
    results.map(({ result, remedy }) => [result, remedy]),
    [
      ['ok', undefined],
      ['warning', 'renew the certificate'],
      ['failed', 'renew the certificate'],
    ],
  );
  const skews = [500, -5_000, 120_000].map((skew) => skewFinding('the far side', skew));
  assert.deepEqual(
    skews.map(({ result, message }) => [result, message]),
    [
      ['ok', 'the clock of the far side is 0.5 s ahead'],
      ['warning', 'the clock of the far side is 5.0 s behind'],
      ['failed', 'the clock of the far side is 120.0 s ahead'],
    ],
  );
});

test('an error is told with its remedy, and a connection string in it is not', async () => {
  const failing = async (error: Error) => {
    const check = { name: 'c', remedy: 'r', look: () => Promise.reject(error) };
    return (await findingsOf(check, systemClock, NEVER))[0]?.message;
  };
  assert.equal(await failing(new Error('mongodb://a:hidden@b is bad')), 'Error');
  assert.equal(
    await failing(new ReplicationError('spec', 'Wrong', 'no (not authorized to execute command { a: { b: 1 } })')),
    'Wrong: no (not authorized)',
  );
});

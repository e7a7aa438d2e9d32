import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

import { success } from '../../../src/rest/http.ts';
import { listenRest, type RestListener } from '../../../src/rest/server/listener.ts';
import type { TlsFiles } from '../../../src/rest/server/tls.ts';
import { type Logger, silentLogger } from '../../../src/telemetry/logger.ts';
import { createAuthority, type Identity } from '../../support/certificates.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { httpContext, openDoor, REST_SETTINGS } from '../../support/rest-server.ts';
import { tempDirFor } from '../../support/tempdir.ts';
import { eventually } from '../../support/wait.ts';

const HOST = '127.0.0.1';
const authority = createAuthority('tests');
const issue = (): Identity => authority.issue({ hosts: [HOST, 'localhost'] });

interface Stage {
  readonly listener: RestListener;
  readonly clock: FakeClock;
  readonly errors: string[];
  /** Writes both files as one rename each. */
  readonly write: (pair: Partial<Identity>) => Promise<void>;
  /** Five seconds pass, and the files were looked at. */
  readonly look: () => Promise<void>;
}

async function stage(t: { after(end: () => Promise<void>): void }, first: Identity): Promise<Stage> {
  const directory = await tempDirFor(t, 'tls');
  const tlsFiles: TlsFiles = { certFile: join(directory, 'tls.crt'), keyFile: join(directory, 'tls.key') };
  const put = async (file: string, text: string): Promise<void> => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  const write = async ({ cert, key }: Partial<Identity>): Promise<void> => {
    if (cert !== undefined) await put(tlsFiles.certFile, cert);
    if (key !== undefined) await put(tlsFiles.keyFile, key);
  };
  await write(first);
  const errors: string[] = [];
  const logger: Logger = { ...silentLogger, error: (_message, fields) => void errors.push(String(fields?.['error'])) };
  const clock = new FakeClock();
  const listener = await listenRest({
    context: httpContext({ clock, logger }),
    authenticator: openDoor,
    routes: [(app) => void app.get('/api/x', async (request) => success(request, null))],
    settings: REST_SETTINGS,
    host: HOST,
    port: 0,
    tlsFiles,
  });
  t.after(async () => await listener.close());
  const looks = (): number => clock.slept.filter((ms) => ms === 5_000).length;
  return {
    listener,
    clock,
    errors,
    write,
    look: async () => {
      const before = looks();
      clock.advance(5_000);
      await eventually(() => looks() > before);
    },
  };
}

async function secure(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: HOST, port, ca: authority.cert, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function shownCertificate(port: number): Promise<string> {
  const socket = await secure(port);
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return raw.toString('base64');
}

function der({ cert }: Identity): string {
  return cert.replaceAll(/-----[A-Z ]+-----|\s/g, '');
}

test('a renewed certificate is served to new connections, and running ones go on', async (t) => {
  const [old, renewed] = [issue(), issue()];
  const { listener, write, look, errors } = await stage(t, old);
  assert.equal(await shownCertificate(listener.port), der(old));
  const running = await secure(listener.port);
  await write(renewed);
  assert.equal(await shownCertificate(listener.port), der(old));
  await look();
  assert.equal(await shownCertificate(listener.port), der(renewed));
  running.write('GET /replication/api/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const [answer] = (await once(running, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
  running.destroy();
  assert.deepEqual(errors, []);
});

test('a broken pair is told once and the old one stays, until a good one comes', async (t) => {
  const [old, renewed] = [issue(), issue()];
  const { listener, write, look, errors } = await stage(t, old);
  const broken: readonly (readonly [Partial<Identity>, RegExp])[] = [
    [{ cert: renewed.cert }, /no pair of certificate and key/],
    [{ cert: renewed.cert.slice(0, 200) }, /no pair of certificate and key/],
    [{ cert: '' }, /no pair of certificate and key/],
  ];
  for (const [pair, words] of broken) {
    errors.length = 0;
    await write(pair);
    await look();
    await look();
    assert.equal(await shownCertificate(listener.port), der(old));
    assert.equal(errors.length, 1);
    assert.match(errors[0] ?? '', words);
    assert.doesNotMatch(errors[0] ?? '', /PRIVATE/);
  }
  await write(renewed);
  await look();
  assert.equal(await shownCertificate(listener.port), der(renewed));
});

test('TLS below 1.2 is refused, and plain HTTP on the port ends without harm', async (t) => {
  const { listener } = await stage(t, issue());
  await assert.rejects(
    secure(listener.port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  );
  const plain = connectPlain(listener.port, HOST);
  plain.write('GET / HTTP/1.1\r\n\r\n');
  plain.on('error', () => {});
  await once(plain, 'close');
  const socket = await secure(listener.port, { maxVersion: 'TLSv1.2' });
  assert.equal(socket.getProtocol(), 'TLSv1.2');
  socket.destroy();
});

test('files that are no pair are refused at the start', async (t) => {
  const { cert } = issue();
  await assert.rejects(stage(t, { cert, key: issue().key }), { code: 'TlsFiles' });
  await assert.rejects(stage(t, { cert, key: 'no key' }), { code: 'TlsFiles' });
});

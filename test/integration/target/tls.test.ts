import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

import { createBkRepoTarget } from '../../../src/target/bkrepo/target.ts';
import { createAuthority, type Identity } from '../../support/certificates.ts';
import { envelope, startFaultServer } from './fault-server.ts';
import { failureOf, REPOSITORY, scene, targetOptions } from './support.ts';

const SHA = 'a'.repeat(64);
const authority = createAuthority('test authority');
const other = createAuthority('another authority');
const good = authority.issue({ hosts: ['127.0.0.1', 'localhost'] });

async function overTls(
  context: TestContext,
  server: { readonly identity: Identity; readonly clientCa?: string },
  client: { readonly ca?: string; readonly clientCertificate?: Identity },
): Promise<boolean> {
  const { identity, clientCa } = server;
  const tls = {
    ...identity,
    ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  };
  const { target, signal } = await scene(context, { tls, answer: (_, response) => envelope(response, true) }, client);
  return target.blobStored(REPOSITORY, SHA, signal);
}

test('a certificate of the given CA is accepted', async (context) => {
  assert.equal(await overTls(context, { identity: good }, { ca: authority.cert }), true);
});

test('one CA of a bundle is enough', async (context) => {
  assert.equal(await overTls(context, { identity: good }, { ca: `${other.cert}\n# words\n${authority.cert}` }), true);
});

test('the server certificate itself may be the bundle', async (context) => {
  assert.equal(await overTls(context, { identity: good }, { ca: good.cert }), true);
});

const REFUSED: readonly (readonly [string, Identity, string | undefined, RegExp])[] = [
  ['without CA', good, undefined, /unknown CA/],
  ['of another CA', good, other.cert, /unknown CA/],
  ['expired', authority.issue({ hosts: ['127.0.0.1'], expired: true }), authority.cert, /expired/],
  ['for another host', authority.issue({ hosts: ['elsewhere.test'] }), authority.cert, /hostname mismatch/],
  ['self-signed', { cert: other.cert, key: other.key }, undefined, /unknown CA/],
];

for (const [what, identity, ca, words] of REFUSED) {
  test(`a certificate ${what} ends the far side's run and says what is wrong`, async (context) => {
    const error = await failureOf(overTls(context, { identity }, ca === undefined ? {} : { ca }));
    assert.deepEqual([error.errorClass, error.code], ['cluster', 'TlsError']);
    assert.match(error.message, words);
  });
}

test('a client certificate is shown to a server that asks for one', async (context) => {
  const clientCertificate = authority.issue({ hosts: ['robot'], client: true });
  const server = { identity: good, clientCa: authority.cert };
  assert.equal(await overTls(context, server, { ca: authority.cert, clientCertificate }), true);
});

test('https to a server that speaks plain HTTP is a TLS error that says so', async (context) => {
  const server = await startFaultServer({ answer: (_, response) => envelope(response, true) });
  const target = createBkRepoTarget(targetOptions(server.url.replace('http:', 'https:')));
  context.after(async () => {
    await server.close();
    await target.close();
  });
  const error = await failureOf(target.blobStored(REPOSITORY, SHA, context.signal));
  assert.deepEqual([error.errorClass, error.code], ['cluster', 'TlsError']);
  assert.match(error.message, /does not speak TLS/);
});

for (const [what, changes] of [
  ['a CA bundle without certificate', { ca: 'nothing' }],
  ['a CA bundle with a broken certificate', { ca: authority.cert.replace(/[A-Z]{4}/, '!!!!') }],
  ['a key that does not fit its certificate', { clientCertificate: { cert: good.cert, key: other.key } }],
] as const) {
  test(`${what} is refused when the target is made`, () => {
    assert.throws(
      () => createBkRepoTarget(targetOptions('https://127.0.0.1:1', changes)),
      (error: { code?: string; errorClass?: string; message: string }) =>
        error.code === 'InvalidCertificate' && error.errorClass === 'spec' && !error.message.includes('BEGIN'),
    );
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ReplicationError } from '../../../src/domain/errors.ts';
import { retryAfterMs } from '../../../src/target/http/retry-after.ts';
import { transportError } from '../../../src/target/http/transport-errors.ts';
import { basicToken, farSideUrl, proxyUrlOf } from '../../../src/target/http/urls.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');

for (const [header, expected] of [
  ['0', 0],
  ['7', 7_000],
  [' 7 ', 7_000],
  ['99999', 3_600_000],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
  ['Sunday, 22-Nov-26 12:00:30 GMT', 30_000],
  ['Sun, 22 Nov 2026 11:00:00 GMT', 0],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['', undefined],
  [undefined, undefined],
] as const) {
  test(`Retry-After "${header}" is ${expected} ms`, () => assert.equal(retryAfterMs(header, NOW), expected));
}

const withCode = (code: string): Error => Object.assign(new Error('words of the system'), { code });

for (const [error, errorClass, code, words] of [
  [withCode('ECONNREFUSED'), 'retryable', 'ConnectionRefused', /refused/],
  [
    new AggregateError([withCode('ECONNREFUSED'), withCode('ENETUNREACH')]),
    'retryable',
    'ConnectionRefused',
    /refused/,
  ],
  [withCode('ECONNRESET'), 'retryable', 'ConnectionLost', /lost/],
  [withCode('EPIPE'), 'retryable', 'ConnectionLost', /lost/],
  [withCode('UND_ERR_SOCKET'), 'retryable', 'ConnectionLost', /lost/],
  [withCode('ENOTFOUND'), 'retryable', 'NameNotResolved', /does not resolve/],
  [withCode('EAI_AGAIN'), 'retryable', 'NameNotResolved', /at present/],
  [withCode('UND_ERR_CONNECT_TIMEOUT'), 'retryable', 'ConnectTimeout', /in time/],
  [withCode('HPE_INVALID_CONSTANT'), 'retryable', 'ProtocolError', /not HTTP/],
  [withCode('CERT_HAS_EXPIRED'), 'cluster', 'TlsError', /expired/],
  [withCode('ERR_TLS_CERT_ALTNAME_INVALID'), 'cluster', 'TlsError', /hostname mismatch/],
  [withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), 'cluster', 'TlsError', /unknown CA/],
  [withCode('SELF_SIGNED_CERT_IN_CHAIN'), 'cluster', 'TlsError', /unknown CA/],
  [withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'cluster', 'TlsError', /unknown CA/],
  [withCode('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'cluster', 'TlsError', /CERTIFICATE_REQUIRED/],
  [new Error('Proxy response (407) !== 200 when HTTP Tunneling'), 'cluster', 'ProxyError', /credentials/],
  [new Error('Proxy response (403) !== 200 when HTTP Tunneling'), 'cluster', 'ProxyError', /403/],
  [new Error('Proxy response (502) !== 200 when HTTP Tunneling'), 'retryable', 'ProxyError', /502/],
  [new TypeError('a defect'), 'unit', 'InternalError', /a defect/],
] as const) {
  const { code: systemCode } = error as { code?: string };
  test(`${systemCode ?? error.message} is ${errorClass}, ${code}`, () => {
    const failure = transportError('far side x', error);
    assert.equal(failure.errorClass, errorClass);
    assert.equal(failure.code, code);
    assert.match(failure.message, /^far side x: /);
    assert.match(failure.message, words);
    assert.equal(failure.cause, error);
  });
}

for (const [text, href] of [
  ['http://host', 'http://host/'],
  ['https://host:8443/replication/', 'https://host:8443/replication'],
  ['https://host//a///replication', 'https://host/a/replication'],
] as const) {
  test(`${text} is read as ${href}`, () => assert.equal(farSideUrl(text).href, href));
}

for (const text of [
  'host',
  'ftp://host',
  'http://',
  'http://u:geheim@host',
  'http://host/?a=b',
  'http://host/#x',
  '',
]) {
  test(`"${text}" is no url of a far side`, () => {
    assert.throws(
      () => farSideUrl(text),
      (error) => error instanceof ReplicationError && error.code === 'InvalidUrl' && !error.message.includes('geheim'),
    );
  });
}

test('a proxy url keeps its user info and is never shown', () => {
  assert.equal(proxyUrlOf(undefined), undefined);
  assert.equal(proxyUrlOf('http://u:p@proxy:3128')?.username, 'u');
  assert.throws(
    () => proxyUrlOf('socks://u:geheim@proxy'),
    (error) => error instanceof ReplicationError && error.code === 'InvalidUrl' && !error.message.includes('geheim'),
  );
});

test('Basic credentials are UTF-8, may have an empty password, and no colon in the user name', () => {
  assert.equal(basicToken('admin', 'password'), 'YWRtaW46cGFzc3dvcmQ=');
  assert.equal(Buffer.from(basicToken('用户', ''), 'base64').toString('utf8'), '用户:');
  assert.throws(
    () => basicToken('a:b', 'x'),
    (error) => error instanceof ReplicationError && error.code === 'InvalidCredentials' && error.errorClass === 'spec',
  );
});

/** X.509 certificates for tests, made with node:crypto alone: P-256 keys, DER written by hand. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

export interface Identity {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

export interface Authority extends Identity {
  issue(request: {
    readonly hosts: readonly string[];
    readonly expired?: boolean;
    readonly client?: boolean;
  }): Identity;
}

export function createAuthority(name: string): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const build = (request: CertificateRequest): string => certificate(request, name, privateKey);
  return {
    cert: build({ subject: name, publicKey, extensions: [basicConstraints(true)] }),
    key: pem(privateKey),
    issue: ({ hosts, expired = false, client = false }) => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const usage = client ? '1.3.6.1.5.5.7.3.2' : '1.3.6.1.5.5.7.3.1';
      const extensions = [basicConstraints(false), alternativeNames(hosts), extendedKeyUsage(usage)];
      const cert = build({ subject: hosts[0] ?? 'nobody', publicKey: pair.publicKey, extensions, expired });
      return { cert, key: pem(pair.privateKey) };
    },
  };
}

interface CertificateRequest {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly expired?: boolean;
}

const DAY = 86_400_000;
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

function certificate(request: CertificateRequest, issuer: string, issuerKey: KeyObject): string {
  const now = Date.now();
  const [from, to] = request.expired ? [now - 20 * DAY, now - 10 * DAY] : [now - DAY, now + 30 * DAY];
  const body = sequence(
    der(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    ECDSA_SHA256,
    commonName(issuer),
    sequence(time(from), time(to)),
    commonName(request.subject),
    request.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...request.extensions)),
  );
  const whole = sequence(body, ECDSA_SHA256, bits(sign('sha256', body, issuerKey)));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

const basicConstraints = (authority: boolean): Buffer =>
  extension('2.5.29.19', authority ? sequence(der(0x01, Buffer.of(0xff))) : sequence());

const extendedKeyUsage = (usage: string): Buffer => extension('2.5.29.37', sequence(oid(usage)));

function alternativeNames(hosts: readonly string[]): Buffer {
  const names = hosts.map((host) =>
    isIPv4(host) ? der(0x87, Buffer.from(host.split('.').map(Number))) : der(0x82, Buffer.from(host)),
  );
  return extension('2.5.29.17', sequence(...names));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), der(0x04, value));
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(name)))));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = rest.flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]));
}

function integer(value: Buffer): Buffer {
  return der(0x02, value);
}

function bits(value: Buffer): Buffer {
  return der(0x03, Buffer.concat([Buffer.of(0), value]));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

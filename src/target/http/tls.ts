/**
 * Trust. A given CA bundle is trusted *instead of* the system's certificates, so that a far side with a private CA
 * cannot be impersonated by any public one; every certificate in it is an anchor, an intermediate or the server's own
 * among them (as bk-repo's `certificate` meant it, contract §2.4). Names are always verified.
 */
import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';

import { ReplicationError } from '../../domain/errors.ts';
import type { ClientCertificate } from './options.ts';

export interface TlsSettings {
  readonly secureContext?: SecureContext;
}

const CA_BUNDLE = 'the CA bundle (certificate, caSecretRef or caConfigMapRef of the cluster)';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Fails with spec error `InvalidCertificate` for what cannot be used. */
export function tlsSettings(ca: string | undefined, client: ClientCertificate | undefined): TlsSettings {
  if (ca === undefined && client === undefined) return {};
  return {
    secureContext: usable('the client certificate or its key (clientCertificateSecretRef)', () =>
      createSecureContext({
        ...(ca === undefined ? {} : { ca: readBundle(ca), allowPartialTrustChain: true }),
        ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
      }),
    ),
  };
}

function readBundle(pem: string): string[] {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0)
    throw new ReplicationError('spec', 'InvalidCertificate', `${CA_BUNDLE} holds no PEM certificate`);
  for (const certificate of certificates) usable(CA_BUNDLE, () => new X509Certificate(certificate));
  return [...certificates];
}

/** OpenSSL's own words name neither key nor certificate contents. */
function usable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ReplicationError) throw cause;
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new ReplicationError('spec', 'InvalidCertificate', `${what} cannot be used: ${words}`, { cause });
  }
}

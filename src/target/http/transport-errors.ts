/** The one table of what can go wrong below HTTP. Everything of the network is retryable; TLS ends the far side's run. */
import { ReplicationError } from '../../domain/errors.ts';

interface Verdict {
  readonly errorClass: 'retryable' | 'cluster';
  readonly code: string;
  readonly words: string;
}

const tls = (words: string): Verdict => ({ errorClass: 'cluster', code: 'TlsError', words });
const network = (code: string, words: string): Verdict => ({ errorClass: 'retryable', code, words });

const CHECK_CA = 'check caConfigMapRef, caSecretRef or certificate of the Cluster';
const UNKNOWN_CA = `its certificate was issued by an authority that is not trusted here (unknown CA): ${CHECK_CA}`;
const LOST = 'the connection was lost';

/** By `error.code` of Node, OpenSSL and undici. */
const TRANSPORT_VERDICTS: Readonly<Record<string, Verdict>> = {
  CERT_HAS_EXPIRED: tls('its certificate, or that of its issuer, has expired'),
  CERT_NOT_YET_VALID: tls('its certificate is not valid yet'),
  ERR_TLS_CERT_ALTNAME_INVALID: tls('its certificate is for another host (hostname mismatch)'),
  DEPTH_ZERO_SELF_SIGNED_CERT: tls(`its certificate is self-signed and not trusted here (unknown CA): ${CHECK_CA}`),
  SELF_SIGNED_CERT_IN_CHAIN: tls(UNKNOWN_CA),
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: tls(UNKNOWN_CA),
  UNABLE_TO_GET_ISSUER_CERT: tls(UNKNOWN_CA),
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: tls(UNKNOWN_CA),
  CERT_UNTRUSTED: tls(UNKNOWN_CA),
  CERT_SIGNATURE_FAILURE: tls('the signature of its certificate is wrong'),
  CERT_REVOKED: tls('its certificate has been revoked'),
  CERT_REJECTED: tls('its certificate was rejected'),
  INVALID_CA: tls('its certificate was issued by one that is no authority'),
  INVALID_PURPOSE: tls('its certificate is not meant for servers'),
  ERR_SSL_WRONG_VERSION_NUMBER: tls('it does not speak TLS on this port (https url for an http server?)'),
  ERR_SSL_PACKET_LENGTH_TOO_LONG: tls('it does not speak TLS on this port (https url for an http server?)'),
  UND_ERR_PRX_TLS: tls('the certificate of the proxy is for another host (hostname mismatch)'),
  ENOTFOUND: network('NameNotResolved', 'its name does not resolve'),
  EAI_AGAIN: network('NameNotResolved', 'its name cannot be resolved at present'),
  ECONNREFUSED: network('ConnectionRefused', 'the connection was refused'),
  EHOSTUNREACH: network('HostUnreachable', 'no route to the host'),
  ENETUNREACH: network('HostUnreachable', 'no route to the network'),
  ETIMEDOUT: network('ConnectTimeout', 'no connection was made in time'),
  UND_ERR_CONNECT_TIMEOUT: network('ConnectTimeout', 'no connection was made in time'),
  ECONNRESET: network('ConnectionLost', LOST),
  EPIPE: network('ConnectionLost', LOST),
  ECONNABORTED: network('ConnectionLost', LOST),
  UND_ERR_SOCKET: network('ConnectionLost', LOST),
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: network('ConnectionLost', 'the answer broke off'),
  UND_ERR_PRX_CONN: network('ProxyError', 'the proxy broke the connection off'),
};

/** What `error` means. Words of the system are kept, bounded; `undefined` = it does not come from the network. */
function transportVerdict(error: unknown): Verdict | undefined {
  const failure = error instanceof AggregateError && error.errors.length > 0 ? (error.errors[0] as unknown) : error;
  if (!(failure instanceof Error)) return undefined;
  const code = 'code' in failure && typeof failure.code === 'string' ? failure.code : '';
  const known = TRANSPORT_VERDICTS[code];
  if (known !== undefined) return known;
  if (/^ERR_(SSL|TLS|OSSL)_|^EPROTO$/.test(code)) return tls(`the TLS handshake failed (${code})`);
  if (code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW')
    return network('ProtocolError', `its answer is not HTTP (${code})`);
  return proxyVerdict(failure.message);
}

/** undici tells a refused tunnel in words only. */
function proxyVerdict(message: string): Verdict | undefined {
  const status = Number(/Proxy response \((\d{3})\)/.exec(message)?.[1] ?? (/\(407\)/.test(message) ? 407 : 0));
  if (status === 0) return undefined;
  if (status === 407) return { errorClass: 'cluster', code: 'ProxyError', words: 'the proxy wants other credentials' };
  const words = `the proxy answered ${status}`;
  return { errorClass: status >= 500 ? 'retryable' : 'cluster', code: 'ProxyError', words };
}

/** Classifies what an exchange failed with; `what` says which exchange with whom. */
export function transportError(what: string, error: unknown): ReplicationError {
  if (error instanceof ReplicationError) return withPlace(what, error);
  const verdict = transportVerdict(error);
  if (verdict !== undefined)
    return new ReplicationError(verdict.errorClass, verdict.code, `${what}: ${verdict.words}`, { cause: error });
  const words = error instanceof Error ? error.message : String(error);
  return new ReplicationError('unit', 'InternalError', `${what}: ${words}`, { cause: error });
}

/** Errors made inside the connector do not know whom they concern. */
function withPlace(what: string, error: ReplicationError): ReplicationError {
  return error.code === 'HostNotAllowed' && !error.message.startsWith(what)
    ? new ReplicationError(error.errorClass, error.code, `${what}: ${error.message}`, { cause: error })
    : error;
}

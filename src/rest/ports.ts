/** What the shim needs of rooms that it may not know; `compose` wires it. */
import type { Cluster } from '../api/cluster.gen.ts';
import type { Credentials } from '../resources/editor.ts';

/** Far sides as the shim sees them. */
export interface FarSideProbe {
  /**
   * One ping, at most ten seconds. `credentials` are used instead of those that the Cluster names (it may not be stored
   * yet). Fails with a classified `ReplicationError` whose words may be shown to the caller.
   */
  ping(cluster: Cluster, credentials: Credentials | undefined, signal: AbortSignal): Promise<void>;
}

export type AccessVerb = 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete';

/** One question of authorisation, in the API server's terms. */
export interface AccessRequest {
  readonly verb: AccessVerb;
  readonly resource: 'clusters' | 'replicatasks' | 'secrets';
  readonly namespace: string;
  readonly name?: string;
}

/** Who a Kubernetes token speaks for. */
export interface TokenUser {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** The API server's word about callers. Fails with `ReplicationError`: `ApiUnavailable` (retryable), `ApiForbidden` (spec: the binding is missing). */
export interface AccessReview {
  /** undefined = the token is not valid for any of the audiences. */
  reviewToken(token: string, audiences: readonly string[], signal: AbortSignal): Promise<TokenUser | undefined>;
  reviewAccess(user: TokenUser, request: AccessRequest, signal: AbortSignal): Promise<boolean>;
  /** Whether this process may ask the two above at all; asked at start. */
  mayReview(signal: AbortSignal): Promise<boolean>;
}

/** Somebody who was authenticated. */
export interface Caller {
  /** For createdBy, lastModifiedBy and the audit log. */
  readonly name: string;
  may(request: AccessRequest, signal: AbortSignal): Promise<boolean>;
}

export interface Credential {
  /** Value of the header `Authorization`; undefined = none was sent. */
  readonly authorization: string | undefined;
  /** Address of the other end of the connection. */
  readonly address: string;
}

/** Fails with `RestError`: unauthenticated (401), tooManyRequests (429), unavailable (503). */
export interface Authenticator {
  authenticate(credential: Credential, signal: AbortSignal): Promise<Caller>;
}

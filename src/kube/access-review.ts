/** Questions to the API server about others: whose a token is, and what somebody may. */
import { AuthenticationV1Api, AuthorizationV1Api, type V1ResourceAttributes } from '@kubernetes/client-node';

import type { Transport } from './transport.ts';

export interface ReviewedUser {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/**
 * Whose the token is; undefined = it is not good for any of `audiences` (none = the API server's own). Fails with
 * `KubeError`: 403 without the right to ask.
 */
export async function tokenReview(
  transport: Transport,
  token: string,
  audiences: readonly string[],
  signal: AbortSignal,
): Promise<ReviewedUser | undefined> {
  const api = new AuthenticationV1Api(transport.configuration(signal));
  const spec = { token, ...(audiences.length === 0 ? {} : { audiences: [...audiences] }) };
  const { status } = await api.createTokenReview({ body: { spec } });
  if (status?.authenticated !== true || status.user?.username === undefined) return undefined;
  // An authenticator that knows no audiences answers none: then the token is for the API server.
  const named = status.audiences ?? [];
  if (audiences.length > 0 && !audiences.some((audience) => named.includes(audience))) return undefined;
  const { username, uid, groups = [], extra = {} } = status.user;
  return { username, ...(uid === undefined ? {} : { uid }), groups, extra };
}

/** Whether `user` may; fails with `KubeError`: 403 without the right to ask. */
export async function subjectAccessReview(
  transport: Transport,
  user: ReviewedUser,
  attributes: V1ResourceAttributes,
  signal: AbortSignal,
): Promise<boolean> {
  const api = new AuthorizationV1Api(transport.configuration(signal));
  const { username, uid, groups, extra } = user;
  const extras = Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]]));
  const spec = {
    user: username,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups],
    extra: extras,
    resourceAttributes: attributes,
  };
  const { status } = await api.createSubjectAccessReview({ body: { spec } });
  return status?.allowed === true && status.denied !== true;
}

/** Whether this program's own account may. Every account may ask that. */
export async function selfSubjectAccessReview(
  transport: Transport,
  attributes: V1ResourceAttributes,
  signal: AbortSignal,
): Promise<boolean> {
  const api = new AuthorizationV1Api(transport.configuration(signal));
  const { status } = await api.createSelfSubjectAccessReview({ body: { spec: { resourceAttributes: attributes } } });
  return status?.allowed === true && status.denied !== true;
}

import { ReplicationError } from '../domain/errors.ts';
import { isForbidden, KubeError } from '../kube/errors.ts';
import type { ObjectKey } from './store.ts';

/** The ClusterRole, and the name of the RoleBindings, that allow reading Secrets and ConfigMaps of a namespace. */
export const SECRET_READER = 'bkrepo-replicator-secret-reader';

/** Classifies a failed request to the API server; `doing` completes "cannot …". Abort reasons pass as they are. */
export function resourceError(doing: string, error: unknown): unknown {
  if (!(error instanceof KubeError)) return error;
  const { code, retryAfterMs } = error;
  const options = { status: code, cause: error, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  const message = `cannot ${doing}: ${error.message}`;
  if (isForbidden(error)) return new ReplicationError('spec', 'ApiForbidden', message, options);
  const refused = code >= 400 && code < 500 && code !== 401 && code !== 408 && code !== 409 && code !== 429;
  if (refused) return new ReplicationError('spec', 'ApiRefused', message, options);
  return new ReplicationError('retryable', 'ApiUnavailable', message, options);
}

/** The same for a Secret or ConfigMap: a missing right names the binding that would give it. */
export function readError(kind: 'Secret' | 'ConfigMap', key: ObjectKey, error: unknown): unknown {
  const { namespace, name } = key;
  if (!isForbidden(error)) return resourceError(`read ${kind} ${namespace}/${name}`, error);
  return new ReplicationError(
    'spec',
    'SecretForbidden',
    `may not read ${kind} ${namespace}/${name}: namespace ${namespace} lacks a RoleBinding ${SECRET_READER} that binds ` +
      `the ClusterRole ${SECRET_READER} to the operator's ServiceAccount`,
    { status: 403, cause: error },
  );
}

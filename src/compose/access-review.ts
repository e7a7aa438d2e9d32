/** Callers' tokens and rights, asked of the API server with the operator's own right to ask. */
import { GROUP } from '../api/names.ts';
import { selfSubjectAccessReview, subjectAccessReview, tokenReview } from '../kube/access-review.ts';
import type { Transport } from '../kube/transport.ts';
import { resourceError } from '../resources/kube-errors.ts';
import type { AccessReview } from '../rest/ports.ts';

/** What must be allowed to ask: the ClusterRole system:auth-delegator gives both. */
const QUESTIONS = [
  { group: 'authentication.k8s.io', resource: 'tokenreviews', verb: 'create' },
  { group: 'authorization.k8s.io', resource: 'subjectaccessreviews', verb: 'create' },
] as const;

export function kubernetesAccessReview(transport: Transport): AccessReview {
  return {
    reviewToken: (token, audiences, signal) =>
      classified('check a token', () => tokenReview(transport, token, audiences, signal)),
    reviewAccess: (user, { verb, resource, namespace, name }, signal) => {
      const group = resource === 'secrets' ? '' : GROUP;
      const attributes = { group, resource, verb, namespace, ...(name === undefined ? {} : { name }) };
      return classified("check a caller's rights", () => subjectAccessReview(transport, user, attributes, signal));
    },
    mayReview: (signal) =>
      classified('check the own rights', async () => {
        const answers = QUESTIONS.map((question) => selfSubjectAccessReview(transport, question, signal));
        return (await Promise.all(answers)).every((allowed) => allowed);
      }),
  };
}

async function classified<T>(doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw resourceError(doing, error);
  }
}

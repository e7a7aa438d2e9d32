import { MAX_MESSAGE, sanitiseText } from '../api/conditions.ts';
import { RETRY_REQUESTED_ANNOTATION } from '../api/names.ts';

/** How a person sets an annotation: by kubectl, or in the file of the object. */
export type AnnotateHint = 'kubectl' | 'file';

interface Named {
  readonly metadata: { readonly namespace: string; readonly name: string };
}

/** What is said about a failed run, ending with how to try again what failed; the hint is never what is cut off. */
export function withRetryHint<V extends { readonly message: string }>(verdict: V, task: Named, hint: AnnotateHint): V {
  const how = `. To retry what failed: ${annotateCommand(task, hint, RETRY_REQUESTED_ANNOTATION)}`;
  return { ...verdict, message: sanitiseText(verdict.message, MAX_MESSAGE - how.length) + how };
}

/** What a person does to give an annotation a new value. */
export function annotateCommand(
  { metadata: { namespace, name } }: Named,
  hint: AnnotateHint,
  annotation: string,
): string {
  return hint === 'kubectl'
    ? `kubectl -n ${namespace} annotate replicatask ${name} ${annotation}="$(date +%s)" --overwrite`
    : `give the annotation ${annotation} of ReplicaTask ${name} a new value in its file`;
}

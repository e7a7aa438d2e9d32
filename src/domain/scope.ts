/** Which objects this installation looks after (design §2, "Scope"). Pure. */
import { INSTANCE_LABEL } from '../api/names.ts';
import type { ObjectMeta } from '../api/object.ts';

export interface Scope {
  /** Empty = all. */
  readonly watchNamespaces: readonly string[];
  /** Undefined = objects without the label. */
  readonly instance: string | undefined;
}

export function isInScope(meta: Pick<ObjectMeta, 'namespace' | 'labels'>, scope: Scope): boolean {
  if (meta.labels?.[INSTANCE_LABEL] !== scope.instance) return false;
  return scope.watchNamespaces.length === 0 || scope.watchNamespaces.includes(meta.namespace);
}

/** Two installations that serve the same scope must compete for the same lease, others must not. */
export function scopeText(scope: Scope): string {
  return [scope.instance ?? '', ...new Set(scope.watchNamespaces.toSorted())].join('\n');
}

/** What is said about an object that another installation looks after; undefined = it is free, or ours. */
export function servedByOther(servedBy: string | undefined, installationId: string): string | undefined {
  if (servedBy === undefined || servedBy === installationId) return undefined;
  return `installation ${servedBy} looks after this object, installation ${installationId} leaves it alone; to hand it over, take it out of the scope of ${servedBy}, then remove status.servedBy (kubectl patch --subresource=status)`;
}

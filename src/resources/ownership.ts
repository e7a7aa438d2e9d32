/**
 * Who looks after an object or its fields, by the marks that deployment tools leave: labels and annotations that track
 * an object, and the managers of its fields. Pure.
 *
 * A tracked object belongs to its tool as a whole. Without marks, a field belongs to the tool whose manager owns it, a
 * part of it, or the list that it is in.
 */
import type { KubeObjectMeta, ManagedFields } from '../kube/object.ts';
import type { Owner } from './editor.ts';

type Marks = Pick<KubeObjectMeta, 'labels' | 'annotations'>;
type Tool = Exclude<Owner['tool'], 'directory'>;

const ARGO_TRACKING = 'argocd.argoproj.io/tracking-id';
const ARGO_INSTANCE = 'argocd.argoproj.io/instance';
/** ArgoCD's usual tracking label; Helm charts set it, too. */
const INSTANCE = 'app.kubernetes.io/instance';
const MANAGED_BY = 'app.kubernetes.io/managed-by';
const HELM_RELEASE = 'meta.helm.sh/release-name';
const FLUX_KUSTOMIZE = 'kustomize.toolkit.fluxcd.io';
const FLUX_HELM = 'helm.toolkit.fluxcd.io';

/** Field managers, by the names under which the tools apply. */
const MANAGERS: ReadonlyMap<string, Tool> = new Map<string, Tool>([
  ['argocd-controller', 'ArgoCD'],
  ['argocd-application-controller', 'ArgoCD'],
  ['kustomize-controller', 'Flux'],
  ['helm-controller', 'Flux'],
  ['helm', 'Helm'],
]);

/** By tracking marks. */
export function trackedBy({ labels = {}, annotations = {} }: Marks): Owner | undefined {
  const tracking = annotations[ARGO_TRACKING];
  if (tracking !== undefined) return argo(tracking.split(':', 1)[0] ?? '');
  if (labels[ARGO_INSTANCE] !== undefined) return argo(labels[ARGO_INSTANCE]);
  for (const [prefix, kind] of [
    [FLUX_KUSTOMIZE, 'Kustomization'],
    [FLUX_HELM, 'HelmRelease'],
  ] as const) {
    const name = labels[`${prefix}/name`];
    if (name !== undefined) return flux(kind, labels[`${prefix}/namespace`], name);
  }
  const release = annotations[HELM_RELEASE];
  if (release !== undefined || labels[MANAGED_BY] === 'Helm') return helm(release ?? labels[INSTANCE] ?? '');
  return labels[INSTANCE] === undefined ? undefined : argo(labels[INSTANCE]);
}

/** By the managers of fields; `path` as `['spec', 'setting', 'rateLimit']`. */
export function managedBy(managedFields: readonly ManagedFields[], path: readonly string[]): Owner | undefined {
  for (const { manager, fieldsV1, subresource } of managedFields) {
    const tool = manager === undefined ? undefined : MANAGERS.get(manager);
    if (tool === undefined || subresource !== undefined || !holds(fieldsV1, path)) continue;
    return tool === 'ArgoCD' ? argo('') : tool === 'Flux' ? flux('Kustomization', undefined, '') : helm('');
  }
  return undefined;
}

/**
 * Whether the set of fields has the path, something below it, or a leaf above it: lists and maps that are replaced whole
 * are leaves, written as an empty object.
 */
function holds(fields: unknown, path: readonly string[]): boolean {
  let node = fields;
  for (const name of path) {
    if (!isSet(node)) return false;
    const members = Object.keys(node).filter((key) => key !== '.');
    // A leaf, and not the root: all that is below it is one value.
    if (members.length === 0) return node !== fields;
    node = node[`f:${name}`];
    if (node === undefined) return false;
  }
  return isSet(node);
}

function isSet(node: unknown): node is Readonly<Record<string, unknown>> {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

function argo(application: string): Owner {
  return { tool: 'ArgoCD', application, where: `the Git repository of ${named('ArgoCD application', application)}` };
}

function flux(kind: 'Kustomization' | 'HelmRelease', namespace: string | undefined, name: string): Owner {
  const application = namespace === undefined ? name : `${namespace}/${name}`;
  return { tool: 'Flux', application, where: `the Git repository of ${named(`Flux ${kind}`, application)}` };
}

function helm(release: string): Owner {
  return { tool: 'Helm', application: release, where: `the values of ${named('Helm release', release)}` };
}

function named(what: string, name: string): string {
  return name === '' ? `its ${what}` : `${what} ${name}`;
}

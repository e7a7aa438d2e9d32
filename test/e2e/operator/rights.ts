/** What an account was granted by the rules that are stored, and what it used by the API server's audit log. */
import type { AuditEvent } from '../../support/audit-log.ts';

export interface Right {
  readonly verb: string;
  /** `group/resource` or `group/resource/subresource`; the core group is empty. */
  readonly resource: string;
  /** `*` = all. */
  readonly namespace: string;
  /** `*` = all. */
  readonly name: string;
}

/** A request as a right; an empty namespace or name is one that the request does not name. */
export interface Request extends Right {
  /** Refused for lack of rights, not by an admission plugin. */
  readonly denied: boolean;
}

interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

interface Binding {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly roleRef: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

interface List<T> {
  readonly items: readonly T[];
}

/** Of the bindings that name the account itself; those of all accounts (discovery) are not of what is shipped. */
export async function grantsOf(
  kubectl: (args: readonly string[]) => Promise<string>,
  account: string,
): Promise<readonly Right[]> {
  const list = async <T>(kind: string): Promise<readonly T[]> =>
    (JSON.parse(await kubectl(['get', kind, '--all-namespaces', '-o', 'json'])) as List<T>).items;
  const roles = new Map<string, readonly Rule[]>();
  type Role = { readonly kind: string; readonly metadata: Binding['metadata']; readonly rules: readonly Rule[] | null };
  for (const { kind, metadata, rules } of [...(await list<Role>('clusterroles')), ...(await list<Role>('roles'))])
    roles.set(`${kind}/${metadata.namespace ?? ''}/${metadata.name}`, rules ?? []);
  const bindings = [...(await list<Binding>('clusterrolebindings')), ...(await list<Binding>('rolebindings'))];
  return bindings
    .filter(({ subjects = [] }) =>
      subjects.some(({ namespace, name }) => `system:serviceaccount:${namespace}:${name}` === account),
    )
    .flatMap(({ metadata: { namespace = '' }, roleRef: { kind, name } }) => {
      const rules = roles.get(`${kind}/${kind === 'Role' ? namespace : ''}/${name}`) ?? [];
      return rules.flatMap((rule) => rightsOf(rule, namespace === '' ? '*' : namespace));
    });
}

function rightsOf({ apiGroups = [], resources = [], resourceNames = ['*'], verbs }: Rule, namespace: string): Right[] {
  return apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) =>
        resourceNames.map((name) => ({ verb, resource: `${group}/${resource}`, namespace, name })),
      ),
    ),
  );
}

/** Requests for resources, each kind of request once. */
export function requestsOf(audit: readonly AuditEvent[], account: string): readonly Request[] {
  const requests = new Map<string, Request>();
  for (const { user, verb, objectRef, annotations } of audit) {
    if (user.username !== account || objectRef === undefined) continue;
    const { apiGroup = '', resource = '', subresource, namespace = '', name = '' } = objectRef;
    const request = {
      verb,
      resource: [`${apiGroup}/${resource}`, ...(subresource === undefined ? [] : [subresource])].join('/'),
      namespace,
      name,
      denied: annotations?.['authorization.k8s.io/decision'] !== 'allow',
    };
    requests.set(JSON.stringify(request), request);
  }
  return [...requests.values()];
}

export function uncovered(requests: readonly Request[], grants: readonly Right[]): readonly Request[] {
  return requests.filter((request) => !grants.some((grant) => covers(grant, request)));
}

/** Grants that no request needed; one for all namespaces is needed by requests to all, or to more than one. */
export function unused(grants: readonly Right[], requests: readonly Request[]): readonly Right[] {
  return grants.filter((grant) => {
    const namespaces = new Set(requests.filter((request) => covers(grant, request)).map(({ namespace }) => namespace));
    return grant.namespace === '*' ? !namespaces.has('') && namespaces.size < 2 : namespaces.size === 0;
  });
}

function covers(grant: Right, request: Right): boolean {
  return (
    grant.verb === request.verb &&
    grant.resource === request.resource &&
    (grant.namespace === '*' || grant.namespace === request.namespace) &&
    (grant.name === '*' || grant.name === request.name)
  );
}

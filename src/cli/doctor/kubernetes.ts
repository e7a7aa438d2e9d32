/** The API server: reached, serving our kinds new enough, and granting the operator's account what it does. */
import { CLUSTER_PLURAL, GROUP, REPLICA_TASK_PLURAL } from '../../api/names.ts';
import { installedSchemaLacks } from '../../compose/installed-schema.ts';
import { leaseName } from '../../compose/operator.ts';
import type { Config } from '../../config.ts';
import { selfSubjectAccessReview, subjectAccessReview } from '../../kube/access-review.ts';
import type { Transport } from '../../kube/transport.ts';
import { SECRET_READER } from '../../resources/kube-errors.ts';
import { type Check, type Finding, ok } from './check.ts';
import type { Patient } from './patient.ts';

export interface KubernetesChecksOptions {
  readonly config: Config;
  readonly transport: Transport;
  readonly ownNamespace: string;
  /** `NAMESPACE/NAME` of a ServiceAccount whose rights are looked at; default: the caller's. */
  readonly account: string | undefined;
  readonly patient: Patient;
}

interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  /** undefined = all. */
  readonly namespace?: string;
  readonly name?: string;
}

interface Rights {
  readonly rights: readonly Right[];
  /** What gives them. */
  readonly remedy: string;
}

const CRDS = 'install the CustomResourceDefinitions of this release: kubectl apply -f crds/';

export function kubernetesChecks(options: KubernetesChecksOptions): readonly Check[] {
  const { transport } = options;
  return [
    {
      name: 'API server',
      remedy: 'check kubeconfig, context and network, and that the credentials are still valid',
      look: async (signal) => {
        const { gitVersion } = await transport.request<{ readonly gitVersion: string }>(
          { method: 'GET', path: '/version' },
          signal,
        );
        return ok(`${transport.serverUrl().href} is Kubernetes ${gitVersion}`);
      },
    },
    {
      name: 'CustomResourceDefinitions',
      remedy: CRDS,
      look: async (signal) => {
        const lacks = await installedSchemaLacks(transport, signal);
        if (lacks.length === 0) return ok('both kinds are served, with all fields that this program needs');
        return lacks.map((message) => ({ result: 'failed', message, remedy: CRDS }));
      },
    },
    {
      name: 'rights',
      remedy: 'check that the API server may be asked',
      look: (signal) => lookAtRights(options, signal),
    },
  ];
}

async function lookAtRights(
  options: KubernetesChecksOptions,
  signal: AbortSignal,
): Promise<readonly Omit<Finding, 'check'>[]> {
  const { account } = options;
  const whose = account === undefined ? 'the account of this kubeconfig' : `ServiceAccount ${account}`;
  const groups = [...operatorRights(options), ...(await secretRights(options, signal)), ...restRights(options)];
  const found = await Promise.all(
    groups.map(async ({ rights, remedy }) => {
      const answers = await Promise.all(
        rights.map(async (right) => ({ right, allowed: await allowed(options, right, signal) })),
      );
      return answers
        .filter((answer) => !answer.allowed)
        .map(({ right }) => ({ result: 'failed' as const, message: `${whose} may not ${rightText(right)}`, remedy }));
    }),
  );
  const count = groups.flatMap(({ rights }) => rights).length;
  return found.flat().length > 0 ? found.flat() : [ok(`${whose} has all ${count} rights that were asked for`)];
}

function operatorRights({ config, ownNamespace }: KubernetesChecksOptions): readonly Rights[] {
  const served = config.watchNamespaces.length === 0 ? [undefined] : config.watchNamespaces;
  const inServed = (right: Omit<Right, 'namespace'>): readonly Right[] =>
    served.map((namespace) => ({ ...right, ...(namespace === undefined ? {} : { namespace }) }));
  const ours = (plural: string, verbs: readonly string[], subresource?: string): readonly Right[] =>
    verbs.flatMap((verb) =>
      inServed({ verb, group: GROUP, resource: plural, ...(subresource === undefined ? {} : { subresource }) }),
    );
  const lease = { group: 'coordination.k8s.io', resource: 'leases', namespace: ownNamespace };
  return [
    {
      rights: [
        ...ours(CLUSTER_PLURAL, ['list', 'watch', 'patch']),
        ...ours(REPLICA_TASK_PLURAL, ['list', 'watch']),
        ...ours(CLUSTER_PLURAL, ['patch'], 'status'),
        ...ours(REPLICA_TASK_PLURAL, ['patch'], 'status'),
        ...['create', 'patch'].flatMap((verb) => inServed({ verb, group: 'events.k8s.io', resource: 'events' })),
      ],
      remedy: 'bind the ClusterRole bkrepo-replicator to it (deploy/kustomize/base/rbac.yaml)',
    },
    {
      rights: [
        { ...lease, verb: 'create' },
        { ...lease, verb: 'get', name: leaseName(config) },
        { ...lease, verb: 'update', name: leaseName(config) },
      ],
      remedy: `bind the Role bkrepo-replicator-leader to it in namespace ${ownNamespace}; its rule names the lease ${leaseName(config)}`,
    },
  ];
}

/** In each namespace that has a Cluster with credentials or a private authority. */
async function secretRights({ patient }: KubernetesChecksOptions, signal: AbortSignal): Promise<readonly Rights[]> {
  // Without the right to list them nothing is known of theirs; that right is asked for above.
  const clusters = await patient.clusters(signal).catch(() => []);
  signal.throwIfAborted();
  const namespaces = [...new Set(clusters.map(({ metadata }) => metadata.namespace))];
  return namespaces.map((namespace) => ({
    rights: ['secrets', 'configmaps'].map((resource) => ({ verb: 'get', group: '', resource, namespace })),
    remedy: `kubectl -n ${namespace} create rolebinding ${SECRET_READER} --clusterrole=${SECRET_READER} --serviceaccount=NAMESPACE:NAME (of the operator)`,
  }));
}

function restRights({ config, ownNamespace }: KubernetesChecksOptions): readonly Rights[] {
  if (!config.rest.enabled) return [];
  const namespaces = [
    ...new Set([config.rest.namespace ?? ownNamespace, ...config.rest.projects.map(({ namespace }) => namespace)]),
  ];
  return [
    {
      rights: namespaces.flatMap((namespace) => [
        ...[CLUSTER_PLURAL, REPLICA_TASK_PLURAL].flatMap((resource) =>
          ['get', 'create', 'patch', 'delete'].map((verb) => ({ verb, group: GROUP, resource, namespace })),
        ),
        ...['create', 'update'].map((verb) => ({ verb, group: '', resource: 'secrets', namespace })),
      ]),
      remedy: 'bind the ClusterRole bkrepo-replicator-rest to it there (deploy/kustomize/components/rest/rbac.yaml)',
    },
    {
      rights:
        config.rest.tokens.enabled === false
          ? []
          : [
              { verb: 'create', group: 'authentication.k8s.io', resource: 'tokenreviews' },
              { verb: 'create', group: 'authorization.k8s.io', resource: 'subjectaccessreviews' },
            ],
      remedy: 'bind the ClusterRole system:auth-delegator to it, or set rest.tokens.enabled to false',
    },
  ];
}

async function allowed(
  { transport, account }: KubernetesChecksOptions,
  right: Right,
  signal: AbortSignal,
): Promise<boolean> {
  if (account === undefined) return await selfSubjectAccessReview(transport, right, signal);
  const [namespace = '', name = ''] = account.split('/');
  const user = {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: {},
  };
  return await subjectAccessReview(transport, user, right, signal);
}

function rightText({ verb, group, resource, subresource, namespace, name }: Right): string {
  const kind = [
    group === '' ? resource : `${resource}.${group}`,
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');
  const which = name === undefined ? '' : ` ${name}`;
  return `${verb} ${kind}${which} in ${namespace === undefined ? 'all namespaces' : `namespace ${namespace}`}`;
}

/** The REST shim of an operator: edits by the API server, and asks it about callers. Standbys serve it, too. */
import { compileAdmission } from '../api/validate.ts';
import type { Journal } from '../journal/journal.ts';
import type { Transport } from '../kube/transport.ts';
import { createKubernetesEditor } from '../resources/kubernetes-editor.ts';
import type { ResourceStore } from '../resources/store.ts';
import { kubernetesAccessReview } from './access-review.ts';
import type { Ambience } from './installation.ts';
import { createRestPart, type RestPart } from './rest.ts';
import { openRestAuthenticator } from './rest-authenticator.ts';

export interface OperatorRestOptions extends Ambience {
  readonly transport: Transport;
  readonly store: ResourceStore;
  readonly journal: Journal;
  readonly ownNamespace: string;
  readonly apiServers: readonly string[];
}

export function operatorRest(options: OperatorRestOptions): RestPart {
  const { config, transport, store, clock, logger } = options;
  const { instance } = config;
  return createRestPart({
    ...options,
    editor: createKubernetesEditor({ transport, store, clock, ...(instance === undefined ? {} : { instance }) }),
    records: options.journal,
    admit: compileAdmission(),
    openAuthenticator: async (signal) =>
      await openRestAuthenticator({ config, review: kubernetesAccessReview(transport), clock, logger }, signal),
  });
}

/** A real API server that serves our CRDs, and a client that is told what it thinks of an object. */
import { fileURLToPath } from 'node:url';
import { kubeConfigLoader } from '../../../src/kube/config.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import { Transport } from '../../../src/kube/transport.ts';
import { type Kubernetes, startKubernetes } from '../../support/kubernetes.ts';

export interface Verdict {
  /** HTTP status. */
  readonly status: number;
  /** Fields that the server blames. */
  readonly fields: readonly string[];
  readonly message: string;
  /** The object as stored, when it was taken. */
  readonly object?: { readonly spec: unknown; readonly status?: unknown };
}

export interface ApiServer extends AsyncDisposable {
  readonly kubernetes: Kubernetes;
  /** Offers an object for creation, strictly, without storing it. */
  offer(plural: string, object: unknown): Promise<Verdict>;
}

export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

export async function startApiServer(): Promise<ApiServer> {
  const kubernetes = await startKubernetes();
  await kubernetes.kubectl(['apply', '-f', `${PROJECT}crds`]);
  await kubernetes.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  const transport = new Transport({ load: kubeConfigLoader({ kubeconfig: kubernetes.kubeconfig }) });
  return {
    kubernetes,
    offer: async (plural, object) => {
      const path = `/apis/replication.bkrepo.io/v1alpha1/namespaces/default/${plural}`;
      const query = { dryRun: 'All', fieldValidation: 'Strict' };
      try {
        const taken = await transport.request<NonNullable<Verdict['object']>>(
          { method: 'POST', path, query, body: object },
          AbortSignal.timeout(30_000),
        );
        return { status: 201, fields: [], message: '', object: taken };
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        return { status: error.code, fields: blamed(error), message: error.message };
      }
    },
    [Symbol.asyncDispose]: async () => {
      await transport.close();
      await kubernetes.stop();
    },
  };
}

/** An unknown field is told in words only, the others as causes. */
function blamed(error: KubeError): readonly string[] {
  const unknown = [...error.message.matchAll(/unknown field "([^"]+)"/g)].map(([, field]) => field ?? '');
  const causes = error.causes.map(({ field }) => field).filter((field) => field !== '' && field !== '<nil>');
  return [...new Set([...unknown, ...causes])].sort();
}

import type { KubeObject } from '../../../src/kube/object.ts';
import type { Kubernetes } from '../../support/kubernetes.ts';

/** A kind of these tests' own: the room under test knows no kind of the project. */
export interface Widget extends KubeObject {
  readonly spec?: { readonly size?: number; readonly note?: string };
  readonly status?: { readonly phase?: string };
}

export const WIDGETS = { group: 'test.example', version: 'v1', plural: 'widgets', kind: 'Widget' };

const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.test.example' },
  spec: {
    group: 'test.example',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  size: { type: 'integer', maximum: 1000 },
                  note: { type: 'string' },
                  parts: {
                    type: 'array',
                    items: { type: 'object', properties: { name: { type: 'string' } } },
                  },
                  labels: {
                    type: 'object',
                    additionalProperties: { type: 'object', properties: { value: { type: 'string' } } },
                  },
                },
              },
              status: { type: 'object', properties: { phase: { type: 'string' } } },
            },
          },
        },
      },
    ],
  },
};

/** Serves the kind and waits until it is. */
export async function installWidgets(kubernetes: Kubernetes): Promise<void> {
  await kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(CRD) });
  await kubernetes.kubectl(['wait', '--for=condition=Established', 'crd/widgets.test.example', '--timeout=30s']);
}

export function widget(name: string, spec: NonNullable<Widget['spec']> = {}): object {
  return { apiVersion: 'test.example/v1', kind: 'Widget', metadata: { name }, spec };
}

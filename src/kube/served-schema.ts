import { isForbidden, isNotFound } from './errors.ts';
import type { ResourceType } from './object.ts';
import type { Transport } from './transport.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly kind: string }[];
}

interface OpenApi {
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

/**
 * Compares what the server serves of a kind with what the program needs, and returns the lacks in words; none = empty.
 * A path names fields by dots, the entries of a list by `[]`: `spec.replicaTaskObjects[].repoType`. Every account that
 * can log in may ask this. Other failures than a missing kind or right are thrown as `KubeError`.
 */
export async function servedSchemaLacks(
  transport: Transport,
  type: ResourceType,
  needed: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { group, version, kind, plural } = type;
  const crd = `${plural}.${group}`;
  let document: OpenApi;
  try {
    document = await transport.request<OpenApi>(
      { method: 'GET', path: `/openapi/v3/apis/${group}/${version}` },
      signal,
    );
  } catch (error) {
    if (isNotFound(error))
      return [`the API server serves no ${group}/${version}: install the CustomResourceDefinition ${crd}`];
    if (isForbidden(error)) return [`the schema of ${crd} may not be read (/openapi/v3): bind system:discovery`];
    throw error;
  }
  const schemas = document.components?.schemas ?? {};
  const root = Object.values(schemas).find((schema) =>
    schema['x-kubernetes-group-version-kind']?.some((gvk) => gvk.group === group && gvk.kind === kind),
  );
  if (root === undefined)
    return [
      `the API server serves ${group}/${version} without kind ${kind}: install the CustomResourceDefinition ${crd}`,
    ];
  return needed
    .filter((path) => !hasPath(root, path.split('.'), schemas))
    .map(
      (path) =>
        `${crd} ${version} has no field ${path}: the installed CustomResourceDefinition is older than the program`,
    );
}

function hasPath(schema: Schema, parts: readonly string[], schemas: Readonly<Record<string, Schema>>): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return true;
  const list = part.endsWith('[]');
  const name = list ? part.slice(0, -2) : part;
  const field = fieldOf(resolve(schema, schemas), name);
  if (field === undefined) return false;
  const next = list ? resolve(field, schemas).items : field;
  return next !== undefined && hasPath(next, rest, schemas);
}

function fieldOf(schema: Schema, name: string): Schema | undefined {
  const field = schema.properties?.[name];
  if (field !== undefined) return field;
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** Follows references, as the server writes them for metadata: `$ref`, or `allOf` with one. */
function resolve(schema: Schema, schemas: Readonly<Record<string, Schema>>): Schema {
  const reference = schema.$ref ?? schema.allOf?.find((part) => part.$ref !== undefined)?.$ref;
  const name = reference?.split('/').at(-1);
  return (name === undefined ? undefined : schemas[name]) ?? schema;
}

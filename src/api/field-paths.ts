import type { Schema } from './schema.ts';

/**
 * Every field below `spec` and `status`, as `spec.replicaTaskObjects[].repoType`: what the program needs of the definition
 * that an API server serves.
 */
export function fieldPaths(schema: Schema): readonly string[] {
  const { spec, status } = schema.properties ?? {};
  return [...pathsBelow('spec', spec), ...pathsBelow('status', status)];
}

function pathsBelow(path: string, schema: Schema | undefined): readonly string[] {
  if (schema === undefined) return [];
  if (schema.items !== undefined) return pathsBelow(`${path}[]`, schema.items);
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return [path];
  return properties.flatMap(([key, property]) => pathsBelow(`${path}.${key}`, property));
}

/**
 * JSON Schemas (2020-12) of requests and answers, from which requests are checked and the API is described. Enums and
 * upper bounds are those of the CRDs. Lower bounds and emptiness are not here: bk-repo has codes of their own for them,
 * which the mapping answers.
 */
import { isObject, type Schema } from '../../api/schema.ts';
import { SCHEMAS } from '../../api/schemas.gen.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export function text(description: string, more: JsonSchema = {}): JsonSchema {
  return { type: 'string', description, ...more };
}

export function flag(description: string, more: JsonSchema = {}): JsonSchema {
  return { type: 'boolean', description, ...more };
}

export function integer(description: string, more: JsonSchema = {}): JsonSchema {
  return { type: 'integer', description, ...more };
}

export function list(description: string, items: JsonSchema, more: JsonSchema = {}): JsonSchema {
  return { type: 'array', description, items, ...more };
}

/** An object whose fields must be there, except those made by {@link optional}. */
export function object(
  description: string,
  properties: Readonly<Record<string, JsonSchema>>,
  more: JsonSchema = {},
): JsonSchema {
  const required = Object.entries(properties)
    .filter(([, property]) => !takesNull(property))
    .map(([name]) => name);
  return { type: 'object', description, ...(required.length === 0 ? {} : { required }), properties, ...more };
}

/** An object of an answer: all its fields are there, null or not. */
export function answer(
  description: string,
  properties: Readonly<Record<string, JsonSchema>>,
  more: JsonSchema = {},
): JsonSchema {
  return { ...object(description, properties, more), required: Object.keys(properties) };
}

/** May be null or, in a request, absent. */
export function optional(schema: JsonSchema): JsonSchema {
  return {
    ...schema,
    type: [schema['type'], 'null'],
    ...(Array.isArray(schema['enum']) ? { enum: [...schema['enum'], null] } : {}),
  };
}

function takesNull(schema: JsonSchema): boolean {
  return Array.isArray(schema['type']) && schema['type'].includes('null');
}

/** Of a query: may be left out; the text of a query is never null. */
export function query(description: string, properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return { type: 'object', description, properties };
}

/** What of a CRD's field a request has in common with it. */
const SHARED = ['enum', 'maxLength', 'maxItems', 'minimum', 'maximum'] as const;

/** Enum and bounds of a field of a kind's spec, e.g. `replicaTaskObjects[].repoType`, without the named ones. */
export function boundsOf(
  kind: keyof typeof SCHEMAS,
  path: string,
  except: readonly (typeof SHARED)[number][] = [],
): JsonSchema {
  const field = path
    .split('.')
    .flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), '[]'] : [part]))
    .reduce(step, SCHEMAS[kind].properties.spec);
  if (!isObject(field)) throw new Error(`the schema of ${kind} has no field ${path}`);
  return Object.fromEntries(
    SHARED.filter((key) => !except.includes(key) && field[key] !== undefined).map((key) => [key, field[key]]),
  );
}

function step(schema: Schema, part: string): Schema {
  const next = part === '[]' ? schema.items : schema.properties?.[part];
  if (next === undefined) throw new Error(`the schema has no field ${part}`);
  return next;
}

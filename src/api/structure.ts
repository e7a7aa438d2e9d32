/** Types, bounds, patterns and unknown fields: what of a CRD's schema is plain JSON Schema, checked by ajv. */
import { Ajv, type ErrorObject } from 'ajv';
import { type FieldError, invalidValue, quoted } from './field-error.ts';
import { isObject, type Schema } from './schema.ts';

export type StructureCheck = (value: unknown) => readonly FieldError[];

/** Errors told at most; a document made to have more is wrong anyway. */
const MAX_ERRORS = 100;

/** @param root Name of the value in error texts, e.g. `spec`. */
export function compileStructure(root: string, schema: Schema): StructureCheck {
  const ajv = new Ajv({
    allErrors: true,
    verbose: true,
    allowUnionTypes: false,
    // Bounds of int32 and int64 are in the schema; date-time occurs in status only, which people do not write.
    formats: { int32: true, int64: true, 'date-time': true },
  });
  const validate = ajv.compile(jsonSchema(schema));
  return (value) => {
    if (validate(value)) return [];
    return (validate.errors ?? []).slice(0, MAX_ERRORS).map((error) => fieldError(root, error));
  };
}

/** OpenAPI 3 to JSON Schema: no unknown fields, lists of type set are unique, Kubernetes' own keywords left out. */
function jsonSchema(schema: Schema): Record<string, unknown> {
  const plain = Object.entries(schema).filter(([key]) => !key.startsWith('x-kubernetes-') && key !== 'default');
  const converted: Record<string, unknown> = Object.fromEntries(plain);
  if (schema.properties !== undefined) {
    converted['properties'] = Object.fromEntries(
      Object.entries(schema.properties).map(([key, property]) => [key, jsonSchema(property)]),
    );
    converted['additionalProperties'] = false;
  }
  if (schema.items !== undefined) converted['items'] = jsonSchema(schema.items);
  if (schema['x-kubernetes-list-type'] === 'set') converted['uniqueItems'] = true;
  return converted;
}

function fieldError(root: string, error: ErrorObject): FieldError {
  const field = fieldOf(root, error.instancePath);
  const limit = String(error.params['limit']);
  switch (error.keyword) {
    case 'required':
      return { field: `${field}.${String(error.params['missingProperty'])}`, message: 'Required value' };
    case 'additionalProperties': {
      const name = `${field}.${String(error.params['additionalProperty'])}`;
      return { field: name, message: `unknown field ${quoted(name)}` };
    }
    case 'enum': {
      const supported = (error.params['allowedValues'] as readonly unknown[]).map(quoted).join(', ');
      return { field, message: `Unsupported value: ${quoted(error.data)}: supported values: ${supported}` };
    }
    case 'type': {
      const detail = `${field} in body must be of type ${String(error.params['type'])}: ${quoted(typeName(error.data))}`;
      return invalidValue(field, error.data, detail);
    }
    case 'pattern':
      return invalidValue(field, error.data, `${field} in body should match '${String(error.params['pattern'])}'`);
    case 'minimum':
      return invalidValue(field, error.data, `${field} in body should be greater than or equal to ${limit}`);
    case 'maximum':
      return invalidValue(field, error.data, `${field} in body should be less than or equal to ${limit}`);
    case 'minLength':
      return invalidValue(field, error.data, `${field} in body should be at least ${limit} chars long`);
    case 'maxLength':
      return { field, message: `Too long: may not be more than ${limit} characters` };
    case 'minItems':
      return invalidValue(field, error.data, `${field} in body should have at least ${limit} items`);
    case 'maxItems':
      return { field, message: `Too many: must have at most ${limit} items` };
    case 'uniqueItems': {
      const index = Math.max(Number(error.params['i']), Number(error.params['j']));
      const items = error.data as readonly unknown[];
      return { field: `${field}[${index}]`, message: `Duplicate value: ${quoted(items[index])}` };
    }
    default:
      return invalidValue(field, error.data, error.message ?? error.keyword);
  }
}

/** `/replicaTaskObjects/0/repoType` → `spec.replicaTaskObjects[0].repoType`. */
function fieldOf(root: string, pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : `${path}.${part}`), root);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return isObject(value) ? 'object' : typeof value;
}

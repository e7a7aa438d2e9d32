/**
 * The CEL rules of a CRD, evaluated as the API server does: on an object whose structure is right; a rule that speaks of
 * `oldSelf` only where there is an old value. A rule that cannot be evaluated counts as broken.
 */
import { Environment } from '@marcbachmann/cel-js';
import { type FieldError, invalidValue } from './field-error.ts';
import { isObject, type Schema } from './schema.ts';

export type RuleCheck = (value: unknown, old: unknown) => readonly FieldError[];

/** @param root Name of the value in error texts, e.g. `spec`. Fails when a rule is not valid CEL. */
export function compileRules(root: string, schema: Schema): RuleCheck {
  const environment = new Environment({ unlistedVariablesAreDyn: true, enableOptionalTypes: true });
  const check = compileNode(environment, schema);
  return (value, old) => {
    const errors: FieldError[] = [];
    check(root, value, old, errors);
    return errors;
  };
}

type NodeCheck = (field: string, value: unknown, old: unknown, errors: FieldError[]) => void;

function compileNode(environment: Environment, schema: Schema): NodeCheck {
  const rules = (schema['x-kubernetes-validations'] ?? []).map((rule) => ({
    holds: environment.parse(rule.rule),
    message: rule.message,
    fieldPath: rule.fieldPath ?? '',
    transition: /\boldSelf\b/.test(rule.rule),
  }));
  const properties = Object.entries(schema.properties ?? {}).map(
    ([key, property]) => [key, compileNode(environment, property)] as const,
  );
  const items = schema.items === undefined ? undefined : compileNode(environment, schema.items);

  return (field, value, old, errors) => {
    for (const rule of rules) {
      if (rule.transition && old === undefined) continue;
      const context = { self: celValue(value), ...(old === undefined ? {} : { oldSelf: celValue(old) }) };
      const broken = evaluate(rule.holds, context, rule.message);
      if (broken !== undefined)
        errors.push(invalidValue(field + rule.fieldPath, valueAt(value, rule.fieldPath), broken));
    }
    if (isObject(value)) {
      for (const [key, check] of properties) {
        if (Object.hasOwn(value, key))
          check(`${field}.${key}`, value[key], isObject(old) ? old[key] : undefined, errors);
      }
    }
    // Items of atomic lists have no old counterpart, so transition rules below them are not evaluated.
    if (items !== undefined && Array.isArray(value)) {
      for (const [index, item] of value.entries()) items(`${field}[${index}]`, item, undefined, errors);
    }
  };
}

function evaluate(holds: (context: object) => unknown, context: object, message: string): string | undefined {
  try {
    return holds(context) === true ? undefined : message;
  } catch (error) {
    return `${message} (${error instanceof Error ? error.message : String(error)})`;
  }
}

/** CEL's int is a BigInt here; our schemas have no other numbers. */
function celValue(value: unknown): unknown {
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) return value.map(celValue);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, celValue(member)]));
  return value;
}

function valueAt(value: unknown, fieldPath: string): unknown {
  return fieldPath
    .split('.')
    .filter((part) => part !== '')
    .reduce<unknown>((node, part) => (isObject(node) ? node[part] : undefined), value);
}

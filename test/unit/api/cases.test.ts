import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRules } from '../../../src/api/rules.ts';
import { isObject, type Schema, withDefaults } from '../../../src/api/schema.ts';
import { SCHEMAS } from '../../../src/api/schemas.gen.ts';
import { compileStructure } from '../../../src/api/structure.ts';
import { CASES } from './cases.ts';

/** A schema that lacks one constraint, and which. */
interface Lack {
  readonly lost: string;
  readonly schema: Schema;
}

const CONSTRAINTS: ReadonlySet<string> = new Set([
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
]);

/** Constraints that others imply: a rule refuses the field too, or the pattern bounds the text. */
const IMPLIED: ReadonlySet<string> = new Set([
  'spec required "url"',
  'spec.setting.executionPlan.executeTime maxLength',
]);

/** Each copy of the schema lacks one bound, one enum, one pattern, one required field or one rule. */
function* lacks(path: string, node: unknown): Generator<{ readonly lost: string; readonly node: unknown }> {
  if (!isObject(node)) return;
  for (const [key, value] of Object.entries(node)) {
    const { [key]: _, ...rest } = node;
    if (CONSTRAINTS.has(key)) yield { lost: `${path} ${key}`, node: rest };
    else if (key === 'x-kubernetes-list-type' && value === 'set') yield { lost: `${path} set`, node: rest };
    else if (Array.isArray(value) && (key === 'required' || key === 'x-kubernetes-validations')) {
      for (const index of value.keys()) {
        const lost = `${path} ${key} ${JSON.stringify(value[index])}`;
        yield { lost, node: { ...node, [key]: value.toSpliced(index, 1) } };
      }
    } else if (key === 'items') {
      for (const inner of lacks(`${path}[]`, value)) yield { ...inner, node: { ...node, items: inner.node } };
    } else if (key === 'properties' && isObject(value)) {
      for (const [name, property] of Object.entries(value)) {
        for (const inner of lacks(`${path}.${name}`, property)) {
          yield { ...inner, node: { ...node, properties: { ...value, [name]: inner.node } } };
        }
      }
    }
  }
}

/** Whether each case to be refused is refused for exactly the fields it says; a lack makes no other case refused. */
function agrees(kind: keyof typeof SCHEMAS, schema: Schema): boolean {
  const structure = compileStructure('spec', schema);
  const rules = compileRules('spec', schema);
  return CASES.filter((entry) => entry.kind === kind && entry.refused !== undefined).every(({ spec, refused }) => {
    const value = withDefaults(schema, spec);
    const structural = structure(value);
    const errors = structural.length > 0 ? structural : rules(value, undefined);
    const fields = [...new Set(errors.map(({ field }) => field))].sort();
    return JSON.stringify(fields) === JSON.stringify([...(refused ?? [])].sort());
  });
}

for (const [kind, schema] of Object.entries(SCHEMAS) as [
  keyof typeof SCHEMAS,
  (typeof SCHEMAS)[keyof typeof SCHEMAS],
][]) {
  test(`the loss of any bound or rule of a ${kind} would be noticed by a case`, () => {
    const { spec } = schema.properties;
    assert.ok(agrees(kind, spec));
    const all = [...lacks('spec', spec)].map(({ lost, node }): Lack => ({ lost, schema: node as Schema }));
    assert.ok(all.length > 30);
    assert.deepEqual(
      all.filter(({ lost, schema: mutant }) => !IMPLIED.has(lost) && agrees(kind, mutant)).map(({ lost }) => lost),
      [],
    );
  });
}

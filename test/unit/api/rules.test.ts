import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRules } from '../../../src/api/rules.ts';
import type { SchemaRule } from '../../../src/api/schema.ts';

function check(rule: SchemaRule, value: unknown, old?: unknown): readonly string[] {
  const rules = compileRules('spec', { type: 'object', 'x-kubernetes-validations': [rule] });
  return rules(value, old).map(({ field, message }) => `${field}: ${message}`);
}

const UNCHANGED: SchemaRule = { rule: 'self.type == oldSelf.type', message: 'must not change', fieldPath: '.type' };

test('a rule of change is judged only where there is an old value', () => {
  assert.deepEqual(check(UNCHANGED, { type: 'a' }), []);
  assert.deepEqual(check(UNCHANGED, { type: 'a' }, { type: 'a' }), []);
  assert.deepEqual(check(UNCHANGED, { type: 'b' }, { type: 'a' }), ['spec.type: Invalid value: "b": must not change']);
});

test('numbers compare with CEL integers', () => {
  const rule = { rule: 'self.limit <= 3 && self.limit + 1 > 0', message: 'must be at most 3' };
  assert.deepEqual(check(rule, { limit: 3 }), []);
  assert.deepEqual(check(rule, { limit: 4 }), ['spec: Invalid value: {"limit":4}: must be at most 3']);
});

test('a rule that cannot be evaluated is broken', () => {
  const [error] = check({ rule: 'self.missing == 1', message: 'must be 1' }, {});
  assert.match(error ?? '', /must be 1 \(/);
});

test('a rule that is no CEL is found when it is compiled', () => {
  assert.throws(() => check({ rule: 'self..x', message: 'x' }, {}));
});

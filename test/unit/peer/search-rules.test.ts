import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { localTime, zoneOf } from '../../../src/lib/local-time.ts';
import { requiredValue, ruleFilter } from '../../../src/peer/search-rules.ts';

const TIME = localTime(zoneOf('+08:00'), 'counts');

suite('search rules', () => {
  const rules = [
    [{ field: 'name', value: 'a', operation: 'EQ' }, { name: { $eq: 'a' } }],
    [{ field: 'name', value: 'a' }, { name: { $eq: 'a' } }],
    [{ field: 'name', value: 'a', operation: 'NE' }, { name: { $ne: 'a' } }],
    [{ field: 'size', value: 5, operation: 'LT' }, { size: { $lt: 5 } }],
    [{ field: 'size', value: 5, operation: 'LTE' }, { size: { $lte: 5 } }],
    [{ field: 'size', value: 5, operation: 'GT' }, { size: { $gt: 5 } }],
    [{ field: 'size', value: 5, operation: 'GTE' }, { size: { $gte: 5 } }],
    [{ field: 'name', value: ['a', 'b'], operation: 'IN' }, { name: { $in: ['a', 'b'] } }],
    [{ field: 'name', value: ['a'], operation: 'NIN' }, { name: { $nin: ['a'] } }],
    [{ field: 'name', value: 'a.b', operation: 'PREFIX' }, { name: { $regex: '^a\\.b', $options: '' } }],
    [{ field: 'name', value: 'a+', operation: 'SUFFIX' }, { name: { $regex: 'a\\+$', $options: '' } }],
    [{ field: 'name', value: '(', operation: 'CONTAINS' }, { name: { $regex: '\\(', $options: '' } }],
    [{ field: 'name', value: '*.jar', operation: 'MATCH' }, { name: { $regex: '^.*\\.jar$', $options: '' } }],
    [{ field: 'name', value: 'x', operation: 'MATCH_I' }, { name: { $regex: '^x$', $options: 'i' } }],
    [{ field: 'name', value: 'a.b', operation: 'REGEX' }, { name: { $regex: 'a.b', $options: '' } }],
    [{ field: 'sha256', operation: 'NULL' }, { sha256: { $eq: null } }],
    [{ field: 'sha256', operation: 'NOT_NULL' }, { sha256: { $ne: null } }],
    [
      { field: 'createdDate', value: '2026-01-01T08:00:00', operation: 'BEFORE' },
      { createdDate: { $lt: new Date('2026-01-01T00:00:00Z') } },
    ],
    [
      { field: 'createdDate', value: '2026-01-01T08:00:00', operation: 'AFTER' },
      { createdDate: { $gt: new Date('2026-01-01T00:00:00Z') } },
    ],
    [
      { field: 'metadata.a.b', value: 'v', operation: 'EQ' },
      { metadata: { $elemMatch: { key: 'a.b', value: { $eq: 'v' } } } },
    ],
    [
      {
        rules: [
          { field: 'name', value: 'a' },
          { rules: [{ field: 'path', value: '/' }], relation: 'OR' },
        ],
      },
      { $and: [{ name: { $eq: 'a' } }, { $or: [{ path: { $eq: '/' } }] }] },
    ],
    [{ rules: [{ field: 'name', value: 'a' }], relation: 'NOR' }, { $nor: [{ name: { $eq: 'a' } }] }],
  ] as const;
  for (const [rule, filter] of rules)
    test(`${JSON.stringify(rule)}`, () => assert.deepEqual(ruleFilter(rule, TIME), filter));

  const refused = [
    ['a number is needed', { field: 'size', value: '5', operation: 'GT' }, 250106],
    ['an unknown operation', { field: 'name', value: 'a', operation: 'LIKE' }, 250106],
    ['an operator as a value', { field: 'name', value: { $gt: '' }, operation: 'EQ' }, 250106],
    ['an operator in a list', { field: 'name', value: [{ $gt: '' }], operation: 'IN' }, 250106],
    ['an operator as a field', { field: '$where', value: '1', operation: 'EQ' }, 250105],
    ['a field that may not be asked for', { field: 'deleted', operation: 'NOT_NULL' }, 250105],
    ['an unknown relation', { rules: [{ field: 'name', value: 'a' }], relation: 'XOR' }, 250106],
    ['a date that is none', { field: 'createdDate', value: 'now', operation: 'BEFORE' }, 250106],
    ['a pattern that is too long', { field: 'name', value: 'a'.repeat(2000), operation: 'REGEX' }, 250105],
    ['no rule', 'rule', 250106],
  ] as const;
  for (const [what, rule, code] of refused)
    test(`${what} is refused with ${code}`, () => assert.throws(() => ruleFilter(rule, TIME), { code }));

  test('rules may not be nested without end', () => {
    let rule: unknown = { field: 'name', value: 'a' };
    for (let depth = 0; depth < 20; depth += 1) rule = { rules: [rule] };
    assert.throws(() => ruleFilter(rule, TIME), { code: 250105 });
  });

  test('the project is what every answer must have', () => {
    const project = { field: 'projectId', value: 'p', operation: 'EQ' };
    assert.equal(requiredValue({ rules: [project], relation: 'AND' }, 'projectId'), 'p');
    assert.equal(requiredValue({ rules: [{ rules: [project] }] }, 'projectId'), 'p');
    assert.equal(requiredValue(project, 'projectId'), 'p');
    assert.equal(requiredValue({ rules: [project], relation: 'OR' }, 'projectId'), undefined);
    assert.equal(requiredValue({ rules: [{ ...project, operation: 'NE' }] }, 'projectId'), undefined);
  });
});

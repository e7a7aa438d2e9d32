import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldErrorText } from '../../../src/api/field-error.ts';
import { API_VERSION } from '../../../src/api/names.ts';
import { compileAdmission } from '../../../src/api/validate.ts';
import { CASES } from './cases.ts';

const admit = compileAdmission();

for (const { title, kind, spec, refused } of CASES) {
  test(`${kind}: ${title}: ${refused === undefined ? 'admitted' : `refused for ${refused.join(', ')}`}`, () => {
    const result = admit(kind, { apiVersion: API_VERSION, kind, metadata: { name: 'a' }, spec });
    const fields = [...new Set(result.errors.map(({ field }) => field))].sort();
    assert.deepEqual(fields, [...(refused ?? [])].sort(), result.errors.map(fieldErrorText).join('\n'));
    assert.equal(result.object === undefined, refused !== undefined);
  });
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { DETAIL_PAGE_QUERY, NAME_QUERY, TASK_PAGE_QUERY } from '../../../../src/rest/schemas/queries.ts';
import { validatorCompiler } from '../../../../src/rest/server/validation.ts';

const compile = validatorCompiler();
const tasks = compile(TASK_PAGE_QUERY, 'querystring');

/** What a route is given of it. */
function read(check: ReturnType<typeof compile>, query: Record<string, string>): object | undefined {
  const given = { ...query };
  return check(given) === true ? given : undefined;
}

describe('a query', () => {
  it('has empty fields of a form as if they were absent, but an empty text is a text', () => {
    const form = {
      enabled: '',
      lastExecutionStatus: '',
      sortType: '',
      sortDirection: ' ',
      pageNumber: '',
      pageSize: '',
    };
    assert.deepEqual(read(tasks, form), {});
    assert.deepEqual(read(tasks, { ...form, name: '' }), { name: '' });
    const details = { status: '', clusterName: '', path: '', pageNumber: '0', pageSize: '20' };
    assert.deepEqual(read(compile(DETAIL_PAGE_QUERY, 'querystring'), details), {
      clusterName: '',
      path: '',
      pageNumber: 0,
      pageSize: 20,
    });
    assert.deepEqual(read(compile(NAME_QUERY, 'querystring'), { name: '' }), { name: '' });
  });

  for (const [enabled, words] of [
    [true, ['true', 'TRUE', ' True ', 'on', 'yes', '1']],
    [false, ['false', 'False', 'off', 'NO', '0']],
    [undefined, ['2', 'ja', 'truee', 'null', 'constructor', '__proto__']],
  ] as const)
    for (const word of words)
      it(`reads the flag ${JSON.stringify(word)} as ${enabled}`, () => {
        assert.deepEqual(read(tasks, { enabled: word }), enabled === undefined ? undefined : { enabled });
      });

  it('takes words and numbers with blanks around them, and no others', () => {
    assert.deepEqual(read(tasks, { sortType: ' CREATED_TIME', pageNumber: ' 2 ' }), {
      sortType: 'CREATED_TIME',
      pageNumber: 2,
    });
    for (const query of [{ sortType: 'created_time' }, { sortDirection: 'asc' }, { pageNumber: 'x' }])
      assert.equal(read(tasks, query), undefined, JSON.stringify(query));
  });

  it('leaves a name as it is', () => {
    assert.deepEqual(read(tasks, { name: ' on ' }), { name: ' on ' });
  });
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { DEFECT_NAMES, DEFECTS, selectDefects } from '../../../src/peer/defects.ts';
import { Fields } from '../../../src/peer/fields.ts';
import { KeyedLock } from '../../../src/peer/keyed-lock.ts';
import { pageOf, pageRequest } from '../../../src/peer/page.ts';
import { versionOrdinal } from '../../../src/peer/version-ordinal.ts';

suite('defects', () => {
  test('a server has none unless they are asked for', () =>
    assert.deepEqual(
      DEFECT_NAMES.filter((name) => selectDefects(false)[name]),
      [],
    ));

  test('faithful has all but those that are switched alone', () =>
    assert.deepEqual(
      DEFECT_NAMES.filter((name) => !selectDefects(true)[name]),
      ['checkMayDeny', 'passwordCutAtColon'],
    ));

  test('a single one can be switched both ways', () => {
    assert.equal(selectDefects(false, { checkMayDeny: true }).checkMayDeny, true);
    assert.equal(selectDefects(true, { storesWrongBytes: false }).storesWrongBytes, false);
  });

  for (const name of DEFECT_NAMES)
    test(`${name} names its source`, () => assert.match(DEFECTS[name].source, /contract §|wire-|rest-|fixture/));
});

suite('fields of a request', () => {
  test('null and unknown fields are absent', () => {
    const fields = Fields.of({ a: null, b: 1 });
    assert.equal(fields.has('a'), false);
    assert.equal(fields.optionalText('a'), undefined);
    assert.equal(fields.text('b'), '1');
  });

  for (const value of [null, 'text', [], 7, undefined])
    test(`${JSON.stringify(value)} is no body`, () => assert.throws(() => Fields.of(value), { code: 250106 }));

  const refused: readonly [string, (fields: Fields) => unknown][] = [
    ['a missing text', (fields) => fields.text('none')],
    ['a list as text', (fields) => fields.text('list')],
    ['a text as flag', (fields) => fields.flag('text', false)],
    ['a fraction as integer', (fields) => fields.integer('fraction')],
    ['a text as list', (fields) => fields.list('text')],
    ['a list as map', (fields) => fields.record('list')],
    ['numbers as names', (fields) => fields.textList('list')],
  ];
  for (const [what, read] of refused)
    test(`${what} is refused`, () =>
      assert.throws(() => read(Fields.of({ list: [1], text: 'x', fraction: 1.5 })), { code: 250106 }));

  test('a path is normalised, and one that is too deep refused with 251011', () => {
    assert.equal(Fields.of({ p: '/n/../m//./f' }).path('p'), '/m/f');
    assert.throws(() => Fields.of({ p: 'a/'.repeat(100) }).path('p'), { code: 251011 });
  });

  test('the metadata list wins over the old map', () => {
    const list = [{ key: 'k', value: ['a'], system: true, description: 'd' }];
    assert.deepEqual(Fields.of({ nodeMetadata: list, metadata: { x: 1 } }).metadata('nodeMetadata', 'metadata'), list);
    assert.deepEqual(Fields.of({ metadata: { x: 1, y: true } }).metadata('nodeMetadata', 'metadata'), [
      { key: 'x', value: 1, system: false },
      { key: 'y', value: true, system: false },
    ]);
  });
});

suite('keyed lock', () => {
  test('tasks of one key follow each other, those of another do not wait', async () => {
    const lock = new KeyedLock();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = lock.run('a', async () => {
      log.push('first');
      await gate.promise;
    });
    const second = lock.run('a', async () => void log.push('second'));
    await lock.run('b', async () => void log.push('other'));
    assert.deepEqual(log, ['first', 'other']);
    gate.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(log, ['first', 'other', 'second']);
  });

  test('a task that fails does not hold up the next', async () => {
    const lock = new KeyedLock();
    const failing = lock.run('a', async () => Promise.reject(new Error('broken')));
    const next = lock.run('a', async () => 'done');
    await assert.rejects(failing, /broken/);
    assert.equal(await next, 'done');
  });
});

suite('version ordinal', () => {
  const ordinals = [
    ['1.0.0', 1_000_000_009_999],
    ['1.1.0', 1_000_100_009_999],
    ['0.1.0', 100_009_999],
    ['2.0.0-SNAPSHOT', 2_000_000_000_000],
    ['1', 1_000_000_009_999],
    ['v1', 1_000_000_009_999],
    ['1.0', 1_000_000_009_999],
    ['latest', 9999],
    ['20261122', 9999],
  ] as const;
  for (const [version, ordinal] of ordinals)
    test(`${version} is ${ordinal}`, () => assert.equal(versionOrdinal(version), ordinal));
});

suite('pages', () => {
  test('a page number of 0 or less is 1', () => assert.equal(pageRequest(0, 20).skip, 0));
  test('sizes have an end', () => assert.throws(() => pageRequest(1, 1_000_000), { code: 250105 }));
  test('the old names are there too', () =>
    assert.deepEqual(pageOf(pageRequest(2, 2), 5, ['c', 'd']), {
      pageNumber: 2,
      pageSize: 2,
      totalRecords: 5,
      totalPages: 3,
      records: ['c', 'd'],
      count: 5,
      page: 2,
    }));
});

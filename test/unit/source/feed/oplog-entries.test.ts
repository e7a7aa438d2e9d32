import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { oplogChanges } from '../../../../src/source/feed/oplog-entries.ts';
import { entry } from '../../../integration/source/feed/oplog-writer.ts';
import { changeText } from '../../../integration/source/feed/reading.ts';

const NODE = { projectId: 'p', repoName: 'r', fullPath: '/a/b' };
const MOVE = { srcProjectId: 'p', srcRepoName: 'r', srcFullPath: '/a', destFullPath: '/b' };
const META = { ...NODE, metadata: { 'docker#dot#repo': 'x' } };

function told(resourceType: string, operateType: string, request: object): readonly string[] | undefined {
  return oplogChanges(entry(resourceType, operateType, request))?.map(changeText);
}

describe('what an entry of the operation log says', () => {
  for (const [resourceType, operateType, request, wanted] of [
    ['NODE', 'CREATE', { ...NODE, folder: false, metadata: { 'a.b': '1' } }, ['node p/r/a/b']],
    ['NODE', 'CREATE', { ...NODE, folder: true }, ['node p/r/a/b']],
    ['NODE', 'UPDATE', { ...NODE, expires: 3 }, ['node p/r/a/b']],
    ['NODE', 'DELETE', NODE, ['node p/r/a/b and below']],
    ['NODE', 'DELETE', { ...NODE, fullPath: '/' }, ['node p/r/ and below']],
    ['NODE', 'RENAME', { ...NODE, newFullPath: '/c' }, ['node p/r/a/b and below', 'node p/r/c and below']],
    ['NODE', 'MOVE', MOVE, ['node p/r/a and below', 'node p/r/b and below']],
    [
      'NODE',
      'MOVE',
      { ...MOVE, destProjectId: null, destRepoName: null },
      ['node p/r/a and below', 'node p/r/b and below'],
    ],
    [
      'NODE',
      'MOVE',
      { ...MOVE, destProjectId: 'q', destRepoName: 's' },
      ['node p/r/a and below', 'node q/s/b and below'],
    ],
    ['NODE', 'COPY', MOVE, ['node p/r/b and below']],
    ['NODE', 'COPY', { ...MOVE, destRepoName: 's' }, ['node p/s/b and below']],
    ['NODE', 'COPY', { ...NODE, destPath: '/old name' }, ['node p/r/old name and below']],
    ['METADATA', 'UPDATE', META, ['node p/r/a/b']],
    ['METADATA', 'UPDATE', { ...NODE, keyList: ['k'] }, ['node p/r/a/b']],
    ['REPOSITORY', 'CREATE', { projectId: 'p', name: 's', type: 'GENERIC' }, ['repository p/s']],
    ['REPOSITORY', 'DELETE', { projectId: 'p', name: 's', forced: true }, ['node p/s/ and below']],
    ['PROJECT', 'CREATE', { name: 'p', displayName: 'P' }, []],
  ] as const) {
    it(`${resourceType} ${operateType} ${JSON.stringify(request)}`, () => {
      assert.deepEqual(told(resourceType, operateType, request), wanted);
    });
  }

  it('the same, whether the request is text or embedded', () => {
    const embedded = { ...entry('NODE', 'CREATE', NODE), description: { request: NODE } };
    assert.deepEqual(oplogChanges(embedded)?.map(changeText), ['node p/r/a/b']);
    const text = { ...entry('METADATA', 'UPDATE', NODE), description: { request: JSON.stringify(NODE) } };
    assert.deepEqual(oplogChanges(text)?.map(changeText), ['node p/r/a/b']);
  });

  it('paths as bk-repo itself understands them', () => {
    assert.deepEqual(told('NODE', 'CREATE', { ...NODE, fullPath: 'a//./x/../ b \\c/' }), ['node p/r/a/b/c']);
  });
});

describe('what is not understood', () => {
  for (const [resourceType, operateType, request] of [
    ['NODE', 'CREATE', {}],
    ['NODE', 'CREATE', { ...NODE, projectId: '' }],
    ['NODE', 'CREATE', { ...NODE, repoName: 7 }],
    ['NODE', 'CREATE', { ...NODE, fullPath: null }],
    ['NODE', 'CREATE', { ...NODE, fullPath: `/${'a/'.repeat(65)}` }],
    ['NODE', 'RENAME', NODE],
    ['NODE', 'MOVE', { ...MOVE, destFullPath: undefined }],
    ['NODE', 'MOVE', { ...MOVE, destRepoName: 7 }],
    ['NODE', 'ARCHIVE', NODE],
    ['METADATA', 'UPDATE', { ...META, fullPath: ['/a'] }],
    ['REPOSITORY', 'UPDATE', { projectId: 'p' }],
    ['ACCOUNT', 'CREATE', NODE],
  ] as const) {
    it(`${resourceType} ${operateType} ${JSON.stringify(request)}`, () => {
      assert.equal(told(resourceType, operateType, request), undefined);
    });
  }

  it('a request that is missing, or is neither text of an object nor an object', () => {
    const whole = entry('NODE', 'CREATE', NODE);
    for (const description of [undefined, null, 7, 'text', [], {}, { request: null }, { request: 7 }, { request: [] }])
      assert.equal(oplogChanges({ ...whole, description }), undefined, JSON.stringify(description));
    for (const request of ['', '{', '7', 'null', '["p"]', '"p"'])
      assert.equal(oplogChanges({ ...whole, description: { request } }), undefined, request);
  });
});

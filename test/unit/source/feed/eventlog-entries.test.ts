import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventChanges } from '../../../../src/source/feed/eventlog-entries.ts';
import { event } from '../../../integration/source/feed/eventlog-writer.ts';
import { changeText } from '../../../integration/source/feed/reading.ts';

const VERSION = { packageKey: 'npm://@a/b', packageType: 'NPM', packageName: '@a/b', packageVersion: '1.0' };
const MOVED = { dstProjectId: 'q', dstRepoName: 's', dstFullPath: '/to', overwrite: false };

describe('what an entry of the event log says', () => {
  for (const [type, key, data, wanted] of [
    ['NODE_CREATED', '/a', {}, ['node p/r/a']],
    ['NODE_DELETED', '/a', { deletedDate: '2026-11-22T15:15:30.582265151' }, ['node p/r/a and below']],
    ['NODE_DELETED', 'com/example/gone/1.0', {}, ['node p/r/com/example/gone/1.0 and below']],
    ['NODE_DELETED', '/multi/blobs/arm64/', {}, ['node p/r/multi/blobs/arm64 and below']],
    ['NODE_DELETED', '/', {}, ['node p/r/ and below']],
    ['NODE_CLEAN', '/a', {}, ['node p/r/a and below']],
    ['NODE_RENAMED', '/a', { newFullPath: '/b' }, ['node p/r/a and below', 'node p/r/b and below']],
    ['NODE_MOVED', '/a', MOVED, ['node p/r/a and below', 'node q/s/to and below']],
    [
      'NODE_MOVED',
      '/a',
      { dstProjectId: null, dstRepoName: null, dstFullPath: '/to' },
      ['node p/r/a and below', 'node p/r/to and below'],
    ],
    ['NODE_MOVED', '/a', { ...MOVED, dstRootNodeFullPath: '/to/a' }, ['node p/r/a and below', 'node q/s/to/a']],
    ['NODE_COPIED', '/a', { ...MOVED, dstRootNodeFullPath: '/to/a/' }, ['node q/s/to/a and below']],
    ['NODE_COPIED', '/a', MOVED, ['node q/s/to and below']],
    ['METADATA_SAVED', '/a', { metadata: { 'a#dot#b': {} }, replace: false }, ['node p/r/a']],
    ['METADATA_DELETED', '/a', { keys: ['k'] }, ['node p/r/a']],
    ['VERSION_CREATED', 'npm://@a/b-1.0', VERSION, ['package p/r npm://@a/b@1.0']],
    ['VERSION_UPDATED', 'npm://@a/b-1.0', VERSION, ['package p/r npm://@a/b@1.0']],
    ['VERSION_STAGED', 'npm://@a/b-1.0', VERSION, ['package p/r npm://@a/b@1.0']],
    ['VERSION_DELETED', 'npm://@a/b-null', { ...VERSION, packageVersion: '' }, ['package p/r npm://@a/b']],
    ['PACKAGE_METADATA_SAVED', 'npm://@a/b-1.0', { ...VERSION, metadata: {} }, ['package p/r npm://@a/b@1.0']],
    ['PACKAGE_METADATA_DELETED', 'npm://@a/b-1.0', VERSION, ['package p/r npm://@a/b@1.0']],
    ['REPO_CREATED', 'r', {}, ['repository p/r']],
    ['REPO_UPDATED', 'r', {}, ['repository p/r']],
    ['REPO_DELETED', 'r', {}, ['repository p/r']],
    ['NODE_DOWNLOADED', '/a', { md5: 'x' }, []],
    ['NODE_UPDATE_ACCESS_DATE', '/a', {}, []],
    ['NODE_SEPARATION_RECOVERY', '/a', {}, []],
    ['VERSION_DOWNLOAD', 'npm://@a/b-1.0', VERSION, []],
    ['REPO_REFRESHED', 'r', {}, []],
    ['REPO_VOLUME_SYNC', 'r', {}, []],
    ['PROJECT_CREATED', 'p', {}, []],
    ['REPLICATION_THIRD_PARTY', 'x', {}, []],
    ['ACCOUNT_ADD', 'x', {}, []],
  ] as const) {
    it(`${type} ${key} ${JSON.stringify(data)}`, () => {
      assert.deepEqual(eventChanges(event(type, key, data))?.map(changeText), wanted);
    });
  }
});

describe('what is not understood', () => {
  const whole = event('NODE_CREATED', '/a');
  for (const wrong of [
    { type: undefined },
    { type: 7 },
    { type: 'UNKNOWN' },
    { type: 'NODE_EXPLODED' },
    { type: 'VERSION_RENAMED' },
    { projectId: undefined },
    { projectId: { $ne: 1 } },
    { repoName: '' },
    { resourceKey: undefined },
    { resourceKey: `/${'x'.repeat(1_025)}` },
    { resourceKey: '/a\0b' },
    { type: 'NODE_RENAMED', description: null },
    { type: 'NODE_MOVED', description: { dstProjectId: 7, dstFullPath: '/b' } },
    { type: 'NODE_COPIED', description: { dstFullPath: ['/b'] } },
    { type: 'VERSION_CREATED', description: 'x' },
    { type: 'VERSION_CREATED', description: { packageKey: 7 } },
    { type: 'REPO_UPDATED', repoName: null, resourceKey: null },
  ]) {
    it(JSON.stringify(wrong).slice(0, 100), () => {
      assert.equal(eventChanges({ ...whole, ...wrong }), undefined);
    });
  }
});

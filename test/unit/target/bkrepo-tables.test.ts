import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ReplicationError } from '../../../src/domain/errors.ts';
import type { SourceNode } from '../../../src/engine/ports/source.ts';
import { zoneOf } from '../../../src/lib/local-time.ts';
import { isMissingCall, refusalError, verdictOf } from '../../../src/target/bkrepo/answer-errors.ts';
import { endpointsOf, pathSegments } from '../../../src/target/bkrepo/endpoints.ts';
import { nodeCreateBody } from '../../../src/target/bkrepo/nodes.ts';

for (const [url, prefix] of [
  ['http://host:8080', ''],
  ['http://host:8080/', ''],
  ['http://host:8080/replication', ''],
  ['http://host:8080/bkrepo', '/bkrepo'],
  ['http://host:8080/bkrepo/replication', '/bkrepo'],
] as const) {
  test(`calls of ${url} go to ${prefix}/replication/replica and ${prefix}/repository/api`, () => {
    const endpoints = endpointsOf(new URL(url));
    assert.equal(endpoints.replica(['node', 'create']), `${prefix}/replication/replica/node/create`);
    assert.equal(endpoints.repository(['node', 'search']), `${prefix}/repository/api/node/search`);
  });
}

for (const [text, query, segment] of [
  ['/s/sp ace.txt', '/s/sp%20ace.txt', '%2Fs%2Fsp%20ace.txt'],
  ['plus+sign', 'plus%2Bsign', 'plus%2Bsign'],
  ['per%cent', 'per%25cent', 'per%25cent'],
  ['amp&eq=x', 'amp%26eq%3Dx', 'amp%26eq%3Dx'],
  ['中文.txt', '%E4%B8%AD%E6%96%87.txt', '%E4%B8%AD%E6%96%87.txt'],
  ['hash#', 'hash%23', 'hash%23'],
  ["q'uote", 'q%27uote', 'q%27uote'],
  ['(a)*!~._-;?', '%28a%29%2A%21~._-%3B%3F', '%28a%29%2A%21~._-%3B%3F'],
] as const) {
  test(`${text} is written ${query} in a query and ${segment} in a path`, () => {
    const endpoints = endpointsOf(new URL('http://h'));
    assert.equal(
      endpoints.replica(['x'], { fullPath: text, absent: null }),
      `/replication/replica/x?fullPath=${query}`,
    );
    assert.equal(endpoints.replica([text]), `/replication/replica/${segment}`);
  });
}

test('a path becomes segments whatever its slashes', () => {
  assert.deepEqual(pathSegments('//a/b c//d/'), ['a', 'b c', 'd']);
});

const VERDICTS: readonly (readonly [number, number | undefined, string, string])[] = [
  [400, 250124, 'retryable', 'TooManyRequests'],
  [400, 250128, 'retryable', 'Locked'],
  [400, 250129, 'retryable', 'TooManyRequests'],
  [400, 250311, 'retryable', 'DigestMismatch'],
  [400, 251003, 'retryable', 'DigestMismatch'],
  [400, 251031, 'retryable', 'DigestMismatch'],
  [400, 251004, 'cluster', 'RemoteRepoMissing'],
  [400, 251006, 'cluster', 'RemoteRepoMissing'],
  [409, 251007, 'spec', 'RepositoryTypeMismatch'],
  [400, 251010, 'unit', 'NodeNotFound'],
  [400, 251012, 'unit', 'NodeExisted'],
  [400, 251013, 'unit', 'NodeConflict'],
  [404, 251024, 'unit', 'BlobNotFound'],
  [400, 251025, 'cluster', 'FarSideFull'],
  [400, 251027, 'unit', 'ArtifactTooLarge'],
  [500, 251030, 'retryable', 'FarSideError'],
  [200, 250105, 'unit', 'RequestRefused'],
  [400, 250106, 'unit', 'RequestRefused'],
  [401, 250114, 'cluster', 'Unauthorized'],
  [401, 250112, 'cluster', 'Unauthorized'],
  [403, 250113, 'cluster', 'Forbidden'],
  [404, 250130, 'unit', 'RequestRefused'],
  [405, 250112, 'unit', 'RequestRefused'],
  [408, undefined, 'retryable', 'FarSideTimeout'],
  [413, undefined, 'cluster', 'FarSideFull'],
  [416, undefined, 'unit', 'RequestRefused'],
  [425, undefined, 'retryable', 'TooManyRequests'],
  [429, 250124, 'retryable', 'TooManyRequests'],
  [500, 250102, 'retryable', 'FarSideError'],
  [500, 251101, 'retryable', 'FarSideError'],
  [501, undefined, 'unit', 'NotImplemented'],
  [502, undefined, 'retryable', 'FarSideError'],
  [503, undefined, 'retryable', 'FarSideError'],
  [505, undefined, 'unit', 'NotImplemented'],
  [507, undefined, 'cluster', 'FarSideFull'],
  [599, undefined, 'retryable', 'FarSideError'],
];

for (const [status, remoteCode, errorClass, code] of VERDICTS) {
  test(`${status} with ${remoteCode ?? 'no envelope'} is ${errorClass}, ${code}`, () => {
    const verdict = verdictOf(status, remoteCode);
    assert.deepEqual([verdict.errorClass, verdict.code], [errorClass, code]);
    const error = refusalError('far side x', { status, remoteCode, message: 'their words', retryAfterMs: 7 });
    assert.deepEqual([error.code, error.status, error.remoteCode, error.retryAfterMs], [code, status, remoteCode, 7]);
    if (remoteCode !== undefined) assert.match(error.message, new RegExp(`${remoteCode} their words`));
  });
}

for (const [status, remoteCode, missing] of [
  [404, undefined, true],
  [404, 250130, true],
  [405, 250112, true],
  [404, 251010, false],
  [404, 251024, false],
  [400, 251010, false],
  [500, 250102, false],
] as const) {
  test(`${status} with ${remoteCode ?? 'no envelope'} means ${missing ? 'that the call is missing' : 'something else'}`, () => {
    const error = refusalError('x', { status, remoteCode, message: undefined, retryAfterMs: undefined });
    assert.equal(isMissingCall(error), missing);
  });
}

test('what is no answer does not mean that a call is missing', () => {
  assert.equal(isMissingCall(new ReplicationError('retryable', 'Timeout', 'x')), false);
  assert.equal(isMissingCall(new Error('x')), false);
});

const NODE: SourceNode = {
  id: '6740a1b2c3d4e5f60718293a',
  fullPath: '/a',
  kind: 'file',
  size: 6,
  sha256: 'a'.repeat(64),
  md5: 'b'.repeat(32),
  crc64ecma: null,
  metadata: [
    { key: 'color', value: 'red', system: false },
    { key: 'digest_list', value: ['x', 'y'], system: true, description: 'd', link: 'l', color: 'c' },
  ],
  createdBy: 'alice',
  createdDate: new Date('2026-10-25T00:30:00.250Z'),
  lastModifiedBy: 'bob',
  lastModifiedDate: new Date('2026-10-25T01:30:00.250Z'),
  expireDate: null,
  copyFromCredentialsKey: null,
};
const REPOSITORY = { projectId: 'p', name: 'r', storageKey: null };
const NOW = Date.parse('2026-11-22T12:00:00Z');

test('node/create carries everything in both forms of metadata, the account as operator, and no source', () => {
  const body = nodeCreateBody(REPOSITORY, NODE, {
    operator: 'robot',
    zone: zoneOf('+08:00'),
    nowMs: NOW,
    overwrite: false,
  });
  assert.deepEqual(body, {
    projectId: 'p',
    repoName: 'r',
    fullPath: '/a',
    folder: false,
    expires: 0,
    overwrite: false,
    size: 6,
    sha256: 'a'.repeat(64),
    md5: 'b'.repeat(32),
    crc64ecma: null,
    metadata: { color: 'red', digest_list: ['x', 'y'] },
    nodeMetadata: [
      { key: 'color', value: 'red', system: false, description: null, link: null, color: null },
      { key: 'digest_list', value: ['x', 'y'], system: true, description: 'd', link: 'l', color: 'c' },
    ],
    operator: 'robot',
    createdBy: 'alice',
    createdDate: '2026-10-25T08:30:00.250',
    lastModifiedBy: 'bob',
    lastModifiedDate: '2026-10-25T09:30:00.250',
  });
});

test('dates in a zone with clock changes: both passes of a fold are written alike', () => {
  const facts = { operator: 'robot', zone: zoneOf('Europe/Berlin'), nowMs: NOW, overwrite: true };
  const body = nodeCreateBody(REPOSITORY, NODE, facts);
  assert.equal(body['createdDate'], '2026-10-25T02:30:00.250');
  assert.equal(body['lastModifiedDate'], '2026-10-25T02:30:00.250');
});

for (const [expireDate, expires] of [
  [null, 0],
  ['2026-11-22T12:00:01Z', 1],
  ['2026-11-23T12:00:00Z', 1],
  ['2026-11-23T12:00:01Z', 2],
  ['2026-12-22T12:00:00Z', 30],
  ['2026-11-22T11:59:59Z', 1],
] as const) {
  test(`a node that expires ${expireDate ?? 'never'} is sent with ${expires} days`, () => {
    const node = { ...NODE, expireDate: expireDate === null ? null : new Date(expireDate) };
    const facts = { operator: 'robot', zone: zoneOf('Z'), nowMs: NOW, overwrite: false };
    assert.equal(nodeCreateBody(REPOSITORY, node, facts)['expires'], expires);
  });
}

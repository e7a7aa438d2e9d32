/** What a deletion says on the wire, and far sides that cannot delete. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

import type { Target } from '../../../src/engine/ports/target.ts';
import { envelope, type Received, refusal } from './fault-server.ts';
import { failureOf, REPOSITORY, scene } from './support.ts';

const AT = new Date('2026-11-22T15:15:57.500Z');

const deleteNode = (target: Target, signal: AbortSignal): Promise<void> =>
  target.deleteNode(REPOSITORY, '/a b/c', AT, signal);
const deleteVersion = (target: Target, signal: AbortSignal): Promise<void> =>
  target.deleteVersion(REPOSITORY, 'npm://x', '1.0', AT, signal);

async function sent(
  context: TestContext,
  work: (target: Target, signal: AbortSignal) => Promise<void>,
  headers: Record<string, string>,
): Promise<readonly (readonly [string, unknown])[]> {
  const { server, target, signal } = await scene(context, {
    answer: (_request, response) => envelope(response, null, headers),
  });
  await work(target, signal);
  const body = (request: Received): unknown => (request.body.length === 0 ? null : JSON.parse(String(request.body)));
  return server.received.map((request) => [request.url, body(request)]);
}

test('node/delete tells when, in the zone of a far side that was asked for it first, and no source', async (context) => {
  assert.deepEqual(await sent(context, deleteNode, { 'x-bkrepo-time-zone': '+0800' }), [
    ['/replication/replica/ping', null],
    [
      '/replication/replica/node/delete',
      {
        projectId: 'rp1',
        repoName: 'gen',
        fullPath: '/a b/c',
        operator: 'robot',
        deletedDate: '2026-11-22T23:15:57.500',
      },
    ],
  ]);
});

test('package/version/delete has every field that bk-repo needs, and is no federation', async (context) => {
  const [, call] = await sent(context, deleteVersion, {});
  assert.deepEqual(call, [
    '/replication/replica/package/version/delete',
    {
      projectId: 'rp1',
      repoName: 'gen',
      packageKey: 'npm://x',
      versionName: '1.0',
      deletedDate: '2026-11-22T15:15:57.500',
      source: '',
    },
  ]);
});

for (const [status, code] of [
  [404, 250130],
  [405, 250112],
] as const)
  test(`a far side that answers ${status} has no call to delete a version`, async (context) => {
    const { target, signal } = await scene(context, {
      answer: (request, response) =>
        request.url.endsWith('/ping') ? envelope(response, null) : refusal(response, status, code, 'no'),
    });
    const error = await failureOf(deleteVersion(target, signal));
    assert.deepEqual([error.errorClass, error.code], ['unit', 'VersionDeleteUnsupported']);
    assert.match(error.message, /edge-1 .* version 1\.0 of npm:\/\/x/);
  });

for (const [what, status, code, errorClass, name] of [
  ['a repository that is gone', 400, 251006, 'cluster', 'RemoteRepoMissing'],
  ['an account without rights', 403, 250113, 'cluster', 'Forbidden'],
  ['a server in trouble', 500, 250102, 'retryable', 'FarSideError'],
] as const)
  for (const work of [deleteNode, deleteVersion])
    test(`${work.name}: ${what} is ${name}, never "deleted"`, async (context) => {
      const { target, signal } = await scene(context, {
        answer: (request, response) =>
          request.url.endsWith('/ping') ? envelope(response, null) : refusal(response, status, code, 'no'),
      });
      const error = await failureOf(work(target, signal));
      assert.deepEqual([error.errorClass, error.code], [errorClass, name]);
    });

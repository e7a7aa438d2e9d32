import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { restStage } from '../../demo/rest-stage.ts';
import type { Stage } from '../../demo/stage.ts';
import { ONE, restWorld } from '../../unit/rest/routes/rest-world.ts';

test('the demo by REST makes clusters and tasks, sees how often they ran, and asks for another run', async (t) => {
  const { app, resources } = restWorld();
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(async () => await app.close());
  const { port } = app.server.address() as AddressInfo;
  const given: string[] = [];
  const ground = {
    apply: async (manifests: string) => void given.push(manifests),
    addresses: () => [],
    stop: async () => {},
  } as unknown as Stage;
  const stage = restStage({
    stage: ground,
    section: { enabled: true, host: '127.0.0.1', port, users: { file: '' }, tokens: { enabled: false } },
    account: { username: 'demo', password: 'x', role: 'admin' },
    farSides: [{ name: 'shanghai', url: 'http://far.test/replication', username: 'u', password: 'p' }],
    project: 'tools',
    remoteProject: 'tools-backup',
    replicaType: 'SCHEDULED',
    tasks: { tools: [{ type: 'GENERIC', repoName: 'here', remoteRepoName: 'there' }] },
    report: () => {},
  });
  await stage.apply('what only files could say');
  assert.deepEqual(given, [''], 'no manifest');
  assert.equal(resources.get('Cluster', { namespace: ONE, name: 'shanghai' })?.spec.url, 'http://far.test/replication');
  const task = resources.get('ReplicaTask', { namespace: ONE, name: 'tools' });
  assert.deepEqual(
    task?.spec.replicaTaskObjects.map(({ localRepoName, remoteProjectId, remoteRepoName }) => [
      localRepoName,
      remoteProjectId,
      remoteRepoName,
    ]),
    [['here', 'tools-backup', 'there']],
  );
  assert.deepEqual(await stage.tasks(), [{ name: 'tools', runs: 0, running: false, progress: 'not run yet' }]);
  await stage.requestRun();
  const { annotations } = resources.get('ReplicaTask', { namespace: ONE, name: 'tools' })?.metadata ?? {};
  assert.ok(annotations?.['replication.bkrepo.io/run-requested']);
  assert.match(await stage.show(), /"name": "tools"/);
  assert.equal(stage.requests, 9);
});

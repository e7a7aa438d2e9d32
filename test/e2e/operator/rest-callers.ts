/** Who may call REST, and what it leaves alone because a GitOps tool looks after it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/wait.ts';
import { NAMESPACE } from './installation.ts';
import { task } from './manifests.ts';
import { ACCOUNT } from './parts.ts';
import { type Info, PATIENCE, type Page, refusal, told } from './rest-answers.ts';
import { nightly } from './rest-examples.ts';
import { Client, type RestInstallation, VIEWER } from './rest-installation.ts';

const ARGO = ['--server-side', '--field-manager=argocd-controller'];
const SUSPENDED = 'replication.bkrepo.io/suspended';

const APPLIED = [
  { how: 'server-side by argocd-controller', name: 'by-manager', annotations: undefined, says: /ArgoCD/ },
  {
    how: "with ArgoCD's tracking annotation",
    name: 'by-annotation',
    annotations: {
      'argocd.argoproj.io/tracking-id': `shop:replication.bkrepo.io/ReplicaTask:${NAMESPACE}/by-annotation`,
    },
    says: /ArgoCD \(shop\).*ArgoCD application shop/,
  },
];

/** Expects a Cluster `shanghai`. */
export function callerTests(rest: () => RestInstallation): void {
  test('a viewer reads and changes nothing; a token counts for its audience and its rights', async () => {
    const { leader, far, installation } = rest();
    const viewer = Client.basic(leader, VIEWER);
    const { totalRecords } = await viewer.data<Page>('/api/task/page');
    assert.ok(totalRecords > 0);
    const change = (client: Client) => client.post('/api/task/create', nightly('not-allowed', ['shanghai']));
    assert.deepEqual(refusal(await change(viewer)), [403, 250_113]);
    const [elsewhere, reader, editor] = await Promise.all([
      rest().tokenOf('elsewhere', ['bkrepo-replicator-view', 'bkrepo-replicator-edit'], 'another-service'),
      rest().tokenOf('reader', ['bkrepo-replicator-view']),
      rest().tokenOf('editor', ['bkrepo-replicator-view', 'bkrepo-replicator-edit']),
    ]);
    const stranger = await Client.token(leader, elsewhere).get('/api/task/page');
    assert.deepEqual(refusal(stranger), [401, 250_114]);
    const denied = await change(Client.token(leader, reader));
    assert.deepEqual(refusal(denied), [403, 250_113]);
    assert.match(denied.message ?? '', /reader may not create replicatasks in namespace bkrepo-replicator-system/);
    told(await change(Client.token(leader, editor)));
    const cluster = { name: 'by-token', url: far.url, type: 'STANDALONE', ...ACCOUNT };
    const secret = await Client.token(leader, editor).post('/api/cluster/create', cluster);
    assert.deepEqual(refusal(secret), [403, 250_113]);
    assert.match(secret.message ?? '', /create secrets/);
    assert.equal(await installation.get('clusters', 'by-token'), undefined);
  });

  for (const { how, name, annotations, says } of APPLIED) {
    test(`a task applied ${how} is not edited, but toggled and run without drift`, async () => {
      const { admin, installation } = rest();
      const execution = { executionStrategy: 'CRON_EXPRESSION', executionPlan: { cronExpression: '0 0 3 * * ?' } };
      const spec = { name, replicaObjectType: 'REPOSITORY', enabled: true };
      const manifest = task(name, ['shanghai'], {
        spec,
        setting: execution,
        ...(annotations === undefined ? {} : { annotations }),
      });
      const flags = annotations === undefined ? ARGO : [];
      const git = (verb: 'apply' | 'diff'): Promise<string> =>
        installation.kubernetes.kubectl(['-n', NAMESPACE, verb, ...flags, '-f', '-'], {
          input: JSON.stringify(manifest),
        });
      await git('apply');
      const info = await eventually(
        async () => (await admin.data<Page>(`/api/task/page?name=${name}`)).records[0],
        PATIENCE,
      );
      await installation.condition('replicatasks', name, 'Ready', { status: 'True' });
      const before = (await rest().yaml('replicatasks', name)).spec;
      const wanted = nightly(name, ['shanghai'], { key: info.key, description: 'by REST' });
      const refused = await admin.post('/api/task/update', wanted);
      assert.deepEqual(refusal(refused), [409, 250_308]);
      assert.match(refused.message ?? '', says);
      told(await admin.post(`/api/task/toggle/status/${info.key}`));
      const { metadata } = await rest().yaml('replicatasks', name);
      assert.deepEqual([metadata.annotations?.[SUSPENDED], metadata.generation], ['true', 1]);
      assert.equal((await admin.data<Info>(`/api/task/info/${info.key}`)).enabled, false);
      assert.equal(await git('diff'), '');
      told(await admin.post(`/api/task/toggle/status/${info.key}`));
      told(await admin.post(`/api/task/execute/${info.key}`));
      await eventually(
        async () => (await admin.data<Info>(`/api/task/info/${info.key}`)).lastExecutionStatus === 'SUCCESS',
        PATIENCE,
      );
      const after_ = await rest().yaml('replicatasks', name);
      assert.deepEqual([after_.spec, after_.metadata.generation], [before, 1]);
      assert.equal(await git('diff'), '');
    });
  }
}

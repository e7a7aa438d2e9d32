/** REST beside kubectl, at several operators, and without the API server. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../support/wait.ts';
import { NAMESPACE } from './installation.ts';
import { type Info, PATIENCE, type Page, refusal, told } from './rest-answers.ts';
import { firstDocument, nightly } from './rest-examples.ts';
import {
  ADMIN,
  Client,
  leads,
  REQUEST_TIMEOUT_SECONDS,
  type RestInstallation,
  type RestOperator,
  VIEWER,
} from './rest-installation.ts';

/** Expects a Cluster `shanghai`, and ends the operators that lead. */
export function togetherTests(rest: () => RestInstallation): void {
  async function created(client: Client, body: object): Promise<Info> {
    return told(await client.post<Info>('/replication/api/task/create', body));
  }

  async function runs(client: Client, name: string): Promise<void> {
    const { key } = await created(client, firstDocument(name, ['shanghai']));
    const info = (): Promise<Info> => client.data<Info>(`/api/task/info/${key}`);
    await eventually(async () => (await info()).lastExecutionStatus === 'SUCCESS', PATIENCE);
  }

  function patch(name: string, spec: object): Promise<string> {
    const target = ['-n', NAMESPACE, 'patch', 'replicatask', name, '--type=merge', '-p'];
    return rest().installation.kubectl(...target, JSON.stringify({ spec }));
  }

  test('of two updates of the version that both have seen one wins, and the other is told', async () => {
    const { admin, standby } = rest();
    const { key } = await created(admin, nightly('contested', ['shanghai']));
    const seen = (await admin.get(`/api/task/info/${key}`)).headers['etag'] ?? '';
    const update = (client: Client, description: string, ...more: readonly string[]) =>
      client.post('/api/task/update', nightly('contested', ['shanghai'], { key, description }), ...more);
    const other = Client.basic(standby, ADMIN);
    const both = await Promise.all([
      update(admin, 'one', '--header', `If-Match: ${seen}`),
      update(other, 'two', '--header', `If-Match: ${seen}`),
    ]);
    const [winner, loser] = both[0]?.status === 200 ? both : both.toReversed();
    assert.deepEqual(
      [winner, loser].map((answer) => answer && refusal(answer)),
      [
        [200, 0],
        [409, 250_133],
      ],
    );
    assert.equal(
      (await rest().installation.get('replicatasks', 'contested'))?.spec.description,
      winner === both[0] ? 'one' : 'two',
    );
    assert.equal((await rest().yaml('replicatasks', 'contested')).metadata.generation, 2);

    await patch('contested', { description: 'by kubectl', setting: { executionPlan: { timeZone: 'Asia/Shanghai' } } });
    assert.equal((await update(admin, 'late', '--header', `If-Match: ${seen}`)).status, 409);
    told(await update(admin, 'by REST'));
    const { spec } = await rest().yaml('replicatasks', 'contested');
    assert.deepEqual([spec.description, spec.setting?.executionPlan?.timeZone], ['by REST', 'Asia/Shanghai']);
  });

  test('kubectl and REST edit one task at once, and nothing is lost', async () => {
    const { leader, standby } = rest();
    const { key } = await created(rest().admin, nightly('shared', ['shanghai']));
    const toggles = async (operator: RestOperator): Promise<number> => {
      let done = 0;
      for (let index = 0; index < 6; index += 1) {
        const { status, code } = await Client.basic(operator, ADMIN).post(`/api/task/toggle/status/${key}`);
        assert.ok(status === 200 || (status === 409 && code === 250_133), `${status} ${code}`);
        if (status === 200) done += 1;
      }
      return done;
    };
    const edits = async (): Promise<void> => {
      for (let index = 1; index <= 4; index += 1) await patch('shared', { description: `edit ${index}` });
    };
    const [here, there] = await Promise.all([toggles(leader), toggles(standby), edits()]);
    const { spec, metadata } = await rest().yaml('replicatasks', 'shared');
    assert.equal(spec.description, 'edit 4');
    assert.equal(spec.enabled, (here + there) % 2 === 0, `${here} + ${there} toggles`);
    assert.equal(metadata.generation, 1 + here + there + 4);
  });

  test('what was made or removed by one operator is on its next page, and soon on those of the other', async () => {
    const { admin, standby } = rest();
    const other = Client.basic(standby, ADMIN);
    for (let index = 0; index < 4; index += 1) {
      const name = `paged-${index}`;
      const { key } = await created(admin, nightly(name, ['shanghai']));
      const newest = await admin.data<Page>('/api/task/page/tools?pageSize=1&name=paged');
      assert.deepEqual([newest.records[0]?.name, newest.totalRecords], [name, 1]);
      await eventually(async () => (await other.data<Page>(`/api/task/page?name=${name}`)).totalRecords === 1);
      told(await admin.delete(`/api/task/delete/${key}`));
      assert.equal((await admin.data<Page>('/api/task/page?name=paged')).totalRecords, 0);
    }
  });

  test('a standby writes too, and no request to it is lost when the leader ends', async () => {
    const { leader, standby } = rest();
    const client = Client.basic(standby, ADMIN);
    const ending = leader.program.signal('SIGTERM');
    let ended = false;
    void ending.then(() => {
      ended = true;
    });
    const keys: string[] = [];
    while (!(ended && leads(standby))) {
      const name = `by-standby-${keys.length}`;
      keys.push((await created(client, nightly(name, ['shanghai']))).key);
      const { records } = await client.data<Page>(`/api/task/page?name=${name}`);
      assert.equal(records.length, 1);
    }
    assert.equal(leader.program.exitCode, 0);
    for (const key of keys) told(await client.delete(`/api/task/delete/${key}`));
    await runs(client, 'after-takeover');
  });

  test('without the API server reads go on, writes are answered 503 in time, and afterwards all goes on', async () => {
    const standby = await rest().operator();
    const client = Client.basic(standby, ADMIN);
    const { key } = await created(rest().admin, nightly('during-outage', ['shanghai']));
    await eventually(async () => (await client.data<Page>('/api/task/page?name=during-outage')).totalRecords === 1);
    const token = await rest().tokenOf('late', ['bkrepo-replicator-view']);
    await rest().installation.kubernetes.signalApiServer('SIGSTOP');
    try {
      const begun = performance.now();
      const answers = await Promise.all([
        client.post('/api/task/create', nightly('too-late', ['shanghai'])),
        client.post(`/api/task/execute/${key}`),
        client.delete(`/api/task/delete/${key}`),
        Client.token(standby, token).get('/api/task/page'),
      ]);
      const tookMs = performance.now() - begun;
      for (const answer of answers) {
        assert.deepEqual(refusal(answer), [503, 250_116], JSON.stringify(answer));
        assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
      }
      assert.ok(tookMs < (REQUEST_TIMEOUT_SECONDS + 3) * 1_000, `${tookMs} ms`);
      const viewer = Client.basic(standby, VIEWER);
      assert.equal((await viewer.data<Page>('/api/task/page?name=during-outage')).records[0]?.key, key);
      assert.equal((await viewer.data<Info>(`/api/task/info/${key}`)).name, 'during-outage');
      await viewer.data(`/api/task/record/list/${key}`);
    } finally {
      await rest().installation.kubernetes.signalApiServer('SIGCONT');
    }
    await eventually(() => created(client, nightly('too-late', ['shanghai'])), PATIENCE);
    await runs(client, 'after-outage');
  });
}

/** REST without Kubernetes: what it makes lies in the state directory, what lies in the input is left alone. */
import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '../../support/ports.ts';
import { writeRestUsers } from '../../support/rest-accounts.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, PROJECT, REPOSITORY, World } from '../../support/world.ts';
import { type Info, PATIENCE, type Page, type RunInfo, refusal, told } from '../operator/rest-answers.ts';
import { firstDocument } from '../operator/rest-examples.ts';
import { ADMIN, Client } from '../operator/rest-installation.ts';
import { cluster, copyOf, login, PASSWORD, task } from './manifests.ts';
import { Site } from './site.ts';

let world: World;
let far: FarSide;
let site: Site;
let client: Client;

before(async () => {
  world = await World.start();
  await world.files.putFiles(['a', 'b', 'c'].map((name) => ({ path: `/${name}.txt`, content: name })));
  far = await world.farSide('east');
  const port = await freePort();
  const users = { file: await writeRestUsers(world.directory, [ADMIN]) };
  site = await Site.create({
    source: world.mongod.uri,
    storeDir: world.builder.storeDir,
    journal: world.mongod.uri,
    config: { rest: { enabled: true, host: '127.0.0.1', port, users } },
  });
  await site.apply(
    'given',
    login('given'),
    cluster('given', far.proxy.url),
    task('by-file', ['given'], { enabled: false }),
  );
  const program = await site.start();
  client = Client.basic({ program, url: `http://127.0.0.1:${port}` }, ADMIN);
});
after(async () => {
  await site?.remove();
  await world?.stop();
});

test('a cluster and a task made by REST run, and are there after a restart with their records', async () => {
  const url = `${far.proxy.url}/replication`;
  const account = { username: 'replicator', password: PASSWORD };
  told(await client.post('/replication/api/cluster/create', { name: 'east', type: 'STANDALONE', url, ...account }));
  const { id } = await client.data<Info>('/replication/api/cluster/info?name=east');
  const body = firstDocument('made', [id], { localProjectId: PROJECT, replicaTaskObjects: [copyOf(REPOSITORY)] });
  const { key } = told(await client.post<Info>('/replication//api/task/cluster', body));
  const ran = async (): Promise<boolean> =>
    (await client.data<Info>(`/api/task/info/${key}`)).lastExecutionStatus === 'SUCCESS';
  await eventually(ran, PATIENCE);
  assert.deepEqual(await world.differences(far), []);

  await site.kill();
  await site.start();
  assert.deepEqual((await client.data<Info>('/api/cluster/info?name=east')).id, id);
  assert.ok(await ran());
  const runs = await client.data<Page<RunInfo>>(`/api/task/record/page/${key}?pageSize=1`);
  assert.deepEqual([runs.totalRecords, runs.records[0]?.status], [1, 'SUCCESS']);
  told(await client.post(`/api/task/execute/${key}`));
  const again = async (): Promise<boolean> => (await client.data<Info>(`/api/task/info/${key}`)).executionTimes === 2;
  await eventually(async () => (await again()) && (await ran()), PATIENCE);
  told(await client.get('/api/cluster/tryConnect?name=east'));
});

test('what comes from a file is not edited, and the answer names the file', async () => {
  const found = (await client.data<Page>('/api/task/page?name=by-file')).records[0];
  const refused = await client.delete(`/api/task/delete/${found?.key}`);
  assert.deepEqual(refusal(refused), [409, 250_308]);
  assert.match(refused.message ?? '', /given\.yaml/);
  const given = { name: 'given', type: 'EDGE', url: `${far.proxy.url}/replication` };
  const cluster_ = await client.post('/api/cluster/update', given);
  assert.deepEqual(refusal(cluster_), [409, 250_113]);
  assert.match(cluster_.message ?? '', /given\.yaml/);
});

test('only the account of the program can read the files of the state', async () => {
  const files = (await readdir(site.state, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  assert.ok(files.length > 0);
  for (const { parentPath, name } of files) {
    const { mode } = await stat(path.join(parentPath, name));
    assert.equal((mode & 0o777).toString(8), '600', name);
  }
});

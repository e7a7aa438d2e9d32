/** Each request example of the API documents, sent by curl, and what kubectl, the far side and the journal have of it then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { eventually } from '../../support/wait.ts';
import { NAMESPACE } from './installation.ts';
import { ACCOUNT, SMALL } from './parts.ts';
import { type Info, PATIENCE, type Page, type RunInfo, refusal, told } from './rest-answers.ts';
import { FIRST_COPY, firstDocument, laterDocument, nightly } from './rest-examples.ts';
import { ADMIN, Client, type RestInstallation, VIEWER } from './rest-installation.ts';

const CREATED_BY = 'replication.bkrepo.io/created-by';
const MODIFIED_BY = 'replication.bkrepo.io/modified-by';
const CLUSTER = '/replication/api/cluster';
const TASK = '/replication/api/task';

interface Secret {
  readonly metadata: { readonly ownerReferences: readonly object[] };
  readonly data: Readonly<Record<string, string>>;
}

/** What the CRDs say where nothing else does. */
const SETTING = {
  rateLimit: 0,
  includeMetadata: true,
  conflictStrategy: 'SKIP',
  errorStrategy: 'CONTINUE',
  storageConsistencyCheck: false,
  automaticCreateRemoteRepo: true,
  recordUnchanged: false,
  adoptExisting: false,
};
const DEFAULTS = { replicaType: 'SCHEDULED', enabled: true, record: true, recordReserveDays: 30, setting: SETTING };

/** Leaves a Cluster `shanghai` and a task that ran. */
export function documentTests(rest: () => RestInstallation): void {
  test('clusters by the documented bodies are Clusters, each with its password in a Secret of its own', async () => {
    const { admin, far, installation } = rest();
    const body = { url: far.url, certificate: null, ...ACCOUNT };
    told(await admin.post(`${CLUSTER}/create`, { ...body, name: 'shanghai', type: 'STANDALONE' }));
    told(await admin.post(`${CLUSTER}/create`, { ...body, name: 'edge-1', type: 'EDGE' }));
    const { spec, metadata } = await rest().yaml('clusters', 'shanghai');
    const { name = '' } = spec.credentialsSecretRef ?? {};
    assert.deepEqual(spec, {
      name: 'shanghai',
      type: 'STANDALONE',
      url: far.url,
      credentialsSecretRef: { name },
      protocol: 'bkrepo',
      limits: { bandwidth: 0, concurrency: 8 },
      probeInterval: '60s',
      uploadVerification: 'auto',
    });
    assert.equal(metadata.annotations?.[CREATED_BY], ADMIN.username);
    const secret = parse(await installation.kubectl('-n', NAMESPACE, 'get', 'secret', name, '-o', 'yaml')) as Secret;
    const stored = Object.entries(secret.data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]);
    assert.deepEqual(Object.fromEntries(stored), ACCOUNT);
    const { apiVersion, kind } = await rest().yaml('clusters', 'shanghai');
    assert.deepEqual(secret.metadata.ownerReferences, [{ apiVersion, kind, name: 'shanghai', uid: metadata.uid }]);

    const info = await admin.get<Info>(`${CLUSTER}/info?name=shanghai`);
    assert.ok(!JSON.stringify(info).includes(ACCOUNT.password));
    assert.deepEqual(told(await admin.get<Info>(`${CLUSTER}/info/${info.data.id}`)), info.data);
    const page = await admin.data<Page>(`${CLUSTER}/page?pageNumber=0&pageSize=10`);
    assert.deepEqual([page.count, page.records.map(({ name: one }) => one).sort()], [2, ['edge-1', 'shanghai']]);
    const edges = await admin.data<readonly Info[]>(`${CLUSTER}/list/edge`);
    assert.deepEqual(await admin.data(`${CLUSTER}/list?name=ed&type=EDGE`), edges);
    assert.deepEqual(
      edges.map(({ name: one }) => one),
      ['edge-1'],
    );
    assert.deepEqual(refusal(await admin.get(`${CLUSTER}/info/center`)), [400, 250_306]);

    const update = { name: 'edge-1', type: 'STANDALONE', url: far.url, ...ACCOUNT };
    assert.equal(told(await admin.post<Info>(`${CLUSTER}/update`, update)).status, 'HEALTHY');
    const edge = await rest().yaml('clusters', 'edge-1');
    const ofEdge = { name: 'edge-1-credentials' };
    assert.deepEqual(edge.spec, { ...spec, name: 'edge-1', credentialsSecretRef: ofEdge });
    assert.equal(edge.metadata.annotations?.[MODIFIED_BY], ADMIN.username);

    told(await admin.delete(`${CLUSTER}/delete/${edges[0]?.id}`));
    assert.equal(await admin.data(`${CLUSTER}/exist?name=edge-1`), false);
    assert.equal(await admin.data(`${CLUSTER}/exist?name=shanghai`), true);
  });

  test('tryConnect answers in every documented form, and says when there is no answer', async () => {
    const { admin, far } = rest();
    const place = `${CLUSTER}/tryConnect`;
    const asDocumented = (name: string) => admin.post(place, { name }, '--request', 'GET');
    told(await asDocumented('shanghai'));
    told(await admin.post(`${place}?name=shanghai`));
    told(await admin.post(place, undefined, '--data', 'name=shanghai'));
    assert.deepEqual(refusal(await asDocumented('nowhere')), [400, 250_306]);
    far.proxy.setFault(() => ({ kind: 'answer', status: 503 }));
    await eventually(
      async () => assert.deepEqual(refusal(await asDocumented('shanghai')), [400, 250_301]) === undefined,
    );
    far.proxy.setFault(undefined);
    await eventually(async () => (await asDocumented('shanghai')).code === 0);
  });

  const EXAMPLES = [
    {
      document: 'first',
      place: '/replication//api/task/cluster',
      name: '计划',
      body: firstDocument,
      plan: { executionPlan: { executeImmediately: true } },
    },
    {
      document: 'later',
      place: `${TASK}/create`,
      name: 'fastjson',
      body: laterDocument,
      plan: { executionStrategy: 'IMMEDIATELY', executionPlan: { executeImmediately: true } },
    },
    {
      document: 'captured',
      place: `${TASK}/create`,
      name: 'Nightly copy',
      body: nightly,
      plan: { executionStrategy: 'CRON_EXPRESSION', executionPlan: { cronExpression: '0 0 3 * * ?' } },
    },
  ];
  for (const { document, place, name, body, plan } of EXAMPLES)
    test(`kubectl shows of the ${document} example what it says and the defaults, and nothing else`, async () => {
      const { admin } = rest();
      const { id } = await admin.data<Info>(`${CLUSTER}/info?name=shanghai`);
      // Kept from running: another test looks at a run.
      const sent = body(name, [id], { enabled: false });
      const info = told(await admin.post<Info>(place, sent));
      const { records } = await admin.data<Page>(`${TASK}/page?name=${encodeURIComponent(name)}`);
      assert.deepEqual(records, [info]);
      const all = await rest().tasks();
      const stored = all.find(({ spec }) => spec.name === name);
      assert.deepEqual(stored?.spec, { ...DEFAULTS, ...sent, setting: { ...SETTING, ...plan } });
      assert.match(stored.metadata.name, /^[a-z0-9-]+$/);
      assert.equal(stored.metadata.annotations?.[CREATED_BY], ADMIN.username);
      assert.deepEqual(told(await admin.post(place, sent)), info, 'the same again');
      assert.deepEqual(refusal(await admin.post(place, body(name, [id], { description: 'other' }))), [400, 250_107]);
    });

  test('a task is changed, copied, toggled and removed, and kubectl sees each of it', async () => {
    const { admin } = rest();
    const body = (changes: object): object => nightly('task1', ['shanghai'], changes);
    const { key } = told(await admin.post<Info>(`${TASK}/create`, body({})));
    assert.equal(await admin.data(`${TASK}/cluster/canUpdated/${key}`), true);
    told(await admin.post(`${TASK}/update`, body({ key, description: 'changed' })));
    const { spec, metadata } = await rest().yaml('replicatasks', 'task1');
    assert.deepEqual([spec.description, metadata.annotations?.[MODIFIED_BY]], ['changed', ADMIN.username]);
    told(await admin.post(`${TASK}/copy`, { key, name: 'task_copy', description: 'copy replica task' }));
    const { records } = await admin.data<Page>(`${TASK}/page/tools?name=task_c&enabled=false&pageNumber=0`);
    assert.deepEqual(
      records.map(({ name }) => name),
      ['task_copy'],
    );
    const copy = (await rest().tasks()).find((one) => one.spec.name === 'task_copy');
    assert.deepEqual(copy?.spec, { ...spec, name: 'task_copy', description: 'copy replica task', enabled: false });
    told(await admin.post(`${TASK}/toggle/status/${key}`));
    assert.deepEqual((await rest().yaml('replicatasks', 'task1')).spec, { ...spec, enabled: false });
    assert.deepEqual(refusal(await admin.post(`${TASK}/execute/${key}`)), [400, 250_304]);
    for (const gone of [key, records[0]?.key]) told(await admin.delete(`${TASK}/delete/${gone}`));
    const left = (await rest().tasks()).map((one) => one.spec.name);
    assert.deepEqual(
      left.filter((name) => name?.startsWith('task')),
      [],
    );
  });

  test('a run is followed by REST, and its records are those of kubectl and the journal', async () => {
    const { admin, far, parts } = rest();
    far.proxy.setFault(({ url }) => (url.includes('node/create') ? { kind: 'answer', status: 503 } : undefined));
    const { key } = told(await admin.post<Info>(`${TASK}/cluster`, firstDocument('followed', ['shanghai'])));
    const info = (): Promise<Info> => admin.data<Info>(`${TASK}/info/${key}`);
    await eventually(async () => (await info()).lastExecutionStatus === 'RUNNING', PATIENCE);
    assert.equal((await info()).status, 'REPLICATING');
    assert.deepEqual(refusal(await admin.post(`${TASK}/execute/${key}`)), [400, 250_303]);
    const [open] = await admin.data<readonly RunInfo[]>(`${TASK}/record/list/${key}`);
    assert.deepEqual([open?.status, open?.endTime], ['RUNNING', null]);
    far.proxy.setFault(undefined);
    await eventually(async () => (await info()).lastExecutionStatus === 'SUCCESS', PATIENCE);
    assert.deepEqual(await parts.differences(far, FIRST_COPY, SMALL), []);
    told(await admin.post(`${TASK}/execute/${key}`));
    const twice = { executionTimes: 2, lastExecutionStatus: 'SUCCESS' };
    await eventually(async () => assert.partialDeepStrictEqual(await info(), twice) === undefined, PATIENCE);

    const runs: RunInfo[] = [];
    for (const number of [1, 2]) {
      const page = await admin.data<Page<RunInfo>>(`${TASK}/record/page/${key}?pageNumber=${number}&pageSize=1`);
      assert.deepEqual([page.totalRecords, page.totalPages, page.records.length], [2, 2, 1]);
      runs.push(...page.records);
    }
    const byRest = runs.map(({ id, status }) => [id, status]);
    const journal = await parts.journal.collection('replica_record').find({ name: 'followed' }).toArray();
    const { status } = await rest().yaml('replicatasks', 'followed');
    assert.deepEqual(byRest, journal.map((record) => [String(record._id), record['status']]).reverse());
    assert.deepEqual(
      byRest,
      status.history?.map((run) => [run.recordId, run.status]),
    );
    const counts = runs.map(({ replicaOverview: { success, fileSuccess } }) => [success, fileSuccess]);
    assert.deepEqual(counts, [
      [3, 0],
      [3, 3],
    ]);
    assert.deepEqual(await artifacts(Client.basic(rest().standby, VIEWER), open?.id ?? ''), [
      '/a.txt',
      '/b/c.txt',
      '/d e.txt',
    ]);
  });
}

/** By pages of one. */
async function artifacts(client: Client, recordId: string): Promise<readonly string[]> {
  const names: string[] = [];
  for (let number = 1; ; number += 1) {
    const place = `${TASK}/record/detail/page/${recordId}?pageNumber=${number}&pageSize=1`;
    const { records, totalPages } = await client.data<Page<{ artifactName: string; status: string }>>(place);
    assert.deepEqual(
      records.map((one) => one.status),
      ['SUCCESS'],
    );
    names.push(...records.map(({ artifactName }) => artifactName));
    if (number === totalPages) return names.sort();
  }
}

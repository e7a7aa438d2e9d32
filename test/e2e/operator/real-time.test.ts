/** A REAL_TIME task on a real API server: what kubectl shows of it, and that a lost leader costs no change. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { SourceWriter } from '../../support/source-writer.ts';
import { eventually } from '../../support/wait.ts';
import { Installation, NAMESPACE } from './installation.ts';
import { cluster, copyOf, secret, task } from './manifests.ts';
import { ACCOUNT, type FarSide, Parts, SMALL } from './parts.ts';

const LEASE = { durationSeconds: 3, renewSeconds: 2, retrySeconds: 0.5 };
const IN = ['-n', NAMESPACE];

let installation: Installation;
let parts: Parts;
let good: FarSide;
let writer: SourceWriter;

before(async () => {
  installation = await Installation.start();
  parts = await Parts.start(installation.directory);
  good = await parts.farSide('good');
  writer = await SourceWriter.start({ db: parts.builder.db, storeDir: parts.builder.storeDir });
  await installation.install(parts.databases);
  await installation.startOperator({ ...parts.configuration(), lease: LEASE });
  const follow = task('follow', ['good'], { spec: { replicaType: 'REAL_TIME' }, setting: { maxLag: '1m' } });
  await installation.apply(NAMESPACE, [
    secret('good-credentials', ACCOUNT),
    cluster('good', { url: good.url }),
    follow,
  ]);
});
after(async () => {
  await writer.stop();
  await parts.stop();
  await installation.stop();
});

async function equal(): Promise<void> {
  const check = async (): Promise<boolean> => {
    assert.deepEqual(await parts.differences(good, copyOf('follow'), SMALL), []);
    return true;
  };
  await eventually(check, { timeoutMs: 40_000, intervalMs: 100 });
}

test('kubectl shows where changes are heard of, and how far behind the far side is', async () => {
  await installation.condition('replicatasks', 'follow', 'Synced', { status: 'True', reason: 'AllEqual' });
  await installation.condition('replicatasks', 'follow', 'FeedReady', { status: 'True', reason: 'ChangeStream' });
  await installation.condition('replicatasks', 'follow', 'Fresh', { status: 'True' });
  const repository = await writer.repository(SMALL.projectId, SMALL.repoName);
  await repository.putFile('/new.txt', 'new');
  await repository.deleteFile('/a.txt');
  await equal();
  const table = await installation.kubectl(...IN, 'get', 'rtask', 'follow', '-o', 'wide');
  const [head = '', row = ''] = table.split('\n');
  assert.match(head, /SCHEDULE +ENABLED .*LAG .*FEED/);
  assert.match(row, /^follow +REAL_TIME +Continuously +true .* \d[0-9.]*s .*changeStream/);
  const described = await installation.kubectl(...IN, 'describe', 'replicatask', 'follow');
  assert.match(described, /FollowStarted .*follows the source to good/);
  assert.match(described, /Kind: +changeStream/);
});

test('when the leader is killed the next one goes on, and no change is lost', async () => {
  const [first] = installation.programs;
  await installation.startOperator({ ...parts.configuration(), lease: LEASE });
  const repository = await writer.repository(SMALL.projectId, SMALL.repoName);
  for (let file = 0; file < 20; file += 1) {
    if (file === 5) await first?.signal('SIGKILL');
    await repository.putFile(`/queued/${file}.txt`, `file ${file}`);
    if (file % 4 === 3) await repository.deleteFile(`/queued/${file - 2}.txt`);
  }
  await equal();
  const records = await parts.journal.collection('replica_record').find({ name: 'follow', part: 'compare' }).toArray();
  assert.equal(records.length, 1, 'everything was compared again');
});

test('what is asked of it by annotation is answered, and a suspension ends it', async () => {
  await installation.annotate('follow', 'replication.bkrepo.io/run-requested=now');
  await eventually(
    async () => {
      const status = (await installation.get('replicatasks', 'follow'))?.status;
      return status?.lastHandledRunRequest === 'now' && status.history?.some(({ trigger }) => trigger === 'resync');
    },
    { timeoutMs: 20_000 },
  );
  await installation.annotate('follow', 'replication.bkrepo.io/suspended=true');
  await installation.condition('replicatasks', 'follow', 'Ready', { status: 'True', reason: 'Suspended' });
  const gone = async (): Promise<boolean> =>
    (await parts.journal.collection('replica_record').countDocuments({ name: 'follow', status: 'RUNNING' })) === 0;
  await eventually(gone, { timeoutMs: 20_000 });
});

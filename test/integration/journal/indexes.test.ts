import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';

import { type Db, type Document, MongoClient } from 'mongodb';

import type { FollowJournal } from '../../../src/engine/ports/follow-journal.ts';
import type { RunJournal } from '../../../src/engine/ports/journal.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { DetailFilter, FollowedTask, RunRecord } from '../../../src/journal/records.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { begin, closeAll, detail, never, open, outcome, start, unique } from './samples.ts';
import { type StandaloneMongod, startStandaloneMongod } from './standalone-mongod.ts';

let mongod: StandaloneMongod;
let client: MongoClient;
let db: Db;
let journal: Journal;
const database = unique('indexes');
const clock = new FakeClock();

before(async () => {
  mongod = await startStandaloneMongod();
  client = await MongoClient.connect(mongod.uri);
  db = client.db(database);
  journal = await open(mongod.uri, { database, clock });
});
after(async () => {
  await closeAll();
  await client?.close();
  await mongod?.stop();
});

const page = { pageNumber: 1, pageSize: 5 };
const repository = { projectId: 'mirror', name: 'files', storageKey: null };
const session = { id: 's', acknowledged: 0, absentBefore: true, setbacks: 0 };
const unitFailure = {
  fingerprint: 'f',
  failures: 1,
  lastFailedAt: new Date(0),
  reason: 'R',
  message: 'm',
  unitKey: '0:/1',
};
const living = new Map([['a', { reserveDays: 1 }]]);

/** Prefixes leave few details: those are sorted. */
const PREFIX = '/dir/1';
const BELOW_PREFIX = 11;
const PACKAGES = 10;
/** Of one record: its details, and one more key behind each stretch of an index. */
const MOST_KEYS = 125;
/** Of a page of ten, or two asked for by name: that, and one more key behind each stretch. */
const MOST_FOLLOWED = 15;
const DETAIL_FILTERS: readonly DetailFilter[] = [
  {},
  { status: 'SUCCESS' },
  { result: 'FAILED' },
  { clusterName: 'edge-a' },
  { repoName: 'files' },
  { result: 'SUCCESS', clusterName: 'edge-a', repoName: 'files' },
  { version: '1.0' },
  { version: '1.0', status: 'SUCCESS', clusterName: 'edge-a', repoName: 'files' },
  { pathPrefix: PREFIX },
  { artifactNamePrefix: PREFIX },
  { packageKeyPrefix: 'npm://' },
  { artifactNamePrefix: 'lib' },
  { clusterName: 'edge-a', repoName: 'files', pathPrefix: PREFIX, result: 'SUCCESS' },
];

interface Subjects {
  readonly run: RunJournal;
  readonly record: RunRecord;
  readonly ended: RunRecord;
  readonly followed: FollowedTask;
  readonly follower: FollowJournal;
}

const OF_A_RUN: Readonly<Record<Exclude<keyof RunJournal, 'recordId'>, (at: Subjects) => Promise<unknown>>> = {
  findDetails: ({ run }) => run.findDetails('cluster-a', ['0:/dir/1', '0:/dir/2'], never),
  writeDetails: ({ run }) => run.writeDetails([detail(1), detail(2, { status: 'FAILED' })], never),
  findProofs: ({ run }) => run.findProofs('cluster-a', null, ['d1', 'd2'], never),
  writeProofs: ({ run }) => run.writeProofs('cluster-a', null, [{ sha256: 'd1', method: 'check' }], never),
  deleteProof: ({ run }) => run.deleteProof('cluster-a', null, 'd1', never),
  findOwnedKeys: ({ run }) => run.findOwnedKeys('cluster-a', repository, ['/1', '/2'], never),
  findOwnedFiles: ({ run }) => run.findOwnedFiles('cluster-a', repository, ['/1', '/2'], never),
  writeOwnedKeys: ({ run }) =>
    run.writeOwnedKeys(
      'cluster-a',
      repository,
      [
        { fullPath: '/1', keys: ['k'] },
        { fullPath: '/2', keys: [] },
        { fullPath: '/3', file: { sha256: 'd', sourceId: '3', partOf: 'npm://a@1.0' } },
        { fullPath: '/4', file: null },
      ],
      never,
    ),
  failedUnits: async ({ run, ended }) => [
    await run.failedUnits(ended.id, 'cluster-a', undefined, 5, never),
    await run.failedUnits(ended.id, 'cluster-a', '0:/dir/1', 5, never),
  ],
  confirmDetails: ({ run }) => run.confirmDetails('cluster-a', ['0:/dir/1', '0:/dir/2'], never),
  leftDetails: async ({ run }) => [
    await run.leftDetails('cluster-a', undefined, 5, never),
    await run.leftDetails('cluster-a', '0:/dir/1', 5, never),
  ],
  dropLeftDetails: ({ run }) => run.dropLeftDetails('cluster-a', never),
  hasFailures: ({ run }) => run.hasFailures('cluster-a', never),
  findFailures: ({ run }) => run.findFailures('cluster-a', ['0:/1', '0:/2'], never),
  writeFailures: ({ run }) => run.writeFailures('cluster-a', [unitFailure], never),
  deleteFailures: ({ run }) => run.deleteFailures('cluster-a', ['0:/1', '0:/2'], never),
  findUpload: ({ run }) => run.findUpload('cluster-a', repository, 'd1', never),
  writeUpload: ({ run }) => run.writeUpload('cluster-a', repository, 'd1', session, never),
  deleteUpload: ({ run }) => run.deleteUpload('cluster-a', repository, 'd1', never),
};

const dirty = { repoName: 'files', kind: 'path', name: '/1' } as const;
const aRetry = { key: dirty, at: new Date(0), attempts: 1, dueAt: new Date(0) };

const OF_A_FOLLOWER: Readonly<
  Record<Exclude<keyof FollowJournal, 'state'>, (at: { readonly follower: FollowJournal }) => Promise<unknown>>
> = {
  mark: ({ follower }) => follower.mark([{ key: dirty, seq: 900, at: new Date(0) }], never),
  marks: ({ follower }) => follower.marks(5, 10, never),
  countMarks: ({ follower }) => follower.countMarks(5, never),
  forgetMarks: ({ follower }) => follower.forgetMarks(5, never),
  savePosition: ({ follower }) => follower.savePosition({ kind: 'oplog', at: new Date(0), token: '' }, never),
  saveFarSide: async ({ follower }) => {
    for (const cursor of [1, 2]) await follower.saveFarSide({ clusterId: 'cluster-a', cursor }, never);
  },
  saveRetries: ({ follower }) => follower.saveRetries('cluster-a', [aRetry], never),
  dueRetries: ({ follower }) => follower.dueRetries('cluster-a', new Date(1), 10, never),
  retryNow: ({ follower }) => follower.retryNow('cluster-a', new Date(1), never),
  countRetries: ({ follower }) => follower.countRetries('cluster-a', never),
  dropRetries: ({ follower }) => follower.dropRetries('cluster-a', [{ key: dirty, dueAt: new Date(0) }], never),
  owned: async ({ follower }) => {
    for (const scope of [
      { paths: ['/9', '/10'] },
      { below: '/' },
      { below: '/a' },
      { package: 'npm://a' },
      { package: 'npm://a', version: '1.0' },
      { versions: true },
    ] as const)
      for (const from of [undefined, '/9']) await follower.owned('cluster-a', repository, scope, from, 10, never);
  },
  countOwned: ({ follower }) => follower.countOwned('cluster-a', never),
  ownedFrom: ({ follower }) => follower.ownedFrom(['1', '2'], never),
  disown: ({ follower }) =>
    follower.disown('cluster-a', repository, [{ fullPath: '/1', updatedAt: new Date(0) }], never),
};

const OF_ALL: Readonly<
  Record<Exclude<keyof Journal, 'runJournal' | 'ping' | 'close'>, (at: Subjects) => Promise<unknown>>
> = {
  beginRun: () => journal.beginRun(start({ taskKey: 'c', taskUid: 'uid-c' }), never),
  findClaim: () => journal.findClaim('a', 'one-shot:abc', never),
  findRun: ({ record }) => journal.findRun(record.id, never),
  openRuns: () => journal.openRuns(never),
  openRunOf: () => journal.openRunOf('a', 'uid-a', never),
  lastRuns: () => journal.lastRuns('a', 10, never),
  lastCompares: () => journal.lastCompares('a', 2, never),
  runPage: async () => {
    for (const status of [undefined, ['SUCCESS', 'FAILED'] as const])
      await journal.runPage('a', status, { pageNumber: 1, pageSize: 10 }, never);
  },
  details: async ({ ended }) => {
    for (const filter of DETAIL_FILTERS)
      for (const pageNumber of [1, 20]) await journal.details(ended.id, filter, { ...page, pageNumber }, never);
  },
  countDetails: ({ ended }) => journal.countDetails(ended.id, never),
  adopt: ({ record }) => journal.adopt(record.id, never),
  finishRun: async () => {
    const record = await begin(journal, { taskKey: 'd', taskUid: 'uid-d' });
    return journal.finishRun(record, { status: 'SUCCESS', farSides: [outcome()] }, never);
  },
  finishRolling: async () => {
    const record = await begin(journal, { taskKey: 'f', taskUid: 'uid-f', trigger: 'event' });
    await journal.runJournal(record).writeDetails([detail(1), detail(2, { status: 'FAILED' })], never);
    return journal.finishRolling(record, [], never);
  },
  follow: ({ followed }) => journal.follow(followed, never),
  sweep: () => journal.sweep(new Set(['uid-a', 'uid-z']), new Date(clock.now() + 1), never),
  expire: async () => {
    clock.advance(100 * 86_400_000);
    for (const after of [{ taskKey: '' }, { recordId: '' }])
      await journal.expire({ living, maxRunsPerTask: 2, after }, never);
  },
};

/** Runs of three tasks with 110 details each, one that is open and was adopted, and of everything else something. */
async function furnish(): Promise<Subjects> {
  const rows = [
    ...Array.from({ length: 100 }, (_, n) => detail(n, n % 10 === 0 ? { status: 'FAILED' } : {})),
    ...Array.from({ length: PACKAGES }, (_, n) => {
      const [packageKey, packageName] = [`npm://lib-${n}`, `lib-${n}`];
      return detail(n, { unitKey: `1:${packageKey}@1.0`, packageKey, packageName, version: '1.0' });
    }),
  ];
  let ended: RunRecord | undefined;
  for (const [taskKey, runs] of [
    ['a', 5],
    ['b', 3],
    ['e', 1],
  ] as const)
    for (let n = 0; n < runs; n += 1) {
      const keepDetails = taskKey !== 'e';
      const record = await begin(journal, {
        taskKey,
        taskUid: `uid-${taskKey}`,
        claim: `tick:${n}`,
        trigger: 'tick',
        keepDetails,
      });
      await journal.runJournal(record).writeDetails(rows, never);
      ended = await journal.finishRun(record, { status: 'SUCCESS', farSides: [] }, never);
      if (taskKey === 'a' && n === 0) clock.advance(200 * 86_400_000);
    }
  assert.ok(ended);
  // Of a run whose record is lost.
  await db
    .collection('replica_record_detail')
    .insertOne({ recordId: '000000000000000000000000', clusterId: 'c', unitKey: 'u' });
  for (const specHash of ['old', 'new']) {
    for (const uid of ['uid-a', 'uid-gone']) {
      const record = await begin(journal, {
        taskKey: uid.slice(4),
        taskUid: uid,
        claim: `request:${specHash}`,
        specHash,
      });
      const run = journal.runJournal(record);
      await run.writeFailures('cluster-a', [unitFailure], never);
      await run.writeUpload('cluster-a', repository, 'd9', session, never);
      await run.writeOwnedKeys('cluster-a', repository, [{ fullPath: '/9', keys: ['k'] }], never);
      await journal.finishRun(record, { status: 'FAILED', farSides: [] }, never);
    }
  }
  const retried = (await journal.lastRuns('a', 10, never)).find(({ trigger }) => trigger === 'tick');
  assert.ok(retried);
  const first = await begin(journal, { taskKey: 'a', taskUid: 'uid-a', claim: 'retry:1', retryOf: retried.id });
  await journal.runJournal(first).writeDetails(rows, never);
  const record = await journal.adopt(first.id, never);
  assert.ok(record);
  const followed = { taskKey: 'a', taskUid: 'uid-a', namespace: 'team', name: 'a' };
  const follower = await journal.follow(followed, never);
  await follower.saveRetries('cluster-a', [aRetry], never);
  const marks = Array.from({ length: 500 }, (_, n) => ({
    key: { ...dirty, name: `/${n}` },
    seq: n + 1,
    at: new Date(0),
  }));
  await follower.mark(marks, never);
  const owned = Array.from({ length: 500 }, (_, n) => ({
    fullPath: `/of/others/${n}`,
    file: { sha256: 'd', sourceId: `other ${n}`, partOf: `npm://b@${n}.0` },
  }));
  const version = { fullPath: 'npm://a@1.0', file: { sha256: null, sourceId: 'v' } };
  await journal.runJournal(record).writeOwnedKeys('cluster-b', repository, [...owned, version], never);
  await journal.runJournal(record).writeOwnedKeys('cluster-a', repository, [...owned, version], never);
  return { run: journal.runJournal(record), record, ended: retried, followed, follower };
}

const KNOWN = new Set([
  'replica_record',
  'replica_record_detail',
  'blob_proof',
  'owned_metadata',
  'unit_failure',
  'upload_session',
  'follow_state',
  'follow_mark',
  'follow_retry',
]);

it('asks nothing that would read a whole collection, or sort more in memory than a prefix leaves', async (context) => {
  const subjects = await furnish();
  await db.createCollection('system.profile', { capped: true, size: 64 * 1024 ** 2 });
  await db.command({ profile: 2 });
  const seen = new Set<string>();
  const calls = [...Object.entries(OF_A_RUN), ...Object.entries(OF_A_FOLLOWER), ...Object.entries(OF_ALL)];
  for (const [name, call] of calls) {
    const from = await db.collection('system.profile').countDocuments();
    await call(subjects);
    const entries = (await db.collection('system.profile').find().skip(from).toArray()).filter(isAboutUs);
    assert.ok(entries.length > 0, `${name} asks something`);
    for (const entry of entries) {
      const plan = String(entry['planSummary'] ?? '');
      const what = `${name}: ${JSON.stringify(entry['command']).slice(0, 600)} by ${plan}`;
      assert.doesNotMatch(plan, /COLLSCAN/, what);
      if (name === 'details') assert.ok(Number(entry['keysExamined']) <= MOST_KEYS, `${what} keeps to its record`);
      if (name === 'details' && entry['hasSortStage'] === true) {
        assert.ok(Number(entry['docsExamined']) <= BELOW_PREFIX, `${what} sorts what a prefix leaves, and no more`);
        assert.match(plan, /unitKey|artifactName|packageKey/, what);
      } else if (name === 'owned' && entry['hasSortStage'] === true) {
        assert.equal(entry['docsExamined'], 0, `${what} sorts keys, and reads nothing`);
        assert.match(plan, /packageKey/, what);
      } else assert.notEqual(entry['hasSortStage'], true, what);
      if (name in OF_A_FOLLOWER && name.startsWith('count'))
        assert.equal(entry['docsExamined'], 0, `${what} reads nothing`);
      if (name in OF_A_FOLLOWER && !name.startsWith('count'))
        assert.ok(Number(entry['keysExamined'] ?? 0) <= MOST_FOLLOWED, `${what} keeps to what was asked for`);
      seen.add(String(entry['ns']).slice(database.length + 1));
    }
  }
  await db.command({ profile: 0 });
  assert.deepEqual(seen, KNOWN, 'every collection was asked');
  context.diagnostic(`${calls.length} methods`);
});

/** Making indexes, and what this test asks itself, apart. */
function isAboutUs(entry: Document): boolean {
  const command = entry['command'] as Document | undefined;
  return KNOWN.has(String(entry['ns']).slice(database.length + 1)) && command?.['createIndexes'] === undefined;
}

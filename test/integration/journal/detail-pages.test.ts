import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MongoClient } from 'mongodb';

import type { UnitDetail, UnitStatus } from '../../../src/engine/ports/journal.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { DetailFilter, RunRecord } from '../../../src/journal/records.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { begin, closeAll, detail, never, open, unique } from './samples.ts';
import { type StandaloneMongod, startStandaloneMongod } from './standalone-mongod.ts';

const STATUSES: readonly UnitStatus[] = ['SUCCESS', 'FAILED', 'UNCHANGED', 'CONFLICT', 'NOT_TRIED'];
/** More than are sorted when a prefix leaves them. */
const FILES = 5_200;
const clock = new FakeClock();
const database = unique('pages');

let mongod: StandaloneMongod;
let journal: Journal;
let record: RunRecord;
let units: readonly UnitDetail[];

before(async () => {
  mongod = await startStandaloneMongod();
  journal = await open(mongod.uri, { database, clock });
  record = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
  units = [
    ...Array.from({ length: FILES }, (_, n) => file(n, n % 3 === 0 ? `/a(b).*/${n}` : `/plain/${n % 7}/${n}`)),
    ...Array.from({ length: 300 }, (_, n) => version(FILES + n)),
  ];
  await journal.runJournal(record).writeDetails(units, never);
});
after(async () => {
  await closeAll();
  await mongod?.stop();
});

function shared(n: number): Partial<UnitDetail> {
  return {
    clusterId: `cluster-${n % 2}`,
    clusterName: `edge-${n % 2}`,
    status: STATUSES[n % 5] ?? 'SUCCESS',
    startTime: new Date(1_000 * Math.floor(n / 2)),
  };
}

function file(n: number, fullPath: string): UnitDetail {
  const object = n % 4 === 0 ? 10 : n % 2;
  return detail(n, { ...shared(n), unitKey: `${object}:${fullPath}`, fullPath, localRepoName: `files-${object}` });
}

function version(n: number): UnitDetail {
  const [name, number] = [n % 2 === 0 ? 'lib' : 'lib-more', `1.${n % 5}`];
  const packageKey = `npm://@s/${name}`;
  const of = { packageKey, packageName: `@s/${name}`, version: number, repoType: 'NPM', localRepoName: 'npm' };
  return detail(n, { ...shared(n), unitKey: `2:${packageKey}@${number}#${n}`, fullPath: `/@s/${name}.tgz`, ...of });
}

/** The same by looking at each. */
function holds(unit: UnitDetail, filter: DetailFilter): boolean {
  const path = unit.packageKey === undefined ? unit.fullPath : undefined;
  const good = unit.status !== 'FAILED' && unit.status !== 'NOT_TRIED';
  return (
    (filter.status ?? unit.status) === unit.status &&
    (filter.result === undefined || (filter.result === 'SUCCESS') === good) &&
    (filter.clusterName ?? unit.clusterName) === unit.clusterName &&
    (filter.repoName ?? unit.localRepoName) === unit.localRepoName &&
    (filter.version === undefined || filter.version === unit.version) &&
    ((filter.pathPrefix ?? '') === '' || path?.startsWith(filter.pathPrefix ?? '') === true) &&
    ((filter.packageKeyPrefix ?? '') === '' || unit.packageKey?.startsWith(filter.packageKeyPrefix ?? '') === true) &&
    (path ?? unit.packageName ?? '').startsWith(filter.artifactNamePrefix ?? '')
  );
}

const FILTERS: readonly DetailFilter[] = [
  {},
  { pathPrefix: '', packageKeyPrefix: '', artifactNamePrefix: '' },
  { status: 'CONFLICT' },
  { result: 'SUCCESS' },
  { result: 'FAILED' },
  { result: 'FAILED', status: 'NOT_TRIED' },
  { result: 'FAILED', status: 'SUCCESS' },
  { clusterName: 'edge-1' },
  { clusterName: 'edge-' },
  { repoName: 'files-10' },
  { repoName: '.*' },
  { clusterName: 'edge-0', repoName: 'npm', result: 'SUCCESS' },
  { pathPrefix: '/' },
  { pathPrefix: '/a(b).*/' },
  { pathPrefix: '/.*' },
  { pathPrefix: '/@s' },
  { pathPrefix: 'plain' },
  { pathPrefix: '^/plain' },
  { pathPrefix: '/plain/3', clusterName: 'edge-1', result: 'FAILED' },
  { pathPrefix: '/plain', artifactNamePrefix: '/plain/4/1' },
  { pathPrefix: '/', packageKeyPrefix: 'npm://' },
  { packageKeyPrefix: 'npm://@s/lib' },
  { packageKeyPrefix: 'npm://@s/lib-' },
  { packageKeyPrefix: 'npm://@s/lib@' },
  { packageKeyPrefix: '/' },
  { packageKeyPrefix: 'npm://@s/lib', artifactNamePrefix: '@s/lib-', version: '1.2' },
  { artifactNamePrefix: '/plain/5' },
  { artifactNamePrefix: '@s/' },
  { artifactNamePrefix: 'npm' },
  { artifactNamePrefix: '@s/lib', status: 'UNCHANGED', clusterName: 'edge-1' },
  { version: '1.1' },
  { version: '1.1', result: 'SUCCESS', clusterName: 'edge-0' },
  { version: '1' },
  { pathPrefix: '/plain\0' },
  { pathPrefix: `/${'x'.repeat(20_000)}` },
  { repoName: 'a\0b', version: '\ud800' },
];

describe('pages of details', () => {
  it('hold what a filter leaves, newest first, wherever the page is', async () => {
    const pageSize = 90;
    for (const filter of FILTERS) {
      const expected = units.filter((unit) => holds(unit, filter));
      const times = expected.map(({ startTime }) => startTime.getTime()).toSorted((a, b) => b - a);
      const last = Math.max(1, Math.ceil(expected.length / pageSize));
      for (const pageNumber of new Set([1, Math.ceil(last / 3), last, last + 1])) {
        const what = `page ${pageNumber} of ${JSON.stringify(filter).slice(0, 200)}`;
        const { total, records } = await journal.details(record.id, filter, { pageNumber, pageSize }, never);
        assert.equal(total, expected.length, what);
        assert.ok(
          records.every((unit) => holds(unit, filter)),
          what,
        );
        const slice = times.slice((pageNumber - 1) * pageSize, pageNumber * pageSize);
        assert.deepEqual(
          records.map(({ startTime }) => startTime.getTime()),
          slice,
          what,
        );
      }
    }
  });

  it('show every detail once when they are turned from the first to the last', async () => {
    for (const filter of [{ result: 'SUCCESS' }, { pathPrefix: '/' }, { packageKeyPrefix: 'npm:' }] as const) {
      const seen = new Set<string>();
      for (let pageNumber = 1; ; pageNumber += 1) {
        const { records } = await journal.details(record.id, filter, { pageNumber, pageSize: 1_000 }, never);
        if (records.length === 0) break;
        for (const { id } of records) seen.add(id);
      }
      assert.equal(seen.size, units.filter((unit) => holds(unit, filter)).length);
    }
  });

  it('of a run that ended are counted once, until its details go', async () => {
    const page = { pageNumber: 1, pageSize: 10 };
    const ended = await begin(journal, { taskKey: unique('key'), taskUid: unique('uid') });
    await journal.runJournal(ended).writeDetails(units.slice(0, 50), never);
    await journal.finishRun(ended, { status: 'SUCCESS', farSides: [] }, never);
    const client = await MongoClient.connect(mongod.uri);
    try {
      const rows = client.db(database).collection('replica_record_detail');
      const total = async () => (await journal.details(ended.id, {}, page, never)).total;
      await rows.deleteOne({ recordId: ended.id });
      assert.equal(await total(), 49, 'a late batch may still come');
      clock.advance(121_000);
      assert.equal(await total(), 49);
      await rows.deleteOne({ recordId: ended.id });
      assert.equal(await total(), 49);
      await client
        .db(database)
        .collection('replica_record')
        .updateOne({ claim: ended.claim, taskKey: ended.taskKey }, { $set: { detailsGone: true } });
      assert.equal(await total(), 48);
    } finally {
      await client.close();
    }
  });
});

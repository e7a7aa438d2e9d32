import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { Fault, SeenRequest } from '../../support/fault-proxy.ts';
import { World } from '../../support/world.ts';

let world: World;
const FILES = 40;

before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: FILES - 1 }, (_, index) => ({
      path: `/d${index % 5}/f${index}`,
      content: `content of file ${index}`,
    })),
  );
  await world.files.putFile('/large.bin', seededBytes(9 * 1024 * 1024, 7));
});
after(() => world.stop());

const is = (part: string) => (request: SeenRequest) => request.url.includes(part);

/** The first `times` requests of a kind meet the fault. */
function first(times: number, match: (request: SeenRequest) => boolean, fault: Fault) {
  let left = times;
  return (request: SeenRequest): Fault | undefined => {
    if (left === 0 || !match(request)) return undefined;
    left -= 1;
    return fault;
  };
}

const everySeventh = (fault: Fault) => (request: SeenRequest) => (request.index % 7 === 6 ? fault : undefined);
const passing: readonly (readonly [string, () => (request: SeenRequest) => Fault | undefined])[] = [
  [
    'answers 500 now and then',
    () => everySeventh({ kind: 'answer', status: 500, body: '{"code":250102,"message":"busy"}' }),
  ],
  ['answers 503 for a while', () => first(8, () => true, { kind: 'answer', status: 503 })],
  [
    'answers 429 with Retry-After',
    () => first(3, is('node/create'), { kind: 'answer', status: 429, headers: { 'retry-after': '1' } }),
  ],
  ['resets connections', () => everySeventh({ kind: 'reset' })],
  ['closes in mid-upload', () => first(3, is('blobs/uploads'), { kind: 'reset', afterBytes: 1024 * 1024 })],
  ['closes in the middle of small uploads', () => first(5, is('blob/push'), { kind: 'reset', afterBytes: 100 })],
  ['loses the answers of creates', () => first(10, is('node/create'), { kind: 'lose-answer' })],
  ['loses the answers of uploads', () => first(10, is('blob'), { kind: 'lose-answer' })],
  ['stalls in mid-upload', () => first(1, is('blobs/uploads'), { kind: 'stall', afterBytes: 1024 * 1024 })],
  ['stalls before it answers', () => first(2, is('node/search'), { kind: 'stall' })],
  [
    'answers creates that it does not do',
    () => first(3, is('node/create'), { kind: 'answer', status: 200, body: '{"code":0,"message":null,"data":null}' }),
  ],
  [
    'answers what is not JSON',
    () => first(5, is('node/search'), { kind: 'answer', status: 502, body: '<html>bad gateway</html>' }),
  ],
];

for (const faithful of [false, true]) {
  for (const [index, [what, rule]] of passing.entries()) {
    test(`a ${faithful ? 'faithful' : 'sound'} far side that ${what} ends equal, each unit counted once`, async () => {
      const farSide = await world.farSide(`passing${index}${faithful ? 'f' : ''}`, { faithful });
      farSide.proxy.setFault(rule());
      const { record, outcome } = await world.run([farSide], { patience: 30_000 });
      farSide.proxy.setFault(undefined);
      const [result] = outcome.farSides;
      assert.deepEqual(await world.differences(farSide), [], 'what was counted as done is there');
      const again = await world.run([farSide]);
      const { success = 0, unchanged = 0, failed = 0, conflict = 0, notTried = 0 } = result?.tally ?? {};
      assert.equal(success + unchanged + failed + conflict + notTried, FILES);
      assert.equal([...(await world.details(record, farSide)).values()].length, FILES - unchanged);
      assert.deepEqual([JSON.stringify(result?.examples), conflict, notTried, result?.error], ['[]', 0, 0, undefined]);
      assert.equal(again.outcome.farSides[0]?.tally.sentBytes, 0);
    });
  }
}

test('a far side that stores altered bytes gets no node for them, and the record names the digest', async () => {
  const farSide = await world.farSide('altering', { faithful: true });
  farSide.proxy.setFault(first(1, is('blob/push'), { kind: 'corrupt-request' }));
  const { record, outcome } = await world.run([farSide]);
  farSide.proxy.setFault(undefined);
  const failed = [...(await world.details(record, farSide)).entries()].filter(([, { status }]) => status === 'FAILED');
  assert.equal(failed.length, 1);
  const [path = '', detail] = failed[0] ?? [];
  const { sha256 = '' } = (await readBack(world.builder.db, world.builder.storeDir, 'acme', 'files')).get(path) ?? {};
  assert.equal(detail?.reason, 'StoredBytesDiffer');
  assert.match(detail?.errorReason ?? '', new RegExp(sha256));
  assert.equal(outcome.farSides[0]?.tally.success, FILES - 1);
  assert.deepEqual(await world.differences(farSide), [`${path}: only at source`]);
  await rm(blobPath(farSide.storeDir, sha256));
  await world.run([farSide]);
  assert.deepEqual(await world.differences(farSide), [], 'equal after the administrator removed the wrong blob');
});

test('a sound far side refuses altered bytes, and the next try mends it', async () => {
  const farSide = await world.farSide('refusing');
  farSide.proxy.setFault(first(1, is('blob/push'), { kind: 'corrupt-request' }));
  await world.run([farSide]);
  farSide.proxy.setFault(undefined);
  await world.run([farSide]);
  assert.deepEqual(await world.differences(farSide), []);
});

test('a line that alters what is read back is asked again before a blob is called wrong', async () => {
  const farSide = await world.farSide('bad-line', { faithful: true });
  farSide.proxy.setFault(first(1, is('blob/pull'), { kind: 'corrupt-answer' }));
  const { outcome } = await world.run([farSide]);
  assert.deepEqual([outcome.farSides[0]?.tally.failed, outcome.farSides[0]?.tally.success], [0, FILES]);
});

test('a question that fails is never read as "absent"', async () => {
  const farSide = await world.farSide('silent-search');
  farSide.proxy.setFault((request) =>
    is('node/search')(request) ? { kind: 'answer', status: 500, body: '{"code":250102}' } : undefined,
  );
  const { outcome } = await world.run([farSide]);
  assert.equal(outcome.farSides[0]?.tally.success, 0);
  assert.equal(farSide.proxy.requests.filter(is('node/create')).length, 0);
});

test('a dead far side is given up in words while the other is served', async () => {
  const dead = await world.farSide('dead');
  const alive = await world.farSide('alive');
  dead.proxy.setFault(() => ({ kind: 'reset' }));
  const { record, outcome } = await world.run([dead, alive], { patience: 1500 });
  const [lost, served] = outcome.farSides;
  assert.equal(lost?.error?.reason, 'FarSideUnavailable');
  assert.match(lost?.error?.message ?? '', /far side dead has not answered/);
  assert.deepEqual([served?.error, served?.tally.success], [undefined, FILES]);
  assert.deepEqual(await world.differences(alive), []);
  assert.equal(record.status, 'FAILED');
});

test('a far side that dies in mid-run leaves every unit with exactly one record', async () => {
  const farSide = await world.farSide('dying');
  farSide.proxy.setFault(({ index }) => (index > 30 ? { kind: 'reset' } : undefined));
  const { record, outcome } = await world.run([farSide], { patience: 1500 });
  const { success = 0, unchanged = 0, failed = 0, conflict = 0, notTried = 0 } = outcome.farSides[0]?.tally ?? {};
  assert.equal(success + unchanged + failed + conflict + notTried, FILES);
  assert.ok(notTried > 0);
  assert.equal((await world.details(record, farSide)).size, FILES);
  farSide.proxy.setFault(undefined);
  await world.run([farSide]);
  assert.deepEqual(await world.differences(farSide), []);
});

test('a wrong password stops this far side at once and is never tried again and again', async () => {
  const farSide = await world.farSide('locked', { password: 'wrong-password' });
  const { outcome } = await world.run([farSide]);
  assert.equal(outcome.farSides[0]?.error?.reason, 'Unauthorized');
  assert.ok(farSide.proxy.requests.length < 5);
  assert.doesNotMatch(JSON.stringify(outcome), /wrong-password/);
});

test('a blob that the source lost, or that is damaged there, fails its unit and publishes nothing', async () => {
  const farSide = await world.farSide('honest');
  const old = new Date(Date.now() - 3_600_000);
  const lost = await world.files.putFile('/lost', 'this will be lost', { createdDate: old, lastModifiedDate: old });
  const damaged = await world.files.putFile('/damaged', 'this will be damaged', {
    createdDate: old,
    lastModifiedDate: old,
  });
  const short = await world.files.putFile('/short', 'this will be cut', { createdDate: old, lastModifiedDate: old });
  await rm(blobPath(world.builder.storeDir, lost.sha256));
  await writeFile(blobPath(world.builder.storeDir, damaged.sha256), 'this has been damaged');
  await writeFile(blobPath(world.builder.storeDir, short.sha256), 'this will');
  const { record, outcome } = await world.run([farSide]);
  const details = await world.details(record, farSide);
  assert.equal(details.get('/lost')?.reason, 'BlobMissing');
  assert.match(details.get('/lost')?.errorReason ?? '', new RegExp(lost.sha256));
  assert.equal(details.get('/damaged')?.status, 'FAILED');
  assert.equal(details.get('/short')?.status, 'FAILED');
  assert.equal(outcome.farSides[0]?.tally.success, FILES);
  const there = await readBack(farSide.db, farSide.storeDir, 'mirror', 'files');
  for (const path of ['/lost', '/damaged', '/short']) {
    assert.ok(!there.has(path));
    await world.files.deleteFile(path);
  }
});

test('a file that changes or goes while it is on its way ends as the source has it', async () => {
  const farSide = await world.farSide('moving');
  const changed = await world.files.putFile('/zz-changing', 'before');
  await world.files.putFile('/zz-going', 'before');
  let touched: Promise<unknown> | undefined;
  farSide.proxy.setFault((request) => {
    if (is('node/create')(request)) {
      touched ??= (async () => {
        await world.files.putFile('/zz-changing', 'after');
        await world.files.deleteFile('/zz-going');
        await rm(blobPath(world.builder.storeDir, changed.sha256), { force: true });
      })();
    }
    return undefined;
  });
  const { outcome } = await world.run([farSide]);
  await touched;
  assert.equal(outcome.farSides[0]?.tally.failed, 0);
  const there = await readBack(farSide.db, farSide.storeDir, 'mirror', 'files');
  const here = await readBack(world.builder.db, world.builder.storeDir, 'acme', 'files');
  assert.equal(there.get('/zz-changing')?.sha256, here.get('/zz-changing')?.sha256);
  await world.files.deleteFile('/zz-changing');
});

test('an outage of the database in mid-run costs nothing', async () => {
  const farSide = await world.farSide('through-outage');
  let outage: Promise<void> | undefined;
  farSide.proxy.setFault((request) => {
    if (is('node/create')(request)) {
      outage ??= (async () => {
        await world.mongod.kill('SIGSTOP');
        await new Promise((resolve) => setTimeout(resolve, 1000));
        await world.mongod.kill('SIGCONT');
      })();
    }
    return undefined;
  });
  const { outcome } = await world.run([farSide], { patience: 60_000 });
  await outage;
  assert.deepEqual([outcome.farSides[0]?.error, outcome.farSides[0]?.tally.failed], [undefined, 0]);
  assert.deepEqual(await world.differences(farSide), []);
});

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { openJournal } from '../../../src/journal/journal.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { startPeer } from '../../../src/peer/server.ts';
import { createBkRepoTarget } from '../../../src/target/bkrepo/target.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { type FarSide, World } from '../../support/world.ts';

/* Clocks that are ten minutes wrong, at the far side or here, or jump so far in the middle of a run. */

const TEN_MINUTES = 600_000;
const FILES = 60;
let world: World;

before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: FILES }, (_, index) => ({
      path: `/${index % 3}/file ${index}`,
      content: `content ${index}`,
      metadata: [{ key: 'index', value: index }],
      ...(index % 10 === 0 ? { expireDate: new Date(Date.now() + 30 * 86_400_000 + TEN_MINUTES / 2) } : {}),
    })),
  );
});
after(() => world.stop());

/** `shift` milliseconds away from the truth, or from the moment on in which it is set so. */
function shifted(shift: number): Clock & { shift: number } {
  const clock = {
    ...systemClock,
    shift,
    now: () => systemClock.now() + clock.shift,
  };
  return clock;
}

async function skewedSide(t: TestContext, name: string, faithful: boolean, clock: Clock): Promise<FarSide> {
  const db = world.client.db(`far_${name}`);
  const storeDir = join(world.directory, `store-${name}`);
  const username = 'replicator';
  const password = 'password';
  const peer = await startPeer({
    mongo: db,
    storePath: storeDir,
    users: [{ username, password, admin: true }],
    faithful,
    clock,
  });
  const proxy: FaultProxy = await startFaultProxy(peer.url);
  const target = createBkRepoTarget({
    id: `id-of-${name}`,
    name,
    url: proxy.url,
    username,
    password,
    hostPolicy: { allowedHosts: ['*'], allowedAddresses: ['127.0.0.0/8'], apiServers: [], allowedProxies: [] },
    timeouts: { connectMs: 2000, answerMs: 5000, downloadIdleMs: 5000, uploadIdleMs: 5000 },
    mayStart: () => {},
    userAgent: 'bkrepo-replicator/test',
    logger: silentLogger,
    clock: systemClock,
  });
  t.after(async () => {
    await target.close();
    await proxy.close();
    await peer.close();
  });
  return { name, db, storeDir, peer, proxy, target };
}

for (const shift of [TEN_MINUTES, -TEN_MINUTES])
  for (const faithful of [false, true])
    test(`a far side (${faithful ? 'faithful' : 'sound'}) whose clock is ${shift / 1_000} s wrong is made equal, dates and all, and needs nothing again`, async (t) => {
      const name = `far${shift < 0 ? 'behind' : 'ahead'}${faithful ? 'faithful' : ''}`;
      const side = await skewedSide(t, name, faithful, shifted(shift));
      const { outcome } = await world.run([side], { setting: { conflictStrategy: 'OVERWRITE' } });
      assert.equal(outcome.farSides[0]?.tally.success, FILES);
      assert.deepEqual(await world.differences(side), []);
      const again = await world.run([side], { setting: { conflictStrategy: 'OVERWRITE' } });
      assert.deepEqual(
        [again.outcome.farSides[0]?.tally.unchanged, again.record.replicatedBytes],
        [FILES, 0],
        'a run after that moves nothing',
      );
    });

for (const shift of [TEN_MINUTES, -TEN_MINUTES])
  test(`a clock of ours that jumps by ${shift / 1_000} s in mid-run ends no run, and gives no record an end before its beginning`, async (t) => {
    const clock = shifted(0);
    const side = await skewedSide(t, `jump${shift < 0 ? 'back' : 'forward'}`, false, systemClock);
    const options = { uri: world.mongod.uri, installationId: 'test', clock, logger: silentLogger };
    const journal = await openJournal(options, AbortSignal.timeout(30_000));
    t.after(() => journal.close());
    let asked = 0;
    side.proxy.setFault(() => {
      asked += 1;
      if (asked === FILES / 2) clock.shift = shift;
      return asked % 29 === 0 ? { kind: 'answer', status: 503 } : undefined;
    });
    const signal = AbortSignal.timeout(60_000);
    const record = await world.begin(`jump ${shift}`);
    const { outcome } = await world.run([side], {
      record,
      deps: { clock, journal: journal.runJournal(record) },
    });
    assert.ok(asked > FILES / 2);
    assert.equal(outcome.farSides[0]?.tally.success, FILES);
    assert.deepEqual(await world.differences(side), []);
    const next = await journal.beginRun(
      {
        taskKey: `later ${shift}`,
        taskUid: `later ${shift}`,
        namespace: 'default',
        name: 'later',
        claim: 'request:later',
        trigger: 'request',
        specHash: 'hash',
        generation: 1,
        reserveDays: 30,
        keepDetails: true,
      },
      signal,
    );
    clock.shift -= TEN_MINUTES;
    const ended = await journal.finishRun(next.record, { status: 'SUCCESS', farSides: outcome.farSides }, signal);
    assert.ok(
      ended.endTime && ended.endTime >= ended.startTime,
      `${ended.startTime.toISOString()} to ${ended.endTime?.toISOString()}`,
    );
  });

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';

import { type Collection, type Document, MongoClient } from 'mongodb';
import type { RunJournal } from '../../../src/engine/ports/journal.ts';
import { openJournal } from '../../../src/journal/journal.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, World } from '../../support/world.ts';
import { cluster, credentials, Standalone, task } from '../controllers/installation.ts';

const FILES = 120;
const soon = (): AbortSignal => AbortSignal.timeout(60_000);
const PATIENTLY = { timeoutMs: 60_000 };
const JOURNAL = 'bkrepo_replicator';

describe('a journal whose database', () => {
  let world: World;
  let farSides = 0;

  before(async () => {
    world = await World.start();
    await world.files.putFiles(
      Array.from({ length: FILES }, (_, index) => ({ path: `/f${index}`, content: `content of file ${index}` })),
    );
  });
  after(() => world.stop());
  afterEach(async () => {
    await world.client.db(JOURNAL).dropDatabase();
  });

  const collections = async (): Promise<readonly Collection[]> => world.client.db(JOURNAL).collections();

  async function newFarSide(): Promise<FarSide> {
    farSides += 1;
    return world.farSide(`lossy${farSides}`, { faithful: farSides % 2 === 0 });
  }

  /** Calls `then` once, when so many nodes have been asked for. */
  function afterCreates(farSide: FarSide, creates: number, then: () => Promise<unknown>): () => Promise<unknown> {
    let called: Promise<unknown> | undefined;
    let seen = 0;
    farSide.proxy.setFault(({ url }) => {
      if (!url.includes('node/create')) return undefined;
      seen += 1;
      if (seen === creates) called = then();
      // Until it has happened, units go on slowly.
      return seen >= creates ? { kind: 'hold', ms: 20 } : undefined;
    });
    return async () => {
      farSide.proxy.setFault(undefined);
      return called;
    };
  }

  /** Digests of the nodes that a far side has. */
  async function finished(farSide: FarSide): Promise<readonly string[]> {
    const digests: string[] = [];
    for (const collection of await farSide.db.collections())
      if (collection.collectionName.startsWith('node_'))
        digests.push(...(await collection.distinct('sha256', { folder: false, deleted: null })).map(String));
    return digests;
  }

  function pushed(farSide: FarSide, digests: readonly string[]): readonly string[] {
    const urls = farSide.proxy.requests.map(({ url }) => url).filter((url) => url.includes('blob/push'));
    return digests.filter((digest) => urls.some((url) => url.includes(digest)));
  }

  /** A run after the loss: equal, nothing that was there sent again, and everything proved once for all runs to come. */
  async function rebuilds(farSide: FarSide, run: () => Promise<unknown>): Promise<void> {
    const there = await finished(farSide);
    assert.ok(there.length >= 30, `${there.length} units had been finished`);
    farSide.proxy.forget();
    await run();
    assert.deepEqual(await world.differences(farSide), []);
    assert.deepEqual(pushed(farSide, there), [], 'no finished unit is sent again');
    assert.equal(await world.client.db(JOURNAL).collection('blob_proof').countDocuments(), FILES);
    const next = await world.run([farSide]);
    assert.deepEqual(
      [next.outcome.farSides[0]?.tally.unchanged, next.outcome.farSides[0]?.tally.sentBytes],
      [FILES, 0],
    );
  }

  it('is dropped while a run goes on: the run ends and says why, the next one rebuilds it without sending again', async () => {
    const farSide = await newFarSide();
    const begun = await world.begin();
    const dropped = afterCreates(farSide, 60, () => world.client.db(JOURNAL).dropDatabase());
    await assert.rejects(world.run([farSide], { record: begun }), (error: Error & { readonly code?: string }) => {
      assert.equal(error.code, 'EpochLost');
      assert.match(error.message, /not in the journal any more: its database was emptied or restored/);
      return true;
    });
    await dropped();
    await rebuilds(farSide, async () => {
      const { record } = await world.run([farSide]);
      assert.equal(record.status, 'SUCCESS');
    });
    const names = (await world.client.db(JOURNAL).collection('replica_record').indexes()).map(({ name }) => name);
    assert.ok(names.includes('claim') && names.includes('one_open_part'), 'claims are unique again');
  });

  it('is restored from a copy of before the end: the open run is adopted, and sends nothing again', async () => {
    const farSide = await newFarSide();
    const begun = await world.begin();
    const copy = new Map<string, Document[]>();
    const copied = afterCreates(farSide, 60, async () => {
      for (const collection of await collections())
        copy.set(collection.collectionName, await collection.find().toArray());
    });
    await world.run([farSide], { record: begun });
    await copied();
    for (const collection of await collections()) {
      await collection.deleteMany({});
      const documents = copy.get(collection.collectionName) ?? [];
      if (documents.length > 0) await collection.insertMany(documents);
    }
    const [open] = await world.journal.openRuns(soon());
    assert.equal(open?.id, begun.id, 'the copy says that the run is open');
    await rebuilds(farSide, async () => {
      const record = await world.journal.adopt(begun.id, soon());
      assert.ok(record);
      const run = await world.run([farSide], { record });
      const { success = 0, unchanged = 0, sentBytes } = run.outcome.farSides[0]?.tally ?? {};
      assert.equal(success + unchanged, FILES);
      assert.ok(sentBytes !== undefined && sentBytes < FILES * 24);
      assert.equal(run.record.status, 'SUCCESS');
    });
  });

  it('is dropped under the program: the task tells of it, runs again and ends equal', async (context) => {
    const farSide = await newFarSide();
    const program = await Standalone.create(world);
    context.after(() => program.remove());
    const dropped = afterCreates(farSide, 60, () => world.client.db(JOURNAL).dropDatabase());
    await program.apply('all', credentials('far-login'), cluster('far', farSide.proxy.url), task('copy', ['far']));
    program.start();
    const [note] = await eventually(async () => {
      const notes = await program.events('RunInterrupted');
      return notes.length > 0 ? notes : undefined;
    }, PATIENTLY);
    assert.match(note ?? '', /EpochLost: .* not in the journal any more/);
    await dropped();
    await program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' }, 60_000);
    assert.deepEqual(await world.differences(farSide), []);
    const pushes = farSide.proxy.requests.filter(({ url, answered }) => url.includes('blob/push') && answered === 200);
    const digests = pushes.map(({ url }) => /[0-9a-f]{64}/.exec(url)?.[0]);
    assert.ok(digests.length - new Set(digests).size <= 16, 'at most those that were under way are sent twice');
  });
});

describe('a journal whose disk is full', () => {
  let world: World;
  let full: Mongod;

  before(async () => {
    [world, full] = await Promise.all([
      World.start(),
      startMongod({ args: ['--setParameter', 'enableTestCommands=1'] }),
    ]);
    await world.files.putFiles(
      Array.from({ length: FILES }, (_, index) => ({ path: `/f${index}`, content: `content of file ${index}` })),
    );
  });
  after(async () => {
    await full?.stop();
    await world?.stop();
  });

  it('is waited for; for too long, the run ends with the reason and is gone on with when there is room', async (context) => {
    const client = await MongoClient.connect(full.uri);
    const clock = systemClock;
    const journal = await openJournal({ uri: full.uri, installationId: 'full', clock, logger: silentLogger }, soon());
    context.after(async () => {
      await journal.close();
      await client.close();
    });
    const disk = (mode: 'off' | 'alwaysOn'): Promise<unknown> =>
      client.db('admin').command({
        configureFailPoint: 'failCommand',
        mode,
        data: {
          failCommands: ['insert', 'update', 'findAndModify', 'delete'],
          errorCode: 14_031,
        },
      });
    const start = {
      taskKey: 'key',
      taskUid: 'uid',
      namespace: 'team',
      name: 'copy',
      trigger: 'request' as const,
      specHash: 'hash',
      generation: 1,
      reserveDays: 30,
      keepDetails: true,
    };
    const cases = [
      { claim: 'request:short', patience: 60_000, farSide: await world.farSide('short') },
      { claim: 'request:long', patience: 700, farSide: await world.farSide('long') },
    ];
    for (const { claim, patience, farSide } of cases) {
      const { record } = await journal.beginRun({ ...start, claim }, soon());
      let creates = 0;
      let filled: Promise<unknown> | undefined;
      farSide.proxy.setFault(({ url }) => {
        if (url.includes('node/create')) creates += 1;
        if (creates === 60) filled ??= disk('alwaysOn');
        return creates >= 60 ? { kind: 'hold', ms: 30 } : undefined;
      });
      let refused = 0;
      const run = (epoch = record): Promise<unknown> => {
        const counted = counting(journal.runJournal(epoch), () => {
          refused += 1;
        });
        return world.run([farSide], { patience, deps: { journal: counted, resumed: epoch.epoch > 1 } });
      };
      const running = run();
      if (claim === 'request:short') {
        await eventually(() => filled !== undefined, PATIENTLY);
        await filled;
        await assert.rejects(journal.beginRun({ ...start, taskKey: 'b', taskUid: 'b', claim }, soon()), {
          code: 'JournalUnavailable',
        });
        await eventually(() => refused >= 3, PATIENTLY);
        await disk('off');
        await running;
      } else {
        await assert.rejects(running, (error: Error & { readonly code?: string }) => {
          assert.equal(error.code, 'JournalUnavailable');
          assert.match(error.message, /the journal could not/);
          return true;
        });
        await disk('off');
        farSide.proxy.setFault(undefined);
        const adopted = await journal.adopt(record.id, soon());
        assert.ok(adopted);
        await run(adopted);
      }
      assert.deepEqual(await world.differences(farSide), []);
      await journal.finishRun(
        (await journal.findRun(record.id, soon())) ?? record,
        { status: 'SUCCESS', farSides: [] },
        soon(),
      );
    }
  });
});

/** Tells of every call that fails. */
function counting(journal: RunJournal, failed: () => void): RunJournal {
  return new Proxy(journal, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return async (...args: readonly unknown[]) => {
        try {
          return await (member as (...args: readonly unknown[]) => Promise<unknown>)(...args);
        } catch (error) {
          failed();
          throw error;
        }
      };
    },
  });
}

/** What a person does to runs: ask for one, cancel it, retry what failed, delete the task. Both sides are compared. */
import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { after, before, suite, test } from 'node:test';
import { ObjectId } from 'mongodb';
import {
  CANCEL_REQUESTED_ANNOTATION,
  RETRY_REQUESTED_ANNOTATION,
  RUN_REQUESTED_ANNOTATION,
  SUSPENDED_ANNOTATION,
} from '../../../src/api/names.ts';
import { blobFile } from '../../../src/source/schema/store-layout.ts';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import { eventually } from '../../support/wait.ts';
import { PROJECT, World } from '../../support/world.ts';
import { TimedProgram } from './timed-program.ts';

/** Blobs of nodes younger than ten minutes are waited for. */
const HOUR = 3_600_000;
const SIZE = 24 * 1024 * 1024;

let world: World;

before(async () => {
  world = await World.start();
});
after(() => world.stop());

interface Stage {
  readonly t: TimedProgram;
  /** The repository of this test alone. */
  readonly files: RepositoryBuilder;
  /** Applies the task with these fields beside what it copies. */
  readonly apply: (spec: object, annotations?: object) => Promise<void>;
  readonly differences: () => Promise<readonly string[]>;
}

function controlled(name: string, what: string, body: (stage: Stage) => Promise<void>): void {
  test(what, async (context) => {
    const files = await world.builder.repository(PROJECT, name);
    await files.putFiles(['a', 'b', 'c'].map((file) => ({ path: `/${file}.txt`, content: `${file} of ${name}` })));
    const t = await TimedProgram.create(world, name);
    context.after(() => t.program.remove());
    t.clock.turn(HOUR);
    const replicaTaskObjects = [{ localRepoName: name, remoteProjectId: 'mirror', repoType: 'GENERIC' }];
    await body({
      t,
      files,
      apply: (spec, annotations) => t.apply({ replicaTaskObjects, ...spec }, annotations),
      differences: async () => {
        const here = await readBack(world.builder.db, world.builder.storeDir, PROJECT, name);
        return compareSides(here, await readBack(t.east.db, t.east.storeDir, 'mirror', name));
      },
    });
  });
}

/** A file whose content the source lost; the answer puts it back. */
async function lost(files: RepositoryBuilder, path: string): Promise<() => Promise<void>> {
  const { sha256 } = await files.putFile(path, `lost content of ${files.name}${path}`);
  const place = blobFile(world.builder.storeDir, sha256);
  await rename(place, `${place}.lost`);
  return () => rename(`${place}.lost`, place);
}

suite('run control', { concurrency: 4 }, () => {
  controlled(
    'retried',
    'a retry tries only what failed, says of which run, and is refused where nothing failed',
    async ({ t, files, apply, differences }) => {
      const putBack = await lost(files, '/lost.txt');
      await apply({});
      await t.start();
      const failed = await t.ended(1);
      const { message } = await t.program.condition('ReplicaTask', 'copy', 'Synced', {
        status: 'False',
        reason: 'UnitsFailed',
      });
      assert.match(message, /1 failed of 4 artifacts; .*\/lost\.txt.*\(BlobMissing\)/);
      assert.ok(
        message.endsWith(
          '. To retry what failed: give the annotation replication.bkrepo.io/retry-requested of ReplicaTask copy a new value in its file',
        ),
        message,
      );
      await putBack();
      await apply({}, { [RETRY_REQUESTED_ANNOTATION]: 'one' });
      const retried = await t.ended(2);
      const [second, first] = retried.history ?? [];
      assert.deepEqual(
        [second?.trigger, second?.retryOf, second?.success, second?.unchanged],
        ['retry', first?.recordId, 1, 0],
      );
      assert.equal(first?.recordId, failed.history?.[0]?.recordId);
      assert.equal(retried.lastHandledRetryRequest, 'one');
      await t.program.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' });
      assert.deepEqual(await differences(), []);

      await apply({}, { [RETRY_REQUESTED_ANNOTATION]: 'two' });
      await t.when(({ lastHandledRetryRequest }) => lastHandledRetryRequest === 'two');
      assert.equal((await t.claims()).length, 2);
      const notes = await eventually(() => t.program.events('NothingToRetry').then((all) => all.length > 0 && all));
      assert.deepEqual(notes, [`no run is begun: nothing failed in run ${second?.recordId}, the last one`]);
    },
  );

  controlled(
    'unrecorded',
    'a retry of a run without records of its artifacts is a whole run, and says why',
    async ({ t, files, apply, differences }) => {
      const putBack = await lost(files, '/lost.txt');
      await apply({ record: false });
      await t.start();
      await t.ended(1);
      await putBack();
      await apply({ record: false }, { [RETRY_REQUESTED_ANNOTATION]: 'one' });
      const [second, first] = (await t.ended(2)).history ?? [];
      assert.deepEqual(
        [second?.trigger, second?.retryOf, second?.success, second?.unchanged],
        ['retry', undefined, 1, 3],
      );
      const why = `run ${first?.recordId}, the last one, kept no records of its artifacts (record: false): everything is tried again`;
      assert.ok((await t.program.events('RunStarted')).some((note) => note.endsWith(why)));
      assert.deepEqual(await differences(), []);
    },
  );

  controlled(
    'asked',
    'a run that is asked for while one is active waits for its end, and then runs',
    async ({ t, apply, differences }) => {
      t.hold();
      await apply({});
      await t.start();
      const active = await t.when(({ activeRun }) => activeRun !== undefined);
      await apply({}, { [RUN_REQUESTED_ANNOTATION]: 'one' });
      await t.program.condition('ReplicaTask', 'copy', 'Running', { status: 'True' });
      // The request was seen: an edit behind it was.
      await apply({ description: 'edited' }, { [RUN_REQUESTED_ANNOTATION]: 'one' });
      const waiting = await t.when(({ observedGeneration }) => observedGeneration === 2);
      assert.deepEqual(
        [waiting.lastHandledRunRequest, waiting.activeRun?.recordId],
        [undefined, active.activeRun?.recordId],
      );
      t.release();
      const after = await t.ended(2);
      assert.deepEqual(
        after.history?.map(({ trigger, status }) => [trigger, status]),
        [
          ['request', 'SUCCESS'],
          ['one-shot', 'SUCCESS'],
        ],
      );
      assert.equal(after.lastHandledRunRequest, 'one');
      assert.deepEqual(await differences(), []);
    },
  );

  controlled('twice', 'a value that is used twice begins one run, and an Event says which', async ({ t, apply }) => {
    await apply({}, { [RUN_REQUESTED_ANNOTATION]: 'one' });
    await t.start();
    const [first] = (await t.ended(1)).history ?? [];
    await apply({}, { [RUN_REQUESTED_ANNOTATION]: 'two' });
    await t.ended(2);
    await apply({}, { [RUN_REQUESTED_ANNOTATION]: 'one' });
    await t.when(({ lastHandledRunRequest }) => lastHandledRunRequest === 'one');
    const notes = await eventually(() => t.program.events('RequestAnswered').then((all) => all.length > 0 && all));
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', new RegExp(`answered by run ${first?.recordId}, begun .*Z; a new value asks`));
    assert.deepEqual(await t.claims(), ['request:one', 'request:two']);
  });

  controlled('killed', 'a request whose run was begun is answered while it goes on after a kill', async (stage) => {
    const { t, files, apply } = stage;
    await files.putFile('/large.bin', seededBytes(SIZE, 2));
    const slow = { setting: { rateLimit: 256 * 1024 } };
    await apply(slow, { [RUN_REQUESTED_ANNOTATION]: 'one' });
    await t.start();
    await t.when(({ activeRun }) => activeRun !== undefined);
    await t.program.stop();
    await t.forgetStatus();
    await t.start();
    const active = await t.when(({ activeRun }) => activeRun !== undefined);
    assert.equal(active.lastHandledRunRequest, 'one');
    assert.deepEqual(await t.claims(), ['request:one']);
    assert.deepEqual(await t.program.events('RequestAnswered'), []);
  });

  controlled(
    'cancelled',
    'a cancelled run stops a slow upload within seconds, leaves nothing half, and is not begun again by itself',
    async ({ t, files, apply, differences }) => {
      await files.putFile('/large.bin', seededBytes(SIZE, 1));
      const slow = { setting: { rateLimit: 256 * 1024 } };
      await apply(slow);
      await t.start();
      await eventually(() => t.east.proxy.uploadedBytes() > 512 * 1024);
      const asked = performance.now();
      await apply(slow, { [CANCEL_REQUESTED_ANNOTATION]: 'one' });
      const after = await t.ended(1);
      assert.ok(performance.now() - asked < 5_000, `it took ${performance.now() - asked} ms`);
      assert.deepEqual(
        [after.history?.[0]?.status, after.history?.[0]?.reason, after.lastHandledCancelRequest],
        ['ABORTED', 'Cancelled', 'one'],
      );
      assert.deepEqual((await differences()).length, 1, 'the small files are there, whole, and the large one is not');
      await t.program.stop();
      await t.start();
      await t.ready();
      assert.equal((await t.claims()).length, 1, 'not again by itself');
      await apply({}, { [CANCEL_REQUESTED_ANNOTATION]: 'one', [RUN_REQUESTED_ANNOTATION]: 'one' });
      await t.ended(2);
      assert.deepEqual(await differences(), []);
    },
  );

  controlled(
    'idle',
    'a cancel is answered also where there is nothing to cancel, and a request waits for a suspension to end',
    async ({ t, apply }) => {
      const annotations = {
        [CANCEL_REQUESTED_ANNOTATION]: 'one',
        [RUN_REQUESTED_ANNOTATION]: 'one',
        [RETRY_REQUESTED_ANNOTATION]: 'one',
      };
      await apply({}, { ...annotations, [SUSPENDED_ANNOTATION]: 'true' });
      await t.start();
      const suspended = await t.when(({ lastHandledCancelRequest }) => lastHandledCancelRequest === 'one');
      assert.deepEqual([suspended.lastHandledRunRequest, suspended.lastHandledRetryRequest], [undefined, undefined]);
      const { message } = await t.program.condition('ReplicaTask', 'copy', 'Ready', {
        status: 'True',
        reason: 'Suspended',
      });
      assert.match(message, /kept from running, also on request, until it is enabled/);
      await apply({}, annotations);
      const after = await t.when(
        ({ lastHandledRunRequest, lastHandledRetryRequest, activeRun }) =>
          activeRun === undefined && lastHandledRunRequest === 'one' && lastHandledRetryRequest === 'one',
      );
      assert.deepEqual(
        after.history?.map(({ trigger, status }) => [trigger, status]),
        [['request', 'SUCCESS']],
      );
    },
  );

  controlled(
    'deleted',
    'a deleted task ends within seconds, although its far side takes connections and never answers',
    async ({ t, apply }) => {
      await apply({});
      t.east.proxy.setFault(({ url }) => (/\/replica\/(ping|version)$/.test(url) ? undefined : { kind: 'stall' }));
      await t.start();
      const { activeRun } = await t.when((status) => status.activeRun !== undefined);
      t.east.proxy.setFault(() => ({ kind: 'stall' }));
      const asked = performance.now();
      await t.program.delete('task');
      await t.program.delete('east');
      await eventually(async () => (await t.program.get('Cluster', 'east')) === undefined);
      const records = world.client.db('bkrepo_replicator').collection('replica_record');
      const ended = { _id: new ObjectId(activeRun?.recordId), status: 'ABORTED' };
      const record = await eventually(() => records.findOne(ended));
      assert.ok(performance.now() - asked < 8_000, `it took ${performance.now() - asked} ms`);
      assert.match(String(record['errorReason']), /^TaskDeleted: /);
    },
  );
});

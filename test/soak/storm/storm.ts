/**
 * One storm from its plan to its verdict: edits, requests, kills, outages and changes of the source at random; then quiet,
 * and every task is asked for a run. In the quiet the sides are equal, the status says so and is right, the records agree
 * with their rows, and a run after that moves nothing.
 */
import assert from 'node:assert/strict';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { compareSides } from '../../support/bkrepo/compare.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import { COPY, PROJECT, type StoredRecord } from '../../support/replication.ts';
import { contradictionsIn } from '../../support/schedule/journal-view.ts';
import { eventually } from '../../support/wait.ts';
import { isUpload } from '../upload-ledger.ts';
import { planStorm, type StormPlan } from './plan.ts';
import { StormPlay } from './play.ts';
import { RecordWatch } from './record-watch.ts';
import type { StormSite } from './site.ts';

export interface StormResult {
  readonly seed: number;
  readonly edits: number;
  readonly kills: number;
  readonly actions: number;
  readonly runs: number;
  readonly aborted: number;
  readonly failed: number;
  readonly ticks: number;
  readonly adoptions: number;
  readonly looks: number;
  readonly tookMs: number;
}

/** The invariants did not hold; the message has all that is needed to have it again. */
class StormFailed extends Error {
  readonly code = 'STORM_FAILED';

  constructor(plan: StormPlan, happened: readonly string[], cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`storm ${plan.seed}: ${what}\nhappened:\n  ${happened.join('\n  ')}`, { cause });
  }
}

const QUIET = { timeoutMs: 120_000, intervalMs: 200 };

export async function storm(site: StormSite, seed: number): Promise<StormResult> {
  const began = performance.now();
  const plan = planStorm(seed);
  const since = new Date();
  const play = new StormPlay(site, plan);
  const records = new RecordWatch(site.replication, since);
  const readers = site.replication.watch();
  try {
    await play.play(plan);
    play.calm();
    const all = await quiet(site, since);
    assert.deepEqual(await readers.stop(), [], 'no reader ever saw anything partial');
    assert.deepEqual(await records.stop(), []);
    const count = (is: (record: StoredRecord) => boolean): number => all.filter(is).length;
    return {
      seed,
      edits: play.edits,
      kills: play.kills,
      actions: plan.actions.length,
      runs: all.length,
      aborted: count(({ status }) => status === 'ABORTED'),
      failed: count(({ status }) => status === 'FAILED'),
      ticks: count(({ claim }) => claim.startsWith('tick:')),
      adoptions: all.reduce((sum, { epoch }) => sum + epoch - 1, 0),
      looks: records.looks,
      tookMs: Math.round(performance.now() - began),
    };
  } catch (error) {
    throw new StormFailed(plan, play.happened, error);
  } finally {
    play.calm();
    await Promise.allSettled([readers.stop(), records.stop()]);
  }
}

/** All records of the storm, when everything is as it has to be. */
async function quiet(site: StormSite, since: Date): Promise<readonly StoredRecord[]> {
  await allRun(site);
  assert.deepEqual(await differences(site), [], 'the sides are equal');
  for (const { proxy } of site.replication.farSides) proxy.forget();
  const last = await allRun(site);
  assert.deepEqual(
    last.map(({ replicatedBytes, overview }) => ({ replicatedBytes, success: overview['success'] })),
    last.map(() => ({ replicatedBytes: 0, success: 0 })),
    'a run repeated after success moves nothing',
  );
  const uploads = site.replication.farSides.flatMap(({ proxy }) => proxy.requests.filter(isUpload));
  assert.deepEqual(uploads, []);
  const lost = { recordUnchanged: false, lost: [], since };
  assert.deepEqual(await contradictionsIn(site.replication.journal, lost), []);
  return (await site.replication.records()).filter(({ startTime }) => startTime >= since);
}

/** Asks for a run of every task and waits until each has succeeded, and the status tells so. */
async function allRun(site: StormSite): Promise<readonly StoredRecord[]> {
  const value = await site.requestAll();
  return await Promise.all(
    site.tasks.map(async ({ name, sides }) => {
      const record = await eventually(async () => {
        const task = await site.status(name);
        const found = (await site.replication.records()).findLast(
          ({ claim, taskUid }) => claim === `request:${value}` && taskUid === task?.metadata.uid,
        );
        const told = JSON.stringify({ found, status: task?.status });
        assert.ok(found?.endTime, `${name} did not run: ${told}\n${site.program.program?.output.slice(-2_000)}`);
        return found;
      }, QUIET);
      assert.equal(record.status, 'SUCCESS', `${name}: ${record.errorReason ?? JSON.stringify(record)}`);
      await eventually(async () => statusIsTrue(await site.status(name), sides, site), QUIET);
      return record;
    }),
  );
}

/** Of a task at rest whose last run succeeded. */
async function statusIsTrue(
  task: ReplicaTask | undefined,
  sides: readonly string[],
  site: StormSite,
): Promise<boolean> {
  const { status, metadata } = task ?? assert.fail('no such task');
  const records = (await site.replication.records()).filter(({ taskUid }) => taskUid === metadata.uid);
  const last = records.at(-1);
  assert.equal(last?.status, 'SUCCESS');
  assert.equal(status.observedGeneration, metadata.generation);
  assert.equal(status.activeRun, undefined);
  assert.equal(status.lastExecutionStatus, 'SUCCESS');
  assert.equal(status.history?.[0]?.recordId, last.id);
  assert.equal(status.executionTimes, last.executionNumber);
  assert.equal(status.conditions?.find(({ type }) => type === 'Synced')?.status, 'True');
  assert.equal(status.conditions.find(({ type }) => type === 'Ready')?.status, 'True');
  const results = status.remoteClusters?.map(({ name, lastResult }) => `${name} ${lastResult}`).toSorted();
  assert.deepEqual(results, sides.map((side) => `${side} SUCCESS`).toSorted());
  return true;
}

/** Of every repository of every task at every far side it names; what the source no longer has may still be there. */
async function differences(site: StormSite): Promise<readonly string[]> {
  const { builder, farSides } = site.replication;
  const found: string[] = [];
  for (const { name, repositories, sides } of site.tasks) {
    for (const repository of repositories) {
      const here = await readBack(builder.db, builder.storeDir, PROJECT, repository);
      for (const side of farSides.filter((one) => sides.includes(one.name))) {
        const there = await readBack(side.db, side.storeDir, COPY, repository);
        const lines = compareSides(here, there, { names: ['source', side.name], limit: 1_000 });
        const wrong = lines.filter((line) => !line.endsWith(`: only at ${side.name}`));
        found.push(...wrong.map((line) => `${name} ${repository} ${line}`));
      }
    }
  }
  return found;
}

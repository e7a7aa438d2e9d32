import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { RUN_REQUESTED_ANNOTATION } from '../../../src/api/names.ts';
import { TASK } from '../../support/replication.ts';
import { eventually } from '../../support/wait.ts';
import { Operators, TASKS } from './operators.ts';
import { condition, Scenario } from './scenario.ts';

/** Until a change in mid-run has its effect: the drain of two seconds, on a machine that does other things as well. */
const SOON = { timeoutMs: 20_000, intervalMs: 100 };

let operators: Operators;
let scenario: Scenario;

before(async () => {
  operators = await Operators.start();
  await operators.replication.farSide('east');
  await operators.replication.farSide('west', { faithful: true });
  await operators.operator();
});
after(() => operators.stop());
afterEach(async () => {
  await operators.request('DELETE', `${TASKS}/${TASK}`);
});

async function taskInMidUpload(label: string): Promise<string> {
  scenario = new Scenario(operators.replication, label);
  await scenario.fill();
  await apply(label);
  return (await scenario.midUpload()).id;
}

async function apply(request: string): Promise<void> {
  await operators.apply(operators.replication.manifests({}, { [RUN_REQUESTED_ANNOTATION]: request }));
}

async function aborted(recordId: string, reason: RegExp): Promise<void> {
  const record = await eventually(async () => {
    const found = (await operators.replication.records()).find(({ id }) => id === recordId);
    return found?.status === 'RUNNING' ? undefined : found;
  }, SOON);
  assert.equal(record.status, 'ABORTED');
  assert.match(record.errorReason ?? '', reason);
}

async function endsEqual(runs: number): Promise<void> {
  scenario.hurry();
  const record = await scenario.ended(runs);
  assert.equal((await operators.replication.records()).length, runs);
  await scenario.assertEqual(record, operators);
  const request = (): Promise<unknown> => operators.annotate(RUN_REQUESTED_ANNOTATION, `${scenario.label}-again`);
  await scenario.assertNextRunMovesNothing(request, operators);
  await scenario.end();
}

test('a run-relevant edit in mid-run ends the run as ABORTED and begins one with the new setting', async () => {
  const recordId = await taskInMidUpload('edited');
  await operators.patchTask({ spec: { setting: { conflictStrategy: 'SKIP' } } });
  await aborted(recordId, /^SpecChanged: /);
  await endsEqual(2);
  const [, second] = await operators.replication.records();
  assert.deepEqual(await operators.replication.conflictStrategies(second?.id ?? ''), ['SKIP']);
  assert.deepEqual(await operators.replication.writtenTwice('/edited/'), []);
});

test('an edit of the description in mid-run leaves the run alone', async () => {
  const recordId = await taskInMidUpload('described');
  await operators.patchTask({ spec: { description: 'another one' } });
  const status = await eventually(async () => {
    const task = await operators.task();
    return task?.status.observedGeneration === task?.metadata.generation ? task?.status : undefined;
  }, SOON);
  assert.equal(condition(status, 'Running')?.status, 'True', 'the edit was seen while the run went on');
  await endsEqual(1);
  const [first] = await operators.replication.records();
  assert.deepEqual({ id: first?.id, epoch: first?.epoch }, { id: recordId, epoch: 1 });
});

test('a task deleted in mid-run stops, its record is closed, and what is visible is whole', async () => {
  const recordId = await taskInMidUpload('deleted');
  const began = performance.now();
  await operators.request('DELETE', `${TASKS}/${TASK}`);
  assert.equal(await operators.task(), undefined, 'nothing holds the object');
  await aborted(recordId, /^TaskDeleted: /);
  assert.ok(performance.now() - began < SOON.timeoutMs);
  scenario.hurry();
  const uploaded = scenario.uploadedBytes();
  await apply('deleted-then-back');
  await scenario.ended(2);
  assert.ok(scenario.uploadedBytes() > uploaded, 'the large file was not there yet');
  await endsEqual(2);
  assert.deepEqual(await operators.replication.writtenTwice('/deleted/'), []);
});

test('a task deleted and created again in mid-run is another task: its run begins after the first has ended', async () => {
  const recordId = await taskInMidUpload('again');
  await operators.request('DELETE', `${TASKS}/${TASK}`);
  await apply('again-second');
  await aborted(recordId, /^TaskDeleted: /);
  await endsEqual(2);
  const [first, second] = await operators.replication.records();
  assert.ok(first?.endTime && second && second.startTime >= first.endTime, 'runs of one task never overlap');
  assert.notEqual(first.taskUid, second.taskUid);
  assert.deepEqual(await operators.replication.writtenTwice('/again/'), []);
});

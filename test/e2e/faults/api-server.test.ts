import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { RUN_REQUESTED_ANNOTATION } from '../../../src/api/names.ts';
import type { Program } from '../../support/program.ts';
import type { StoredRecord } from '../../support/replication.ts';
import { eventually } from '../../support/wait.ts';
import { exitCode, LEASE, leads, type OperatorOptions, Operators, TASKS } from './operators.ts';
import { Scenario } from './scenario.ts';

/** Outlasts a restart of the API server. */
const LONG_LEASE = { durationSeconds: 90, renewSeconds: 60, retrySeconds: 1 };
/** Beyond what the program is allowed, for a machine that does other things as well. Milliseconds. */
const SLACK = 15_000;
const STORM_PER_SECOND = 20;

let operators: Operators;
let scenario: Scenario;

before(async () => {
  operators = await Operators.start();
  await operators.replication.farSide('east');
  await operators.replication.farSide('west', { faithful: true });
});
after(() => operators.stop());
afterEach(() => operators.clear());

async function operatorInMidUpload(
  label: string,
  options: OperatorOptions = {},
): Promise<{ program: Program; record: StoredRecord }> {
  scenario = new Scenario(operators.replication, label);
  await scenario.fill();
  const program = await operators.operator(options);
  await operators.apply(operators.replication.manifests({}, { [RUN_REQUESTED_ANNOTATION]: label }));
  return { program, record: await scenario.midUpload() };
}

async function endsEqualUnder({ id }: StoredRecord, epoch: number): Promise<void> {
  scenario.hurry();
  const record = await scenario.ended();
  assert.deepEqual({ id: record.id, epoch: record.epoch }, { id, epoch });
  await scenario.assertEqual(record, operators);
  const request = (): Promise<unknown> => operators.annotate(RUN_REQUESTED_ANNOTATION, `${scenario.label}-again`);
  await scenario.assertNextRunMovesNothing(request, operators);
  await scenario.end();
}

test('an outage of the API server shorter than the renew deadline does not touch a run, and an expired watch lists again', async () => {
  const { program, record } = await operatorInMidUpload('short', { lease: LONG_LEASE });
  // Moves the server on from the version that the program watches from, so that its watch is expired afterwards.
  for (let index = 0; index < 20; index += 1)
    await operators.request('POST', '/api/v1/namespaces/default/configmaps', {
      metadata: { generateName: 'filler-' },
      data: { index: String(index) },
    });
  await operators.kubernetes.killApiServer();
  const uploaded = scenario.uploadedBytes();
  await eventually(() => scenario.uploadedBytes() > uploaded + 1024 * 1024, { timeoutMs: SLACK });
  await operators.kubernetes.restartApiServer();
  assert.equal(program.running, true);
  assert.match(await eventually(() => /watch expired/.exec(program.output)?.[0], { timeoutMs: 40_000 }), /expired/);
  await endsEqualUnder(record, 1);
  assert.equal(program.running, true);
});

test('a longer outage stops the run at a safe point and ends the process; the next one waits and goes on with the record', async () => {
  const { program, record } = await operatorInMidUpload('long');
  await operators.kubernetes.killApiServer();
  const killedAt = performance.now();
  assert.notEqual(await exitCode(program, LEASE.durationSeconds * 1000 + SLACK), 0);
  assert.match(program.output, /LeaseLost/);
  const tookMs = Math.round(performance.now() - killedAt);
  const sent = scenario.requestCount();
  const before = await scenario.snapshot(record);
  assert.equal((await operators.replication.records())[0]?.status, 'RUNNING', 'its record stays open');

  const next = await operators.operator({ atOnce: true });
  await eventually(() => next.output.includes('cannot compete for the lease'), { timeoutMs: SLACK });
  const ready = await fetch(`http://127.0.0.1:${next.port}/readyz`);
  assert.equal(ready.status, 503, await ready.text());
  assert.equal(next.running, true);
  assert.equal(scenario.requestCount(), sent, `nothing is asked without the lease (ended after ${tookMs} ms)`);
  await operators.kubernetes.restartApiServer();
  await eventually(() => leads(next), { timeoutMs: 30_000 });
  await endsEqualUnder(record, 2);
  await scenario.assertNothingTwice(record, before);
});

test('others who write the task twenty times a second do not keep a run from its end, nor the status from the truth', async (t) => {
  const { program, record } = await operatorInMidUpload('storm');
  const storm = new AbortController();
  let writes = 0;
  const raging = (async () => {
    while (!storm.signal.aborted) {
      writes += 1;
      const annotations = { metadata: { annotations: { storm: String(writes) } } };
      const lie = {
        status: {
          lastExecutionStatus: 'FAILED',
          lastExecutionTime: new Date(writes).toISOString(),
          executionTimes: writes,
        },
      };
      const { status } =
        writes % 2 === 0 ? await operators.patchTask(annotations) : await operators.patchTask(lie, 'status');
      assert.equal(status, 200);
      await delay(1000 / STORM_PER_SECOND);
    }
  })();
  scenario.hurry();
  const ended = await scenario.ended();
  await eventually(() => writes > 100, { timeoutMs: SLACK });
  storm.abort();
  await raging;
  assert.deepEqual({ id: ended.id, epoch: ended.epoch }, { id: record.id, epoch: 1 });
  await scenario.assertEqual(ended, operators);
  const counted = async (): Promise<boolean> =>
    (await operators.task())?.status.executionTimes === ended.executionNumber;
  await eventually(counted, { timeoutMs: SLACK });
  const audit = await operators.kubernetes.readAuditLog();
  const refused = audit.filter(
    ({ requestURI, responseStatus }) => responseStatus?.code === 409 && requestURI.startsWith(TASKS),
  );
  t.diagnostic(`${writes} foreign writes, ${refused.length} conflicts`);
  await endsEqualUnder(record, 1);
  assert.equal(program.running, true);
});

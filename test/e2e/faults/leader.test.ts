import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { RUN_REQUESTED_ANNOTATION } from '../../../src/api/names.ts';
import type { Program } from '../../support/program.ts';
import { startTcpLine } from '../../support/tcp-line.ts';
import { eventually } from '../../support/wait.ts';
import { exitCode, LEASE, LEASE_URL, leads, Operators } from './operators.ts';
import { Scenario } from './scenario.ts';

/** Beyond what the program is allowed, for a machine that does other things as well. Milliseconds. */
const SLACK = 10_000;

let operators: Operators;
let scenario: Scenario;

before(async () => {
  operators = await Operators.start();
  await operators.replication.farSide('east');
  await operators.replication.farSide('west', { faithful: true });
});
after(() => operators.stop());
afterEach(() => operators.clear());

/** A leader in the middle of an upload, and a second process that waits. */
async function leaderInMidUpload(label: string): Promise<{ leader: Program; standby: Program; recordId: string }> {
  scenario = new Scenario(operators.replication, label);
  await scenario.fill();
  const leader = await operators.operator();
  await eventually(() => leads(leader), { timeoutMs: SLACK });
  const standby = await operators.operator();
  await operators.apply(operators.replication.manifests({}, { [RUN_REQUESTED_ANNOTATION]: label }));
  const { id } = await scenario.midUpload();
  return { leader, standby, recordId: id };
}

async function endsUnder(recordId: string): Promise<void> {
  scenario.hurry();
  const record = await scenario.ended();
  assert.equal(record.id, recordId, 'the same record goes on');
  assert.equal(record.epoch, 2, 'it was adopted once');
  await scenario.assertEqual(record, operators);
  const request = (): Promise<unknown> => operators.annotate(RUN_REQUESTED_ANNOTATION, `${scenario.label}-again`);
  await scenario.assertNextRunMovesNothing(request, operators);
  await scenario.end();
}

async function leaseHolder(): Promise<string> {
  const { body } = await operators.request('GET', LEASE_URL);
  return (body as { readonly spec: { readonly holderIdentity?: string } }).spec.holderIdentity ?? '';
}

test('a leader killed in mid-upload is followed by the standby, under the same record', async () => {
  const { leader, standby, recordId } = await leaderInMidUpload('killed');
  await leader.signal('SIGKILL');
  const [record] = await operators.replication.records();
  assert.ok(record);
  const before = await scenario.snapshot(record);
  await eventually(() => leads(standby), { timeoutMs: LEASE.durationSeconds * 1000 + SLACK });
  await endsUnder(recordId);
  await scenario.assertNothingTwice(record, before);
});

test('a leader frozen for longer than its lease ends when it wakes, and writes nothing more', async () => {
  const { leader, standby, recordId } = await leaderInMidUpload('frozen');
  await leader.signal('SIGSTOP');
  const proxies = operators.replication.farSides.map(({ proxy }) => proxy);
  const connections = proxies.map(({ requests }) => new Set(requests.map(({ connection }) => connection)));
  const [record] = await operators.replication.records();
  assert.ok(record);
  const before = await scenario.snapshot(record);
  await eventually(() => leads(standby), { timeoutMs: LEASE.durationSeconds * 1000 + SLACK });
  await eventually(async () => (await operators.replication.records())[0]?.epoch === 2, { timeoutMs: SLACK });
  const counts = proxies.map(({ requests }) => requests.length);
  await leader.signal('SIGCONT');
  assert.notEqual(await exitCode(leader, SLACK), 0);
  assert.match(leader.output, /LeaseLost/);
  for (const [index, { requests }] of proxies.entries()) {
    const late = requests.slice(counts[index]).filter(({ connection }) => connections[index]?.has(connection));
    assert.deepEqual(late, [], 'requests of a process that no longer leads');
  }
  await endsUnder(recordId);
  await scenario.assertNothingTwice(record, before);
});

test('of two that both believe they lead, the deposed one writes no record, and the run ends equal under the other', async (t) => {
  const line = await startTcpLine(operators.kubernetes.port);
  t.after(() => line.close());
  scenario = new Scenario(operators.replication, 'skewed');
  await scenario.fill();
  // It goes on for a minute without a renewal, where the others take over after three seconds.
  const lease = { durationSeconds: 90, renewSeconds: 60, retrySeconds: 1 };
  const deposed = await operators.operator({ lease, apiServerPort: line.port });
  await eventually(() => leads(deposed), { timeoutMs: SLACK });
  const leader = await operators.operator();
  await operators.apply(operators.replication.manifests({}, { [RUN_REQUESTED_ANNOTATION]: 'skewed' }));
  const record = await scenario.midUpload();
  const before = await scenario.snapshot(record);
  line.cut();
  await operators.request('DELETE', LEASE_URL);
  await eventually(() => leads(leader), { timeoutMs: SLACK });
  await eventually(async () => (await operators.replication.records())[0]?.epoch === 2, { timeoutMs: SLACK });
  scenario.hurry();
  await eventually(() => /EpochLost/.test(deposed.output), { timeoutMs: 40_000 });
  assert.equal(deposed.running, true);
  assert.doesNotMatch(deposed.output, /LeaseLost/, 'it still believes that it leads');
  await endsUnder(record.id);
  await scenario.assertNothingTwice(record, before);
  assert.equal((await operators.replication.records())[0]?.epoch, 2, 'it never took the run back');
  line.mend();
  assert.notEqual(await exitCode(deposed, 40_000), 0);
  assert.match(deposed.output, /LeaseLost/);
});

test('SIGTERM in mid-upload ends in good order and hands the run over at once', async () => {
  const { leader, standby, recordId } = await leaderInMidUpload('stopped');
  const holder = await leaseHolder();
  const began = performance.now();
  const ended = leader.signal('SIGTERM');
  assert.equal(await exitCode(leader, 8_000 + SLACK), 0);
  await ended;
  const tookMs = performance.now() - began;
  assert.notEqual(await leaseHolder(), holder, 'the lease was given away before the process ended');
  await eventually(() => leads(standby), { timeoutMs: 2_500 });
  const [record] = await operators.replication.records();
  assert.ok(record);
  assert.equal(record.status, 'RUNNING', 'its record stays open');
  assert.ok(tookMs < 8_000 + SLACK, `${tookMs} ms`);
  const before = await scenario.snapshot(record);
  await endsUnder(recordId);
  await scenario.assertNothingTwice(record, before);
});

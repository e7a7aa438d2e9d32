import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { RUN_REQUESTED_ANNOTATION } from '../../../src/api/names.ts';
import { Replication } from '../../support/replication.ts';
import { Standalone } from '../../support/standalone.ts';
import { eventually } from '../../support/wait.ts';
import { condition, Scenario, SMALL_FILES } from './scenario.ts';

const SOON = { timeoutMs: 40_000, intervalMs: 100 };

let replication: Replication;
let scenario: Scenario;
let program: Standalone;

beforeEach(async () => {
  replication = await Replication.start();
  await replication.farSide('east');
  await replication.farSide('west', { faithful: true });
});
afterEach(async () => {
  await program.program?.signal('SIGKILL');
  await replication.stop();
});

async function prepare(label: string, config: object = {}): Promise<void> {
  scenario = new Scenario(replication, label);
  program = new Standalone(replication, config);
  await scenario.fill();
  await program.apply(replication.manifests());
}

async function endsEqual(runs = 1): Promise<void> {
  scenario.hurry();
  const record = await scenario.ended(runs);
  await scenario.assertEqual(record, program);
  const again = replication.manifests({}, { [RUN_REQUESTED_ANNOTATION]: 'again' });
  await scenario.assertNextRunMovesNothing(() => program.apply(again), program);
  assert.deepEqual(await replication.writtenTwice(`/${scenario.label}/`), []);
  await scenario.end();
}

test('journal and source that are down at start are waited for', async () => {
  await prepare('absent');
  await replication.mongod.kill('SIGKILL');
  const { port } = await program.start({ atOnce: true });
  await eventually(() => program.program?.output.includes('the journal is not reachable'), SOON);
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  assert.equal(ready.status, 503);
  assert.match(await ready.text(), /journal/);
  assert.equal(program.program?.running, true);
  await replication.mongod.restart();
  await endsEqual();
});

test('a source that alone is down at start is told, and waited for', async () => {
  const journal = { mongodb: { uri: replication.farMongod.uri, database: 'bkrepo_replicator' } };
  replication.keepJournalAtFarMongod();
  await prepare('sourceless', { journal });
  await replication.mongod.kill('SIGKILL');
  await program.start();
  const ready = await eventually(async () => {
    const found = condition((await program.task())?.status, 'Ready');
    return found?.reason === 'SourceUnavailable' ? found : undefined;
  }, SOON);
  assert.equal(ready.status, 'False');
  assert.match(ready.message, /source database/);
  assert.deepEqual(await replication.records(), [], 'no run is begun without a source');
  await replication.mongod.restart();
  await endsEqual();
});

test('source and journal that are killed in mid-run and come back cost no record and no unit', async () => {
  await prepare('interrupted');
  await program.start();
  const record = await scenario.midUpload();
  const before = await scenario.snapshot(record);
  await replication.mongod.kill('SIGKILL');
  scenario.hurry();
  await replication.mongod.restart();
  await endsEqual();
  await scenario.assertNothingTwice(record, before);
  assert.equal((await replication.records())[0]?.id, record.id);
  assert.equal(program.program?.running, true);
});

test('a far side that is killed in mid-run and comes back is made equal in the same run, and held up no other', async () => {
  await prepare('killed-side');
  await program.start();
  const record = await scenario.midUpload();
  const before = await scenario.snapshot(record);
  const [east] = replication.farSides;
  assert.ok(east);
  await east.program.signal('SIGKILL');
  scenario.hurry();
  const othersDone = async (): Promise<boolean> => {
    const units = [...(await replication.details(record.id)).keys()];
    return units.filter((unit) => unit.startsWith('west ')).length === SMALL_FILES + 1;
  };
  await eventually(othersDone, SOON);
  assert.equal((await replication.records())[0]?.status, 'RUNNING', 'the dead far side is still waited for');
  await replication.restartFarSide(east);
  await endsEqual();
  await scenario.assertNothingTwice(record, before);
  assert.deepEqual((await replication.records()).map(({ id, epoch }) => ({ id, epoch }))[0], {
    id: record.id,
    epoch: 1,
  });
});

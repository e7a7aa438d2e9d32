/** What a status tells of a run while it goes on, slowly, and after the program was killed in the middle of it. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { stringify } from 'yaml';
import type { ReplicaTaskStatus } from '../../../src/api/replica-task.gen.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, World } from '../../support/world.ts';
import { cluster, login, task } from './manifests.ts';
import { runProgram, Site } from './site.ts';

const FILES = 40;
const BYTES = 100_000;
/** Bytes per second. */
const RATE = 500_000;

let world: World;
let far: FarSide;
let site: Site;

before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: FILES }, (_, index) => ({ path: `/f/${index}`, content: seededBytes(BYTES, index) })),
  );
  far = await world.farSide('slow');
  site = await Site.create({ source: world.mongod.uri, storeDir: world.builder.storeDir, journal: world.mongod.uri });
});
after(async () => {
  await site.remove();
  await world.stop();
});

interface Seen {
  readonly at: number;
  readonly version: string;
  readonly status: ReplicaTaskStatus;
}

/** Every version of the task that is there for a moment, until `enough`. */
async function watched(enough: (seen: readonly Seen[]) => boolean): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  const look = async (): Promise<boolean> => {
    const found = await site.get('ReplicaTask', 'copy');
    const version = found?.metadata.resourceVersion ?? '';
    if (found !== undefined && version !== seen.at(-1)?.version)
      seen.push({ at: performance.now(), version, status: found.status });
    return enough(seen);
  };
  await eventually(look, { timeoutMs: 60_000, intervalMs: 20 });
  return seen;
}

function progressOf({ status }: Seen): NonNullable<ReplicaTaskStatus['progress']> {
  return status.progress ?? {};
}

test('the status of a slow run lives: done and bytes grow, the rate is what was set, what remains falls', async () => {
  await site.start();
  await site.apply('far', cluster('slow', far.proxy.url, { limits: { concurrency: 2 } }), login('slow'));
  await site.apply('copy', task('copy', ['slow'], { setting: { rateLimit: RATE } }));
  const seen = await watched((all) => all.at(-1)?.status.history?.length === 1);
  const active = seen.filter(({ status }) => status.activeRun !== undefined);
  const seconds = ((active.at(-1)?.at ?? 0) - (active[0]?.at ?? 0)) / 1_000;
  // One beginning, then one every two seconds.
  assert.ok(active.length >= 4 && active.length <= 2 + seconds / 2 + 1, `${active.length} writes in ${seconds} s`);
  const told = active.map(progressOf);
  for (const [index, { done = 0, totalBytes = 0, total, summary = '' }] of told.entries()) {
    const before = told[index - 1] ?? {};
    assert.ok(done >= (before.done ?? 0) && totalBytes >= (before.totalBytes ?? 0), JSON.stringify(told));
    if (total !== undefined) assert.equal(total, FILES);
    assert.ok(summary.startsWith(total === undefined ? `${done}` : `${done}/${FILES}`), summary);
  }
  assert.ok(new Set(told.map(({ done }) => done)).size >= 3, JSON.stringify(told));
  const paced = told.filter(({ done = 0, remainingSeconds }) => done > FILES / 4 && remainingSeconds !== undefined);
  assert.ok(paced.length >= 1, JSON.stringify(told));
  for (const { bytesPerSecond = 0, summary = '' } of paced) {
    assert.ok(Math.abs(bytesPerSecond - RATE) < RATE * 0.3, `${bytesPerSecond} bytes per second`);
    assert.match(summary, /^\d+\/40, \d+\.\d KiB\/s, \d+s left$/);
  }
  const left = told.flatMap(({ remainingSeconds }) => remainingSeconds ?? []);
  assert.ok(left.length >= 2 && (left.at(-1) ?? 0) < (left[0] ?? 0), left.join());
  const { progress } = seen.at(-1)?.status ?? {};
  assert.deepEqual([progress?.summary, progress?.total, progress?.done], ['40/40', FILES, FILES]);
  assert.deepEqual([progress?.bytesPerSecond, progress?.remainingSeconds], [undefined, undefined]);
});

test('a run that goes on after a kill shows no less than it had done before', async () => {
  await world.files.putFiles(
    Array.from({ length: FILES }, (_, index) => ({ path: `/g/${index}`, content: seededBytes(BYTES, index + FILES) })),
  );
  await site.apply('copy', task('copy', ['slow'], { setting: { rateLimit: RATE, includeMetadata: false } }));
  const before = await watched((all) => {
    const last = all.at(-1);
    return last?.status.activeRun !== undefined && (progressOf(last).success ?? 0) >= 5;
  });
  await site.kill();
  const { activeRun, progress } = before.at(-1)?.status ?? {};
  await site.start();
  const after = await watched((all) => all.at(-1)?.status.history?.length === 2);
  const shown = after.filter(({ status }) => status.activeRun !== undefined).map(progressOf);
  for (const { done = 0, summary } of shown)
    assert.ok(done >= (progress?.done ?? 0), `${summary} after ${progress?.done}`);
  const [run] = after.at(-1)?.status.history ?? [];
  assert.deepEqual([run?.recordId, run?.status], [activeRun?.recordId, 'SUCCESS']);
  assert.equal(after.at(-1)?.status.progress?.summary, '80/80');
});

test('commands read a standalone installation that runs, and are answered by it', async () => {
  const config = path.join(site.directory, 'commands.yaml');
  await writeFile(config, stringify(site.config), { mode: 0o600 });
  const where = ['--dir', site.input, '--state', site.state, '--config', config];
  const [status, asked, records, doctor] = await Promise.all([
    runProgram(['status', ...where]),
    runProgram(['run', 'copy', '--wait', '--timeout', '15', '--state', site.state]),
    runProgram(['records', 'copy', ...where]),
    runProgram(['doctor', ...where]),
  ]);
  assert.deepEqual([status.code, status.stderr], [0, '']);
  assert.match(status.stdout, /\ncopy +SCHEDULED +/);
  assert.deepEqual([asked.code, asked.stderr], [0, '']);
  assert.match(asked.stdout, /: run [0-9a-f]{24} SUCCESS: 0 copied, 80 unchanged/);
  assert.match(records.stdout, /^RUN .*\n([0-9a-f]{24} .*\n){2,3}$/);
  assert.match(doctor.stdout, /^ok +far side default\/slow: answers with its credentials/m);
  assert.match(doctor.stdout, /^ok +journal: .*\n[^]*everything that was looked at is in order\n$/m);
  assert.equal(doctor.code, 0);
});

test('what a command asks of a standalone installation that has stopped is answered when it starts again', async () => {
  await site.stop();
  const { code, stdout } = await runProgram(['run', 'copy', '--state', site.state]);
  assert.deepEqual([code, stdout], [0, 'replicatask default/copy: asked for a run\n']);
  await site.start();
  const { status } = await site.runs('copy', 4);
  assert.equal(status.history?.[0]?.trigger, 'request');
  assert.deepEqual(await readdir(path.join(site.state, 'requests')), []);
});

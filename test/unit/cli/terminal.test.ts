/** What a terminal gets, and a pipe does not; over the state directory of a standalone installation. */
import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { ReplicaTaskStatus } from '../../../src/api/replica-task.gen.ts';
import { type Host, Stopped } from '../../../src/cli/command.ts';
import { runCommandLine } from '../../../src/cli/command-line.ts';
import { ProgressBar } from '../../../src/cli/progress-bar.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

let state: string;

before(async () => {
  state = await makeTempDir('cli-state');
  await mkdir(path.join(state, 'objects'));
});
after(() => removeDir(state));

const RUNNING: ReplicaTaskStatus = {
  observedGeneration: 1,
  conditions: [
    { type: 'Ready', status: 'True', reason: 'Accepted', message: '', lastTransitionTime: '2026-11-23T12:00:00Z' },
    { type: 'Running', status: 'True', reason: 'RunActive', message: '', lastTransitionTime: '2026-11-23T12:00:00Z' },
  ],
  activeRun: { recordId: '0123456789abcdef01234567', startTime: '2026-11-23T12:00:00Z' },
  progress: {
    total: 40,
    done: 10,
    sentBytes: 1_048_576,
    bytesPerSecond: 1_024,
    remainingSeconds: 90,
    summary: '10/40, 1m30s left',
  },
};

function taskOf(status: ReplicaTaskStatus, name = 'nightly') {
  const metadata = {
    name,
    namespace: 'shop',
    uid: '1',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-11-23T12:00:00Z',
  };
  return {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicaTask',
    metadata,
    spec: { replicaType: 'SCHEDULED', enabled: true },
    status,
  } as never;
}

async function store(status: ReplicaTaskStatus, name = 'nightly'): Promise<void> {
  const file = path.join(state, 'objects', `ReplicaTask_shop_${name}.json`);
  const stored = { schema: 1, object: taskOf(status, name), source: 'a.yaml', manifestAnnotations: {} };
  await writeFile(file, JSON.stringify(stored));
}

/** Standard output that stops the command once it has been given so much. */
async function shown(argv: readonly string[], isTTY: boolean, writes: number): Promise<readonly string[]> {
  const stop = new AbortController();
  const written: string[] = [];
  const stdout = {
    isTTY,
    columns: 40,
    rows: 2,
    write: (text: string) => {
      written.push(text);
      if (written.length === writes) stop.abort(new Stopped('SIGINT'));
    },
  };
  const host: Host = {
    argv,
    environment: {},
    stdout,
    stderr: { write: () => {} },
    programName: 'bkrepo-replicator',
    version: '1.2.3',
    hostname: 'here',
    // A second passes at once.
    clock: {
      ...systemClock,
      now: () => Date.parse('2026-11-23T12:01:00Z'),
      sleep: (_, signal) => systemClock.sleep(1, signal),
    },
    random: Math.random,
    crashesTo: () => {},
    onHangUp: () => {},
  };
  assert.equal(await runCommandLine(host, stop.signal), 130);
  return written;
}

test('status --watch redraws a terminal, with no line wider than it and none too many', async () => {
  await store(RUNNING);
  await store(RUNNING, 'weekly');
  const screens = await shown(['status', '-n', 'shop', '--state', state, '--watch'], true, 2);
  assert.equal(screens.length, 2);
  for (const screen of screens) {
    assert.ok(screen.startsWith(HOME), 'from the first line on');
    assert.equal(screen.split('\n').length, 2);
    assert.ok(screen.endsWith(CLEAR_BELOW), 'and nothing older below');
    for (const line of screen.slice(HOME.length).split('\n'))
      assert.ok(line.replaceAll(CLEAR_LINE, '').replaceAll(CLEAR_BELOW, '').length <= 40, line);
  }
  assert.match(screens[0] ?? '', /nightly +SCHEDULED +Running/);
  await rm(path.join(state, 'objects', 'ReplicaTask_shop_weekly.json'));
});

test('status --watch gives a pipe one line, or object, for what changes', async () => {
  await store(RUNNING);
  const [line] = await shown(['status', '-n', 'shop', '--state', state, '--watch'], false, 1);
  assert.equal(line, '2026-11-23T12:01:00.000Z  ReplicaTask shop/nightly  Running  RunActive  10/40, 1m30s left\n');
  const [json] = await shown(['status', '-n', 'shop', '--state', state, '--watch', '-o', 'json'], false, 1);
  assert.equal((JSON.parse(json ?? '') as { readonly state: string }).state, 'Running');
});

test('a progress bar is drawn over itself on a terminal, and not at all into a pipe', () => {
  for (const isTTY of [true, false]) {
    const written: string[] = [];
    const bar = new ProgressBar({ isTTY, columns: 120, write: (text) => written.push(text) });
    bar.draw(taskOf(RUNNING));
    bar.clear();
    bar.clear();
    const drawn = `nightly [${'#'.repeat(8)}${'-'.repeat(22)}] 25%  10/40  1.0 MiB at 1.0 KiB/s, 1m30s left`;
    assert.deepEqual(written, isTTY ? [`\r\u001b[K${drawn}`, '\r\u001b[K'] : []);
  }
});

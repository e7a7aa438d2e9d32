/**
 * The commands for people against an operator that runs: once as the program, once as kubectl's plugin. Called by a test
 * file that has an installation.
 */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { ensureKubernetes } from '../../support/assets.ts';
import { eventually } from '../../support/wait.ts';
import { runProgram } from '../standalone/site.ts';
import { type Installation, NAMESPACE } from './installation.ts';
import { cluster, copyOf, secret, task } from './manifests.ts';
import { ACCOUNT, type FarSide, PASSWORDS, type Parts, SMALL } from './parts.ts';

export interface Site {
  readonly installation: Installation;
  readonly parts: Parts;
  readonly farSide: FarSide;
}

const MAIN = path.resolve(import.meta.dirname, '../../../src/main.ts');
const HERE = ['-n', NAMESPACE];
/** Runs when it is asked to. */
const LATER = { executionPlan: { executeTime: '2099-01-01T00:00:00Z' } };

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The far side of the site is called `good`. */
export function commandTests(site: () => Site): void {
  const command = (...args: readonly string[]): Promise<Ended> => runProgram(args, environment(site()));

  test('kubectl bkrepo runs a task and waits for it, and its exit code is the result', async () => {
    const { installation, parts, farSide } = site();
    await installation.apply(NAMESPACE, [
      task('commanded', ['good'], { setting: LATER }),
      task('lost', ['good'], { setting: LATER, spec: { localProjectId: 'nowhere' } }),
    ]);
    const won = await kubectl(site(), 'run', 'commanded', ...HERE, '--wait', '--timeout', '30');
    assert.deepEqual([won.code, won.stderr], [0, ''], won.stdout);
    assert.match(
      won.stdout,
      /^replicatask \S+\/commanded: asked for a run\n.*: run [0-9a-f]{24} SUCCESS: 3 copied, 0 unchanged/,
    );
    assert.deepEqual(await parts.differences(farSide, copyOf('commanded'), SMALL), []);
    const late = await command('run', 'lost', ...HERE, '--wait', '--timeout', '1');
    assert.equal(late.code, 1);
    assert.match(late.stderr, /timed out waiting for a run; Ready is False, ProjectNotAllowed: /);
  });

  test('status shows the tasks and clusters of a namespace, in all forms', async () => {
    const [table, json, one] = await Promise.all([
      command('status', ...HERE),
      command('status', '-A', '-o', 'json'),
      command('status', `${NAMESPACE}/commanded`),
    ]);
    assert.match(table.stdout, /^TASK +TYPE +STATE +PROGRESS +LAG +LAST +NEXT\n/);
    assert.match(table.stdout, /\ncommanded +SCHEDULED +Synced .* in \d+d/);
    assert.match(table.stdout, /\nlost +SCHEDULED +Stalled \(ProjectNotAllowed\)/);
    assert.match(table.stdout, /\nCLUSTER +TYPE .*\n(.*\n)*good +STANDALONE +HEALTHY /);
    const { tasks } = JSON.parse(json.stdout) as {
      readonly tasks: readonly { readonly name: string; readonly state: string }[];
    };
    assert.equal(tasks.find(({ name }) => name === 'commanded')?.state, 'Synced');
    assert.match(one.stdout, /far sides:\nCLUSTER .*\ngood +SUCCESS +3 copied/s);
    assert.match(one.stdout, /\nSynced +True /);
  });

  test('suspend and resume answer when the operator has done so, and a suspended task is not run', async () => {
    assert.equal((await command('suspend', 'commanded', ...HERE, '--wait')).code, 0);
    const [status, refused] = await Promise.all([command('status', ...HERE), command('run', 'commanded', ...HERE)]);
    assert.match(status.stdout, /\ncommanded +SCHEDULED +Suspended/);
    assert.deepEqual([refused.code, /is suspended and would not run: resume it first/.test(refused.stderr)], [1, true]);
    assert.equal((await command('resume', 'commanded', ...HERE, '--wait')).code, 0);
    assert.equal((await site().installation.get('replicatasks', 'commanded'))?.status.suspendedSince, undefined);
  });

  test('cancel waits for the end of a run, retry for the run that makes it good; whoever waited knows; a pipe is told what changes', async (t) => {
    const { installation, parts, farSide } = site();
    farSide.proxy.setFault(({ url }) => (url.includes('node/create') ? { kind: 'answer', status: 503 } : undefined));
    const watch = watching(site());
    t.after(() => watch.stop());
    await installation.apply(NAMESPACE, [task('broken-off', ['good'], { setting: LATER })]);
    const running = command('run', 'broken-off', ...HERE, '--wait');
    await installation.condition('replicatasks', 'broken-off', 'Running', { status: 'True' });
    await eventually(() => /ReplicaTask \S+\/broken-off {2}Running {2}/.test(watch.lines()), { timeoutMs: 10_000 });
    const cancelled = await command('cancel', 'broken-off', ...HERE, '--wait');
    assert.match(cancelled.stdout, /: asked to cancel run [0-9a-f]{24}\n.*: run [0-9a-f]{24} ABORTED\n/);
    assert.equal(cancelled.code, 0, cancelled.stderr);
    const aborted = await running;
    assert.equal(aborted.code, 1, 'the result of a run is the exit code of who waits for it');
    assert.match(aborted.stdout, /: run [0-9a-f]{24} ABORTED: .*; Cancelled/);
    farSide.proxy.setFault(undefined);
    const retried = await command('retry', 'broken-off', ...HERE, '--wait', '--timeout', '30');
    assert.match(retried.stdout, /: run [0-9a-f]{24} SUCCESS: 3 copied/);
    assert.deepEqual(await parts.differences(farSide, copyOf('broken-off'), SMALL), []);
    await eventually(() => /\/broken-off {2}Synced {2}/.test(watch.lines()), { timeoutMs: 10_000 });
    assert.ok(!watch.lines().includes('\u001b'), 'nothing is redrawn in a pipe');
    assert.equal(await watch.stop(), 130);
  });

  test('records reads runs and artifacts with an account that can only read', async () => {
    const env = { ...environment(site()), BKREPO_REPLICATOR_JOURNAL_MONGODB_URI: await journalReader(site()) };
    const [runs, artifacts, other] = await Promise.all([
      runProgram(['records', `${NAMESPACE}/broken-off`], env),
      runProgram(['records', `${NAMESPACE}/broken-off`, '--run', 'last', '-o', 'json'], env),
      runProgram(['records', `${NAMESPACE}/commanded`, '--run', '0123456789abcdef01234567'], env),
    ]);
    assert.match(runs.stdout, /^RUN .*\n[0-9a-f]{24} +retry +SUCCESS .*\n[0-9a-f]{24} +request +ABORTED /);
    const found = JSON.parse(artifacts.stdout) as {
      readonly artifacts: readonly { readonly fullPath: string; readonly status: string }[];
    };
    assert.deepEqual(found.artifacts.map(({ fullPath, status }) => `${fullPath} ${status}`).toSorted(), [
      '/a.txt SUCCESS',
      '/b/c.txt SUCCESS',
      '/d e.txt SUCCESS',
    ]);
    assert.deepEqual([other.code, /has no run 0123/.test(other.stderr)], [1, true]);
  });

  test('doctor finds a working installation in order, and looks at all of it', async () => {
    const args = await doctorArguments(site(), site().parts.configuration());
    const { code, stdout, stderr } = await runProgram(
      [...args, '--service-account', `${NAMESPACE}/bkrepo-replicator`],
      environment(site()),
    );
    assert.deepEqual([code, stderr], [0, ''], stdout);
    const looked = [
      'API server',
      'CustomResourceDefinitions',
      'rights',
      'source database',
      'source clock',
      'log of changes',
      'source storage',
      'journal',
    ];
    for (const check of looked) assert.match(stdout, new RegExp(`^ok +${check}: `, 'm'));
    assert.match(stdout, /^ok +far side \S+\/good: answers with its credentials in \d+ ms/m);
    assert.match(stdout, /^ok +far side \S+\/good: the clock of the far side is /m);
    assertNoSecrets(stdout);
  });

  test('doctor names what is missing, each with its remedy and without secrets', async () => {
    const { installation, parts, farSide } = site();
    await installation.apply(NAMESPACE, [
      secret('wrong-login', { ...ACCOUNT, password: 'wrong-secret-1X' }),
      cluster('wrong-login', { url: farSide.url, credentialsSecretRef: { name: 'wrong-login' } }),
    ]);
    await parts.client.db('bkrepo').createCollection('operate_log');
    const changes = {
      ...parts.configuration(),
      source: { storage: { filesystem: { path: path.join(installation.directory, 'no-store') } } },
      journal: { mongodb: { uri: await journalReader(site()) } },
    };
    const args = await doctorArguments(site(), changes);
    const KUBECONFIG = await installation.kubernetes.kubeconfigFor({ namespace: NAMESPACE, name: 'default' });
    const [{ code, stdout }, stranger] = await Promise.all([
      runProgram([...args, '--service-account', `${NAMESPACE}/default`, '-o', 'json'], environment(site())),
      runProgram(args, { ...environment(site()), KUBECONFIG }),
    ]);
    for (const right of ['list clusters', 'watch replicatasks', 'patch clusters', 'create events', 'update leases'])
      assert.match(
        stranger.stdout,
        new RegExp(`^failed +rights: the account of this kubeconfig may not ${right}`, 'm'),
      );
    assert.match(stranger.stdout, /^failed +far sides: ApiForbidden: cannot list Clusters: /m);
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
    await parts.client.db('bkrepo').dropCollection('operate_log');
    await installation.kubectl(...HERE, 'delete', 'clusters.replication.bkrepo.io', 'wrong-login');
    assert.equal(code, 1);
    const expected = [
      [
        'rights',
        'failed',
        /default may not list clusters\.replication\.bkrepo\.io in all namespaces$/,
        /ClusterRole bkrepo-replicator /,
      ],
      [
        'rights',
        'failed',
        /default may not get secrets in namespace /,
        /create rolebinding bkrepo-replicator-secret-reader/,
      ],
      ['log of changes', 'warning', /operate_log is not capped/, /convertToCapped/],
      [
        'source storage',
        'failed',
        /SourceUnavailable: .*no-store of the source's store is not there/,
        /source\.storage/,
      ],
      ['journal', 'failed', /JournalForbidden/, /readWrite on database bkrepo_replicator/],
      [
        `far side ${NAMESPACE}/wrong-login`,
        'failed',
        /Unauthorized: .*401/,
        /user name and password in the Secret .*wrong-login/,
      ],
    ] as const;
    for (const [check, result, message, remedy] of expected) {
      const found = findings.some(
        (finding) =>
          finding.check === check &&
          finding.result === result &&
          message.test(finding.message) &&
          remedy.test(finding.remedy ?? ''),
      );
      assert.ok(found, `${check}: ${message} ${remedy} in ${JSON.stringify(findings, undefined, 1)}`);
    }
    assert.deepEqual(
      findings.filter(({ result, remedy }) => result !== 'ok' && remedy === undefined),
      [],
    );
    assertNoSecrets(stdout, 'wrong-secret-1X', 'only-reads-3T');
  });

  test('what is not there or not reached is told in words', async () => {
    const [none, away] = await Promise.all([
      command('run', 'nothing', ...HERE),
      command('status', '--kubeconfig', path.join(site().installation.directory, 'none')),
    ]);
    assert.deepEqual(
      [none.code, none.stderr],
      [1, `bkrepo-replicator: there is no ReplicaTask ${NAMESPACE}/nothing\n`],
    );
    assert.equal(away.code, 1);
    assert.match(away.stderr, /^bkrepo-replicator: cannot load the Kubernetes configuration from .*none/);
  });
}

interface Finding {
  readonly check: string;
  readonly result: string;
  readonly message: string;
  readonly remedy?: string;
}

/** The shipped configuration and what the Deployment's environment gives, in one file. */
async function doctorArguments(
  { installation, parts }: Site,
  changes: Readonly<Record<string, object>>,
): Promise<readonly string[]> {
  const { source, journal } = parts.databases;
  const config = {
    namespace: NAMESPACE,
    ...changes,
    source: { mongodb: { uri: source }, ...changes['source'] },
    journal: { mongodb: { uri: journal }, ...changes['journal'] },
  };
  const file = path.join(installation.directory, 'doctor.yaml');
  await writeFile(file, stringify(config), { mode: 0o600 });
  return ['doctor', '--config', file];
}

function assertNoSecrets(text: string, ...more: readonly string[]): void {
  for (const secretText of [...PASSWORDS, ...more]) assert.ok(!text.includes(secretText), `${secretText} is told`);
}

function environment({ installation }: Site): Readonly<Record<string, string>> {
  return { KUBECONFIG: installation.kubernetes.kubeconfig, HOME: installation.directory };
}

/** As its users do: a file of that name on the PATH. */
async function kubectl(site: Site, ...args: readonly string[]): Promise<Ended> {
  const bin = path.join(site.installation.directory, 'bin');
  await mkdir(bin);
  await symlink(MAIN, path.join(bin, 'kubectl-bkrepo'));
  const { kubectl: program } = await ensureKubernetes();
  const PATH = [bin, path.dirname(process.execPath), process.env['PATH']].join(':');
  return await new Promise((resolve) => {
    const child = execFile(
      program,
      ['bkrepo', ...args],
      { env: { ...environment(site), PATH }, timeout: 60_000 },
      (_, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** `status --watch` into a pipe. */
function watching(site: Site): { lines(): string; stop(): Promise<number | null> } {
  const child = spawn(process.execPath, [MAIN, 'status', ...HERE, '--watch'], {
    env: { PATH: process.env['PATH'], ...environment(site) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let lines = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    lines += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    lines: () => lines,
    stop: () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}

async function journalReader({ parts }: Site): Promise<string> {
  const known = await parts.client.db('admin').command({ usersInfo: 'journal-reader' });
  const user = {
    createUser: 'journal-reader',
    pwd: 'only-reads-3T',
    roles: [{ role: 'read', db: 'bkrepo_replicator' }],
  };
  if ((known['users'] as readonly unknown[]).length === 0) await parts.client.db('admin').command(user);
  const uri = new URL(parts.databases.journal);
  [uri.username, uri.password] = [user.createUser, user.pwd];
  return uri.href;
}

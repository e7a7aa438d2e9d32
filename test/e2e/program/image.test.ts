/**
 * The image without building it: what its Dockerfile says, and its file set put into a directory and started from there
 * as its user, by its command, with a tree that cannot be written and no program to be found in PATH.
 */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmod, chown, copyFile, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { parse, stringify } from 'yaml';
import { stage } from '../../../deploy/image/stage.ts';
import { parseDockerfile, type Stage, textOf } from '../../support/dockerfile.ts';
import { freePort } from '../../support/ports.ts';
import { startServerProcess } from '../../support/server-process.ts';
import { type SingleMongod, startSingleMongod } from '../../support/single-mongod.ts';
import { removeDir } from '../../support/tempdir.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const UID = 65_532;
/** Where the image has its Node; here it is a copy of the one that runs this. */
const NODE = '/nodejs/bin/node';

let directory: string;
let mongod: SingleMongod;
let build: Stage;
let final: Stage;
/** The command as it is here, program first. */
let command: readonly string[];

before(async () => {
  // Where any user may look, which a directory of the test run need not be.
  directory = await mkdtemp(path.join(tmpdir(), 'bkrepo-replicator-image-'));
  const app = path.join(directory, 'app');
  [mongod] = await Promise.all([startSingleMongod(), copyFile(process.execPath, path.join(directory, 'node'))]);
  stage(app, { install: () => {} });
  await copyDependencies(path.join(app, 'node_modules'));
  // Not the linked files, which are the project's own: they belong to another user.
  spawnSync('chmod', ['-R', 'a+rX,a-w', path.join(app, 'dist')]);
  spawnSync('find', [app, '-type', 'd', '-exec', 'chmod', 'a+rx,a-w', '{}', '+']);
  await chmod(directory, 0o755);
  [build, final] = parseDockerfile(await readFile(path.join(ROOT, 'Dockerfile'), 'utf8')) as [Stage, Stage];
  const entry = JSON.parse(textOf(final, 'ENTRYPOINT') ?? '') as readonly string[];
  command = entry.map((word) => word.replace(NODE, path.join(directory, 'node')).replace(/^\/app\//, `${app}/`));
});
after(async () => {
  await mongod.stop();
  spawnSync('find', [directory, '-type', 'd', '-exec', 'chmod', 'u+w', '{}', '+']);
  await removeDir(directory);
});

/** What `npm ci` would put there, without asking a registry: packages of the lock that are neither for development nor optional. */
async function copyDependencies(target: string): Promise<void> {
  const { packages } = JSON.parse(await readFile(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, Readonly<Record<'dev' | 'optional' | 'devOptional', boolean>>>>;
  };
  // What lies within a package comes with it.
  const wanted = Object.entries(packages).filter(
    ([place, { dev, optional, devOptional }]) =>
      !dev && !optional && !devOptional && place.split('node_modules/').length === 2,
  );
  const byFolder = Map.groupBy(wanted, ([place]) => path.dirname(place.replace('node_modules/', '')));
  for (const [folder, places] of byFolder) {
    await mkdir(path.join(target, folder), { recursive: true });
    const words = [...places.map(([place]) => path.join(ROOT, place)), path.join(target, folder)];
    // Links, because copying thousands of small files takes seconds; on another file system they have to be copies.
    if (spawnSync('cp', ['-Rl', ...words]).status !== 0) assert.equal(spawnSync('cp', ['-Rf', ...words]).status, 0);
  }
}

/** As the image's user; a test that is not run by root cannot change it. */
function asUser(words: readonly string[]): readonly [string, ...string[]] {
  const [program = '', ...args] = words;
  if (process.getuid?.() !== 0) return [program, ...args];
  return ['/usr/bin/setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', program, ...args];
}

function perform(...args: readonly string[]): SpawnSyncReturns<string> {
  const [program, ...rest] = asUser([...command, ...args]);
  return spawnSync(program, rest, { cwd: '/', env: {}, encoding: 'utf8', timeout: 30_000 });
}

test('the final stage has no shell to run, a numeric user, and labels; it is started with the flags of main.ts', async () => {
  const keywords = new Set(final.instructions.map(({ keyword }) => keyword));
  for (const never of ['RUN', 'SHELL', 'HEALTHCHECK', 'ADD', 'VOLUME']) assert.ok(!keywords.has(never), never);
  assert.match(final.base, /\/distroless\/nodejs24-debian\d+:nonroot$/);
  assert.equal(textOf(final, 'USER'), `${UID}:${UID}`);
  const deployment = parse(await readFile(path.join(ROOT, 'deploy/kustomize/base/deployment.yaml'), 'utf8'));
  assert.equal(deployment.spec.template.spec.securityContext.runAsUser, UID);
  const [shebang = ''] = (await readFile(path.join(ROOT, 'src/main.ts'), 'utf8')).split('\n', 1);
  assert.deepEqual(JSON.parse(textOf(final, 'ENTRYPOINT') ?? ''), [
    NODE,
    ...shebang.split(' ').filter((word) => word.startsWith('--')),
    '/app/dist/main.js',
  ]);
  assert.deepEqual(JSON.parse(textOf(final, 'CMD') ?? ''), ['operator']);
  const { version, license, description } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  const argument = final.instructions.find(({ text }) => text.startsWith('VERSION='));
  assert.equal(argument?.text, `VERSION=${version}`);
  const labels = textOf(final, 'LABEL') ?? '';
  for (const [name, value] of Object.entries({ title: 'bkrepo-replicator', description, licenses: license }))
    assert.ok(labels.includes(`org.opencontainers.image.${name}="${value}"`), name);
  for (const name of ['version', 'revision', 'created'])
    assert.ok(labels.includes(`org.opencontainers.image.${name}="\${${name.toUpperCase()}}"`), name);
});

test('the files of the image are those of stage.ts, made from files that .dockerignore lets in', async () => {
  assert.equal(textOf(final, 'COPY'), '--from=build --chown=0:0 /app /app');
  assert.deepEqual(JSON.parse(textOf(build, 'RUN') ?? ''), ['node', 'deploy/image/stage.ts', '/app']);
  assert.deepEqual((await readdir(path.join(directory, 'app'))).toSorted(), [
    'LICENSE',
    'dist',
    'node_modules',
    'package.json',
  ]);
  const rules = (await readFile(path.join(ROOT, '.dockerignore'), 'utf8')).split('\n');
  const copied = build.instructions
    .filter(({ keyword }) => keyword === 'COPY')
    .flatMap(({ text }) => text.split(' ').slice(0, -1));
  assert.ok(copied.includes('src'));
  for (const file of copied) assert.ok(rules.includes(`!${file}`), `${file} is ignored`);
});

test('the program starts from there as a user who can write nothing of it', async () => {
  const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  assert.equal(perform('--version').stdout, `${version}\n`);
  const config = perform('config');
  assert.deepEqual([config.status, config.stderr], [0, '']);
  assert.match(config.stdout, /^# source:/m);
  const [program, ...args] = asUser([command[0] ?? '', '-e', WRITE, path.join(directory, 'app/dist/main.js')]);
  assert.match(spawnSync(program, args, { encoding: 'utf8' }).stdout, /^(?:EACCES|EROFS|EPERM)$/);
});

/** Tells why a file cannot be written. */
const WRITE = `try { require('node:fs').appendFileSync(process.argv[1], ''); } catch (error) { process.stdout.write(error.code); }`;

for (const kind of ['standalone', 'operator'] as const) {
  test(`${kind} starts from there, ${kind === 'standalone' ? 'gets ready and serves its pages' : 'lives without an API server'}, and stops in good order`, async () => {
    const [home, port, rest] = [path.join(directory, kind), await freePort(), await freePort()];
    for (const place of ['', 'in', 'state', 'store']) {
      await mkdir(path.join(home, place));
      if (process.getuid?.() === 0) await chown(path.join(home, place), UID, UID);
    }
    const file = path.join(home, 'config.yaml');
    const kubeconfig = path.join(home, 'kubeconfig');
    await writeFile(kubeconfig, stringify(UNREACHABLE));
    await writeFile(path.join(home, 'users.yaml'), 'users: []\n');
    await writeFile(file, stringify(configOf(home, port, kind === 'standalone' ? rest : undefined)));
    const words = [...command, kind, '--config', file];
    const [program, ...args] = asUser(words);
    const server = await startServerProcess({
      name: `image ${kind}`,
      program,
      args,
      env: {},
      ready: async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/${kind === 'standalone' ? 'readyz' : 'healthz'}`);
        await answer.arrayBuffer();
        return answer.ok;
      },
      readyTimeoutMs: 20_000,
    });
    try {
      if (kind === 'standalone') {
        const page = await fetch(`http://127.0.0.1:${rest}/docs/`);
        assert.match(await page.text(), /swagger-ui/);
        if (process.getuid?.() === 0)
          assert.match(await readFile(`/proc/${server.pid}/status`, 'utf8'), new RegExp(`^Uid:\\s+${UID}\\s`, 'm'));
      }
    } finally {
      await server.signal('SIGTERM');
    }
    assert.equal(server.exitCode, 0, server.output);
  });
}

const UNREACHABLE = {
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'nowhere',
  contexts: [{ name: 'nowhere', context: { cluster: 'nowhere', user: 'nobody', namespace: 'default' } }],
  clusters: [{ name: 'nowhere', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'nobody', user: {} }],
};

function configOf(home: string, port: number, rest: number | undefined): object {
  return {
    standalone: { dir: path.join(home, 'in'), state: path.join(home, 'state') },
    kubernetes: { kubeconfig: path.join(home, 'kubeconfig') },
    source: { mongodb: { uri: mongod.uri }, storage: { filesystem: { path: path.join(home, 'store') } } },
    journal: { mongodb: { uri: mongod.uri } },
    probes: { host: '127.0.0.1', port },
    ...(rest === undefined
      ? {}
      : {
          rest: { enabled: true, host: '127.0.0.1', port: rest, users: { file: path.join(home, 'users.yaml') } },
        }),
  };
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { compareVersions } from '../../support/assets/command.ts';
import { fetchLarge, fetchSmall, publishedChecksum } from '../../support/assets/download.ts';
import { KUBERNETES_VARIABLE, kubernetesPart } from '../../support/assets/kubernetes-part.ts';
import { MONGOD_VARIABLE, mongodPart } from '../../support/assets/mongod-part.ts';
import { WayFailed } from '../../support/assets/way.ts';
import { freePort } from '../../support/ports.ts';
import { tempDirFor } from '../../support/tempdir.ts';
import { program } from './programs.ts';

const quiet = (): void => undefined;

describe('the mongod of the user', () => {
  test('named by the variable goes before the one on PATH', async (t) => {
    const directory = await tempDirFor(t, 'parts');
    const named = await program(join(directory, 'a'), 'mine', 'db version v8.0.4');
    await program(join(directory, 'b'), 'mongod', 'db version v6.0.1');
    const environment = { PATH: join(directory, 'b'), [MONGOD_VARIABLE]: named };
    assert.deepEqual(await mongodPart(environment).fromUser(quiet), {
      paths: named,
      version: '8.0.4',
      where: `${MONGOD_VARIABLE}=${named}`,
    });
  });

  test('that the variable names in vain is said so, and the one on PATH is taken', async (t) => {
    const directory = await tempDirFor(t, 'parts');
    const onPath = await program(directory, 'mongod', 'db version v6.0.1');
    const said: string[] = [];
    const environment = { PATH: `/nowhere:${directory}`, [MONGOD_VARIABLE]: '/nowhere/mongod' };
    assert.equal((await mongodPart(environment).fromUser((line) => said.push(line))).paths, onPath);
    assert.match(said.join(), /is set but cannot be used: \/nowhere\/mongod is not an executable file/);
  });

  const refused: readonly { prints: string; reason: RegExp }[] = [
    { prints: 'db version v4.4.29', reason: /is 4\.4\.29, older than 5\.0\.0/ },
    { prints: 'something else', reason: /does not name a MongoDB version/ },
  ];
  for (const { prints, reason } of refused) {
    test(`is refused when it prints "${prints}"`, async (t) => {
      const directory = await tempDirFor(t, 'parts');
      await program(directory, 'mongod', prints);
      await assert.rejects(mongodPart({ PATH: directory }).fromUser(quiet), (error) => {
        assert.ok(error instanceof WayFailed);
        assert.match(error.message, new RegExp(`^${MONGOD_VARIABLE} is not set; `));
        assert.match(error.message, reason);
        return true;
      });
    });
  }

  test('is not found on an empty PATH, and without Python the wheels are no way either', async (t) => {
    const part = mongodPart({ PATH: '/nowhere' });
    await assert.rejects(part.fromUser(quiet), /BKREPO_REPLICATOR_MONGOD is not set; no mongod on PATH/);
    if (process.platform !== 'linux' || process.arch !== 'x64') return;
    const into = await tempDirFor(t, 'parts');
    await assert.rejects(Promise.resolve(part.suppliers[1]?.supply(into, quiet)), /no python3 on PATH/);
  });
});

describe('the Kubernetes of the user', () => {
  const programs: Readonly<Record<string, string>> = {
    etcd: 'etcd Version: 3.6.0',
    'kube-apiserver': 'Kubernetes v1.35.1',
    'kube-controller-manager': 'Kubernetes v1.35.1',
    kubectl: 'Client Version: v1.35.1',
  };
  async function install(directory: string, changes: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    for (const [name, prints] of Object.entries({ ...programs, ...changes }))
      if (prints !== undefined) await program(directory, name, prints);
  }

  test('is taken from the directory that the variable names', async (t) => {
    const directory = await tempDirFor(t, 'parts');
    await install(directory);
    const found = await kubernetesPart({ PATH: '/nowhere', [KUBERNETES_VARIABLE]: directory }).fromUser(quiet);
    assert.equal(found.version, '1.35.1');
    assert.equal(found.paths.kubeControllerManager, join(directory, 'kube-controller-manager'));
  });

  test('is put together from PATH', async (t) => {
    const directory = await tempDirFor(t, 'parts');
    await install(join(directory, 'a'), { etcd: undefined });
    await program(join(directory, 'b'), 'etcd', 'etcd Version: 3.6.0');
    const found = await kubernetesPart({ PATH: `${directory}/a:${directory}/b` }).fromUser(quiet);
    assert.equal(found.paths.etcd, join(directory, 'b', 'etcd'));
    assert.equal(found.paths.dir, join(directory, 'a'));
  });

  test('is refused when a program is missing, and says which', async (t) => {
    const directory = await tempDirFor(t, 'parts');
    await install(directory, { 'kube-controller-manager': undefined });
    const part = kubernetesPart({ PATH: directory, [KUBERNETES_VARIABLE]: directory });
    await assert.rejects(part.fromUser(quiet), (error) => {
      assert.ok(error instanceof WayFailed);
      assert.match(error.message, /KUBEBUILDER_ASSETS: .*kube-controller-manager is not an executable file/);
      assert.match(error.message, /; not on PATH: kube-controller-manager$/);
      return true;
    });
  });

  test('is refused when it is too old', async (t) => {
    const directory = await tempDirFor(t, 'parts');
    await install(directory, { 'kube-apiserver': 'Kubernetes v1.29.14' });
    await assert.rejects(kubernetesPart({ PATH: directory }).fromUser(quiet), /is 1\.29\.14, older than 1\.33\.0/);
  });

  test('cannot be built without Go or with an old one', async (t) => {
    const directory = await tempDirFor(t, 'parts');
    const without = kubernetesPart({ PATH: '/nowhere' }).suppliers[1];
    await assert.rejects(Promise.resolve(without?.supply(directory, quiet)), /no go on PATH/);
    await program(directory, 'go', 'go version go1.22.5 linux/amd64');
    const old = kubernetesPart({ PATH: directory }).suppliers[1];
    await assert.rejects(
      Promise.resolve(old?.supply(directory, quiet)),
      /go is 1\.22\.5, and Kubernetes .* needs 1\.26/,
    );
  });
});

describe('a download', () => {
  async function serve(t: TestContext, answer: RequestListener): Promise<string> {
    const server: Server = createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    return `http://127.0.0.1:${address.port}`;
  }
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const content = { algorithm: 'sha256', digest: sha256('content') } as const;

  test('with the published checksum arrives', async (t) => {
    const url = await serve(t, (_request, response) => response.end('content'));
    const file = join(await tempDirFor(t, 'parts'), 'file');
    await fetchLarge(`${url}/file`, file, content, quiet);
    assert.ok(existsSync(file));
  });

  const refused: Readonly<Record<string, { answer: RequestListener; reason: RegExp }>> = {
    'with another content': {
      answer: (_request, response) => response.end('contenT'),
      reason: new RegExp(`checksum of .*: published is ${sha256('content')}, received was ${sha256('contenT')}`),
    },
    'that is cut short': {
      answer: (_request, response) => {
        response.writeHead(200, { 'content-length': '7' });
        response.write('con', () => response.destroy());
      },
      reason: /download of .*: /,
    },
    'that is not there': {
      answer: (_request, response) => response.writeHead(404).end('content'),
      reason: /answers 404/,
    },
  };
  for (const [name, { answer, reason }] of Object.entries(refused)) {
    test(`${name} is refused`, async (t) => {
      const url = await serve(t, answer);
      const file = join(await tempDirFor(t, 'parts'), 'file');
      await assert.rejects(fetchLarge(`${url}/file`, file, content, quiet), (error) => {
        assert.ok(error instanceof WayFailed);
        assert.match(error.message, reason);
        return true;
      });
    });
  }

  test('from a network that is closed or silent is given up at once', async (t) => {
    await assert.rejects(fetchSmall(`http://127.0.0.1:${await freePort()}/x`), WayFailed);
    const silent = await serve(t, () => undefined);
    await assert.rejects(fetchSmall(silent, 50), (error) => {
      assert.ok(error instanceof WayFailed);
      assert.match(error.message, /^no answer from 127\.0\.0\.1:\d+: /);
      return true;
    });
  });

  test('is not begun when what is published is no checksum', () => {
    const digest = sha256('content');
    assert.equal(publishedChecksum('sha256', `${digest.toUpperCase()}  file.tgz\n`).digest, digest);
    for (const text of ['', '<html>', `${digest}00`, 'd41d8cd98f00b204e9800998ecf8427e  file.tgz'])
      assert.throws(() => publishedChecksum('sha256', text), WayFailed);
  });
});

test('versions are compared number by number', () => {
  for (const [older, newer] of [
    ['1.9.0', '1.10.0'],
    ['1.26', '1.26.1'],
    ['5.0.31', '6.0.0'],
  ] as const) {
    assert.ok(compareVersions(older, newer) < 0);
    assert.ok(compareVersions(newer, older) > 0);
  }
  assert.equal(compareVersions('1.26', '1.26.0'), 0);
});

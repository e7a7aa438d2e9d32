import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { putImage } from '../../support/bkrepo/packages/image.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import { putPypi } from '../../support/bkrepo/packages/pypi.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { type PackageServer, startPackageServer } from '../../support/package-server/server.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

describe('the package server', () => {
  let mongod: Mongod;
  let client: MongoClient;
  let directory: string;
  let builder: BkRepoBuilder;
  let server: PackageServer;
  let receiver: http.Server;
  let digest: string;
  let layer: string;

  before(async () => {
    mongod = await startMongod();
    client = await MongoClient.connect(mongod.uri);
    directory = await makeTempDir('package-server');
    builder = new BkRepoBuilder(client.db('far'), path.join(directory, 'store'));
    const npm = await builder.repository('p', 'npm', { type: 'NPM' });
    await putNpm(npm, '@s/lib', '1.0.0', { host: 'http://elsewhere:1' });
    const mvn = await builder.repository('p', 'mvn', { type: 'MAVEN' });
    await mvn.putFile('/g/a/1/a-1.jar', 'jar');
    await mvn.putFile('/g/a/1/gone.jar', 'gone');
    await mvn.deleteFile('/g/a/1/gone.jar');
    const { sha256 } = await mvn.putFile('/g/a/1/lost.jar', 'lost');
    await rm(blobPath(builder.storeDir, sha256));
    await putPypi(await builder.repository('p', 'pypi', { type: 'PYPI' }), 'My.Tool', '1.0', { files: ['wheel'] });
    const docker = await builder.repository('p', 'docker', { type: 'DOCKER' });
    const image = await putImage(docker, 'team/app', '1.0');
    digest = image.descriptor.digest;
    layer = image.layers[0]?.digest ?? '';
    await docker.putFile('/bare/manifest/1.0/manifest.json', '{}');
    await builder.repository('p', 'deleted', { type: 'MAVEN', deleted: new Date() });

    receiver = http.createServer((request, response) => {
      request.pipe(response.writeHead(201, { 'x-seen': `${request.method} ${request.url}` }));
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    const { db, storeDir } = builder;
    server = await startPackageServer({ db, storeDir, receiver: `http://127.0.0.1:${port}` });
  });
  after(async () => {
    await server.close();
    receiver.closeAllConnections();
    receiver.close();
    await client.close();
    await mongod.stop();
    await removeDir(directory);
  });

  const get = (address: string, method = 'GET'): Promise<Response> => fetch(`${server.url}${address}`, { method });

  test('serves files as they are stored, and tells the same of them without their bytes', async () => {
    for (const address of [
      '/maven/p/mvn/g/a/1/a-1.jar',
      '/npm/p/npm/@s%2flib',
      '/v2/p/docker/team/app/manifests/1.0',
    ]) {
      const [full, head] = [await get(address), await get(address, 'HEAD')];
      assert.equal(full.status, 200, address);
      assert.equal(head.status, 200, address);
      const body = await full.text();
      assert.equal(await head.text(), '');
      for (const name of ['content-length', 'content-type', 'docker-content-digest'])
        assert.equal(head.headers.get(name), full.headers.get(name), name);
      assert.equal(full.headers.get('content-length'), String(Buffer.byteLength(body)));
    }
    const npm = builder.existing('p', 'npm', 'NPM');
    const stored = await npm.content('/.npm/@s/lib/package.json');
    assert.equal(await (await get('/npm/p/npm/@s/lib')).text(), String(stored));
    assert.match(String(stored), /http:\/\/elsewhere:1\//, 'no address is put right');
  });

  for (const [why, address] of [
    ['there is no such file', '/maven/p/mvn/g/a/1/other.jar'],
    ['the file was deleted', '/maven/p/mvn/g/a/1/gone.jar'],
    ['it is a folder', '/maven/p/mvn/g/a/1'],
    ['the repository is of another type', '/maven/p/npm/@s/lib/-/@s/lib-1.0.0.tgz'],
    ['the repository was deleted', '/maven/p/deleted/a'],
    ['there is no such repository', '/npm/p/other/x'],
    ['there is no such project of Python', '/pypi/p/pypi/simple/other/'],
    ['there is no such tag', '/v2/p/docker/team/app/manifests/2.0'],
    ['the image has no such blob', `/v2/p/docker/team/app/blobs/sha256:${'0'.repeat(64)}`],
    ['a folder of another image begins alike', '/v2/p/docker/team/manifests/1.0'],
  ] as const)
    test(`answers 404 when ${why}`, async () => {
      const response = await get(address);
      await response.arrayBuffer();
      assert.equal(response.status, 404);
    });

  test('a file without its bytes is an error and not an empty file', async () => {
    await assert.rejects(async () => (await get('/maven/p/mvn/g/a/1/lost.jar')).arrayBuffer());
  });

  test('finds manifests and blobs by digest, and says of a manifest what its metadata says', async () => {
    const byTag = await get('/v2/p/docker/team/app/manifests/1.0');
    assert.equal(byTag.headers.get('docker-content-digest'), digest);
    assert.equal(byTag.headers.get('content-type'), 'application/vnd.docker.distribution.manifest.v2+json');
    const byDigest = await get(`/v2/p/docker/team/app/manifests/${digest}`);
    assert.equal(await byDigest.text(), await byTag.text());
    const blob = await get(`/v2/p/docker/team/app/blobs/${layer}`);
    assert.equal(blob.status, 200);
    await blob.arrayBuffer();
    const bare = await get('/v2/p/docker/bare/manifests/1.0');
    assert.equal(bare.headers.get('content-type'), OCI_MANIFEST);
    await bare.arrayBuffer();
  });

  test('makes the simple index of Python from the paths, with normalised names', async () => {
    assert.match(await (await get('/pypi/p/pypi/simple/')).text(), /<a href="my-tool\/">my-tool<\/a>/);
    const page = await (await get('/pypi/p/pypi/simple/MY_tool/')).text();
    const [, href = ''] = /href="([^"#]+)#sha256=[0-9a-f]{64}"/.exec(page) ?? [];
    const file = await fetch(new URL(href, `${server.url}/pypi/p/pypi/simple/my-tool/`));
    assert.equal(file.status, 200);
    await file.arrayBuffer();
  });

  test('is read-only', async () => {
    const response = await get('/maven/p/mvn/g/a/1/a-1.jar', 'PUT');
    assert.equal(response.status, 405);
  });

  test('passes everything else on to the receiver, bodies too', async () => {
    const response = await fetch(`${server.url}/replication/replica/x?y=1`, { method: 'POST', body: 'bytes' });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('x-seen'), 'POST /replication/replica/x?y=1');
    assert.equal(await response.text(), 'bytes');
  });
});

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { type KubeConfigChoice, kubeConfigLoader, ownNamespace } from '../../../src/kube/config.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import { Transport } from '../../../src/kube/transport.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

let directory: string;
before(async () => {
  directory = await makeTempDir('kube-config');
});
after(() => removeDir(directory));

async function kubeconfig(name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, text);
  return file;
}

const GOOD = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [
    { name: 'one', cluster: { server: 'https://one.example:6443/base/' } },
    { name: 'two', cluster: { server: 'https://two.example' } },
  ],
  users: [{ name: 'me', user: { token: 't' } }],
  contexts: [
    { name: 'first', context: { cluster: 'one', user: 'me', namespace: 'team-a' } },
    { name: 'second', context: { cluster: 'two', user: 'me' } },
  ],
  'current-context': 'first',
});

test('a configuration that cannot be used is refused in words when the transport is made', async () => {
  const choices: KubeConfigChoice[] = [
    { kubeconfig: join(directory, 'none') },
    { kubeconfig: await kubeconfig('empty', '') },
    { kubeconfig: await kubeconfig('broken', '{"clusters": [') },
    { kubeconfig: await kubeconfig('without-context', JSON.stringify({ clusters: [], users: [], contexts: [] })) },
    { kubeconfig: await kubeconfig('good', GOOD), context: 'third' },
  ];
  for (const choice of choices)
    assert.throws(
      () => new Transport({ load: kubeConfigLoader(choice) }),
      (error) => error instanceof KubeError && error.reason === 'ConfigUnusable' && /Kubernetes/.test(error.message),
      JSON.stringify(choice),
    );
});

test('the context chosen decides server and own namespace', async () => {
  const file = await kubeconfig('good', GOOD);
  for (const [context, server, namespace] of [
    [undefined, 'https://one.example:6443/base', 'team-a'],
    ['second', 'https://two.example/', undefined],
  ] as const) {
    const choice = { kubeconfig: file, ...(context === undefined ? {} : { context }) };
    const transport = new Transport({ load: kubeConfigLoader(choice) });
    assert.equal(transport.serverUrl().href, server);
    assert.equal(ownNamespace(choice), namespace);
    await transport.close();
  }
});

test('a configuration that demands what cannot be had says so: a SOCKS proxy, plain HTTP without leave', async () => {
  for (const [cluster, words] of [
    [{ server: 'https://one.example', 'proxy-url': 'socks5://127.0.0.1:1' }, /SOCKS proxy/],
    [{ server: 'http://one.example' }, /cannot read the Kubernetes credentials/],
  ] as const) {
    const file = await kubeconfig('odd', JSON.stringify({ ...JSON.parse(GOOD), clusters: [{ name: 'one', cluster }] }));
    const transport = new Transport({ load: kubeConfigLoader({ kubeconfig: file }) });
    const request = transport.request({ method: 'GET', path: '/version' }, new AbortController().signal);
    await assert.rejects(request, words);
    await transport.close();
  }
});

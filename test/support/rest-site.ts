/**
 * The program as operator with its REST API on a real API server, with an administrator's rights there: a source, a
 * journal and a far side of their own. For tests of what REST answers, not of who may do it.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MongoClient } from 'mongodb';
import { type Peer, startPeer } from '../../src/peer/server.ts';
import { BkRepoBuilder } from './bkrepo/builder.ts';
import { type Kubernetes, startKubernetes } from './kubernetes.ts';
import { type Mongod, startMongod } from './mongod.ts';
import { freePort } from './ports.ts';
import { type Program, startProgram } from './program.ts';
import { type RestAccount, writeRestUsers } from './rest-accounts.ts';
import { makeTempDir, removeDir } from './tempdir.ts';

const CRDS = resolve(import.meta.dirname, '../../crds');

export interface RestSiteOptions {
  readonly accounts: readonly RestAccount[];
  /** Who may write at the far side. */
  readonly farAccounts: readonly { readonly username: string; readonly password: string }[];
}

export interface RestSite {
  /** `http://127.0.0.1:PORT`, without a path. */
  readonly url: string;
  readonly builder: BkRepoBuilder;
  readonly peer: Peer;
  readonly kubernetes: Kubernetes;
  readonly program: Program;
  stop(): Promise<void>;
}

export async function startRestSite({ accounts, farAccounts }: RestSiteOptions): Promise<RestSite> {
  const directory = await makeTempDir('rest-site');
  const [kubernetes, mongod]: readonly [Kubernetes, Mongod] = await Promise.all([startKubernetes(), startMongod()]);
  const client = await MongoClient.connect(mongod.uri, { writeConcern: { w: 1, j: false } });
  const builder = new BkRepoBuilder(client.db('bkrepo'), join(directory, 'store'));
  await mkdir(builder.storeDir, { recursive: true });
  const users = farAccounts.map((account) => ({ ...account, admin: true }));
  const peer = await startPeer({ mongo: client.db('far'), storePath: join(directory, 'far-store'), users });
  await kubernetes.kubectl(['apply', '-f', CRDS]);
  await kubernetes.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  const port = await freePort();
  const program = await startProgram({
    command: 'operator',
    directory,
    config: {
      namespace: 'default',
      kubernetes: { kubeconfig: kubernetes.kubeconfig },
      source: {
        mongodb: { uri: mongod.uri, database: 'bkrepo' },
        storage: { filesystem: { path: builder.storeDir } },
      },
      journal: { mongodb: { uri: mongod.uri } },
      policy: { allowLoopback: true, rules: [{ namespaces: ['default'], projects: ['*'], hosts: ['127.0.0.0/8'] }] },
      log: { level: 'debug' },
      rest: {
        enabled: true,
        host: '127.0.0.1',
        port,
        users: { file: await writeRestUsers(directory, accounts) },
        tokens: { enabled: false },
      },
    },
  });
  return {
    url: `http://127.0.0.1:${port}`,
    builder,
    peer,
    kubernetes,
    program,
    async stop() {
      await program.signal('SIGTERM');
      await peer.close();
      await client.close();
      await Promise.all([mongod.stop(), kubernetes.stop()]);
      await removeDir(directory);
    },
  };
}

/** An operator with the REST API, on a real API server that holds many tasks, and a bare HTTP server to compare with. */
import { randomBytes, scryptSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import { NAMESPACE, type Operators, TASKS } from '../e2e/faults/operators.ts';
import { freePort } from '../support/ports.ts';
import { startServerProcess } from '../support/server-process.ts';
import { manifest } from './rest-requests.ts';

const WRITERS = 16;
const CANNED = join(import.meta.dirname, 'canned-server.ts');

export async function createAll(operators: Operators, tasks: number): Promise<void> {
  let made = 0;
  const writer = async (): Promise<void> => {
    while (made < tasks) {
      const { status, body } = await operators.request('POST', TASKS, manifest(made++));
      if (status !== 201) throw new Error(`a task was not created: ${status} ${JSON.stringify(body)}`);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
}

export async function waiting(operators: Operators): Promise<number> {
  const { body } = await operators.request('GET', TASKS);
  const { items } = body as { readonly items: readonly ReplicaTask[] };
  return items.filter(({ status }) => status?.nextExecutionTime === undefined).length;
}

/** Starts an operator with the REST API, an administrator and a viewer. */
export async function serve(
  operators: Operators,
): Promise<{ readonly url: string; readonly admin: string; readonly viewer: string }> {
  const { replication, kubernetes } = operators;
  const { directory } = replication;
  for (const right of ['view', 'edit']) {
    const of = [`--clusterrole=bkrepo-replicator-${right}`, `--serviceaccount=${NAMESPACE}:bkrepo-replicator`];
    await kubernetes.kubectl(['create', 'rolebinding', `rest-${right}`, '--namespace', NAMESPACE, ...of]);
  }
  const passwords = { admin: randomBytes(12).toString('hex'), viewer: randomBytes(12).toString('hex') };
  const users = Object.entries(passwords).map(([role, password]) => ({
    username: role,
    role,
    passwordHash: hashed(password),
  }));
  const file = join(directory, 'users.yaml');
  await writeFile(file, stringify({ users }), { mode: 0o600 });
  const port = await freePort();
  await operators.operator({
    lease: { durationSeconds: 60, renewSeconds: 40, retrySeconds: 2 },
    logLevel: 'info',
    config: { rest: { enabled: true, host: '127.0.0.1', port, users: { file } } },
  });
  const basic = (role: keyof typeof passwords): string =>
    `Basic ${Buffer.from(`${role}:${passwords[role]}`).toString('base64')}`;
  return { url: `http://127.0.0.1:${port}`, admin: basic('admin'), viewer: basic('viewer') };
}

function hashed(password: string): string {
  const salt = randomBytes(16);
  const digest = scryptSync(password, salt, 32, { N: 2 ** 14, r: 8, p: 1 });
  const plain = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
  return `$scrypt$ln=14,r=8,p=1$${plain(salt)}$${plain(digest)}`;
}

export async function bareServer(file: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startServerProcess({
    name: 'bare server',
    program: process.execPath,
    args: [CANNED, String(port), file],
    ready: async () => (await (await fetch(url)).text()).length === (await readFile(file, 'utf8')).length,
  });
  return { url, [Symbol.asyncDispose]: () => server.signal('SIGKILL') };
}

/** Requests that commands leave in a state directory, for the process that runs or the next one. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { requestsDirectory, saveRequest } from '../../../src/resources/state-files.ts';
import { eventually } from '../../support/wait.ts';
import { bench, never } from './directory-samples.ts';

const TASK = { namespace: 'default', name: 'nightly' };
const MANIFEST = `apiVersion: replication.bkrepo.io/v1alpha1
kind: ReplicaTask
metadata:
  name: nightly
  annotations: {kept: "1"}
spec:
  localProjectId: tools
  replicaTaskObjects: [{localRepoName: generic, repoType: GENERIC}]
  remoteClusterIds: [far]
`;

test('requests are carried out in their order, before the regular look, and what is none is told and removed', async (t) => {
  const { put, open, stateDir, log } = await bench(t);
  await put('a.yaml', MANIFEST);
  const store = await open({ rescanMs: 60_000 });
  // Left while nothing looked: by the first look.
  await saveRequest(stateDir, '2', { ...TASK, annotations: { run: 'second', suspended: null } });
  await saveRequest(stateDir, '1', { ...TASK, annotations: { run: 'first', suspended: 'true' } });
  await saveRequest(stateDir, '3', { namespace: 'default', name: 'nothing', annotations: { run: 'x' } });
  await writeFile(join(requestsDirectory(stateDir), '4.json'), '{"schema":1,"name":"nightly"}');
  const stop = new AbortController();
  const running = store.run(stop.signal);
  const annotations = () => store.get('ReplicaTask', TASK)?.metadata.annotations;
  const left = () => readdir(requestsDirectory(stateDir));
  await eventually(async () => (await left()).length === 0);
  assert.deepEqual(annotations(), { kept: '1', run: 'second' });
  const warned = log.filter(({ level }) => level === 'warn').map(({ msg }) => msg);
  assert.deepEqual(warned, ['a request of a command names no task', 'a request of a command cannot be carried out']);
  // By notification: the regular look is a minute away.
  await saveRequest(stateDir, '5', { ...TASK, annotations: { run: 'third' } });
  await eventually(() => annotations()?.['run'] === 'third', { timeoutMs: 10_000 });
  await store.refresh(never);
  assert.deepEqual(annotations(), { kept: '1', run: 'third' }, 'a look at the manifest takes nothing back');
  stop.abort();
  await running;
  assert.deepEqual(await left(), []);
});

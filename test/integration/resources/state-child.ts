/**
 * A process of its own over a directory and a state directory: says `open`, then writes status, or edits as REST
 * does, until it is killed.
 */
import { compileAdmission } from '../../../src/api/validate.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openDirectoryStore } from '../../../src/resources/directory-store.ts';
import { never, recordingLogger } from './directory-samples.ts';

const [dir = '', stateDir = '', mode = 'write'] = process.argv.slice(2);
try {
  const store = await openDirectoryStore(
    {
      dir,
      stateDir,
      admit: compileAdmission(),
      defaultNamespace: 'default',
      namespaces: [],
      clock: systemClock,
      logger: recordingLogger([]),
    },
    never,
  );
  await store.refresh(never);
  process.stdout.write('open\n');
  if (mode === 'hold') setInterval(() => {}, 60_000);
  else if (mode === 'edit') {
    const key = { namespace: 'default', name: 'far' };
    const specOf = (n: number) => ({
      type: 'STANDALONE' as const,
      url: `http://127.0.0.1:1/${n}-${'x'.repeat(1_500)}-${n}`,
    });
    await store.editor.create('Cluster', { ...key, spec: specOf(0) }, never);
    for (let n = 1; ; n += 1) {
      const cluster = (await store.editor.read('Cluster', key, never))?.object;
      if (cluster === undefined) throw new Error('the Cluster is gone');
      await store.editor.replaceSpec('Cluster', cluster, { spec: specOf(n) }, never);
      await store.editor.writeCredentials(cluster, { username: `${n}`, password: `${n} `.repeat(100_000) }, never);
      if (n === 3) process.stdout.write('writing\n');
    }
  } else
    for (let n = 0; ; n += 1)
      for (const cluster of store.list('Cluster')) {
        const errorReason = `${n} `.repeat(100_000);
        await store.writeStatus('Cluster', cluster, { observedGeneration: n, errorReason }, never);
        if (n === 3) process.stdout.write('writing\n');
      }
} catch (error) {
  const { code, message } = error as { readonly code?: string; readonly message: string };
  process.stdout.write(`failed ${code}: ${message}\n`);
}

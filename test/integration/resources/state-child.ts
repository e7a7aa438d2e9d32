/** A process of its own over a directory and a state directory: says `open`, then writes status until it is killed. */
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
  else
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

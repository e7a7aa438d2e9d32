/** One competitor for a lease in a process of its own, to be killed: `elector-process.ts KUBECONFIG IDENTITY`. */
import { kubeConfigLoader } from '../../../src/kube/config.ts';
import { LeaseElector } from '../../../src/kube/lease.ts';
import { KubeLeaseStore } from '../../../src/kube/lease-store.ts';
import { Transport } from '../../../src/kube/transport.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';

const [kubeconfig = '', identity = ''] = process.argv.slice(2);
const transport = new Transport({ load: kubeConfigLoader({ kubeconfig }) });
const elector = new LeaseElector({
  store: new KubeLeaseStore(transport, 'default', 'killed'),
  identity,
  clock: systemClock,
  random: Math.random,
  logger: createLogger({ level: 'warn', format: 'text' }),
  durationMs: 3_000,
  renewDeadlineMs: 2_000,
  retryMs: 500,
});
elector.start();
await elector.acquired(new AbortController().signal);
process.stdout.write('leading\n');

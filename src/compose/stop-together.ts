import type { RunRegistry } from '../runtime/run-registry.ts';
import type { RestPart } from './rest.ts';

type Runs = Pick<RunRegistry<never, never>, 'stopAll'>;

/** At a stop, requests and runs end side by side, both before the lease is given away. */
export function stopTogether(runs: Runs, rest: RestPart | undefined): Runs {
  return {
    stopAll: async (reason, signal) => void (await Promise.all([runs.stopAll(reason, signal), rest?.stop()])),
  };
}

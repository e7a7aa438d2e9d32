import type { Config } from '../config.ts';
import type { Clock } from '../lib/clock.ts';
import { eventLoopCheck, type ProbeCheck, startProbes } from '../runtime/probes.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface HealthOptions {
  readonly settings: Config['probes'];
  /** Undefined = none unless configured. */
  readonly defaultPort: number | undefined;
  readonly live: readonly ProbeCheck[];
  readonly ready: readonly ProbeCheck[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The event loop counts as stuck after this. Milliseconds. */
const STUCK_MS = 20_000;

/** Serves the probes when there is a port for them; ends with the returned function. */
export async function serveHealth(options: HealthOptions): Promise<() => Promise<void>> {
  const { settings, defaultPort, live, ready, clock, logger } = options;
  const port = settings.port ?? defaultPort;
  if (port === undefined) return async () => {};
  const end = new AbortController();
  const probes = await startProbes({
    ...(settings.host === undefined ? {} : { host: settings.host }),
    port,
    live: [eventLoopCheck(clock, STUCK_MS, end.signal), ...live],
    ready,
  });
  logger.info('probes listen', { port: probes.port });
  return async () => {
    end.abort(new Error('the probes were stopped'));
    await probes.close();
  };
}

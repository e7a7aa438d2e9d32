import type { PeerContext } from './context.ts';

/** Milliseconds between two looks at what is left in `temp`. */
const INTERVAL_MS = 3_600_000;

/** Removes upload sessions and received files that nobody goes on with: at the start, then every hour. */
export class Sweeper {
  readonly #stopped = new AbortController();
  readonly #done: Promise<void>;

  private constructor(context: PeerContext) {
    this.#done = this.#loop(context);
  }

  static async start(context: PeerContext): Promise<Sweeper> {
    await sweep(context);
    return new Sweeper(context);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#done;
  }

  async #loop(context: PeerContext): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        await context.settings.clock.sleep(INTERVAL_MS, signal);
        await sweep(context);
      } catch (error) {
        if (!signal.aborted) context.settings.logger.warn('sweep of unfinished uploads failed', { error });
      }
    }
  }
}

async function sweep(context: PeerContext): Promise<void> {
  const { clock, logger, uploadExpiryMs } = context.settings;
  const swept = await context.stores.sweep(clock.now() - uploadExpiryMs);
  if (swept > 0) logger.info('unfinished uploads swept', { count: swept });
}

/**
 * Lets `log.level` be changed while the program works: the configuration file is read again on SIGHUP, and looked at
 * every ten seconds, because the file of a mounted ConfigMap is replaced by links that notifications miss. Nothing else
 * of the file is taken, and a file that cannot be used changes nothing.
 */
import type { Clock } from '../lib/clock.ts';
import type { LogLevel, RootLogger } from '../telemetry/logger.ts';

const INTERVAL_MS = 10_000;

export interface LevelWatch {
  readonly clock: Clock;
  readonly logger: RootLogger;
  readonly level: LogLevel;
  /** Reads the level anew. @throws {ConfigError} */
  readonly read: () => LogLevel;
  /** Calls the listener whenever the process is told to read its configuration again. */
  readonly onReload: (listener: () => void) => void;
}

/** Until `stop` is aborted. */
export async function watchLevel(
  { clock, logger, level, read, onReload }: LevelWatch,
  stop: AbortSignal,
): Promise<void> {
  let current = level;
  let trouble = '';
  const tell = (to: LogLevel): void => logger.warn('log level changed', { from: current, to });
  const look = (): void => {
    try {
      const wanted = read();
      trouble = '';
      if (wanted === current) return;
      // A level of `error` hides a warning, so it is told on the other side of the change.
      if (wanted === 'error') tell(wanted);
      logger.setLevel(wanted);
      if (wanted !== 'error') tell(wanted);
      current = wanted;
    } catch (error) {
      const words = String(error);
      if (words !== trouble) logger.warn('the configuration cannot be read again, the log level stays', { error });
      trouble = words;
    }
  };
  onReload(look);
  while (!stop.aborted) {
    await clock.sleep(INTERVAL_MS, stop).catch(() => {});
    if (!stop.aborted) look();
  }
}

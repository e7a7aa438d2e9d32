/**
 * Looks again and again at something that is changing, for commands that show or wait. A server that does not answer for
 * a while is told once and waited for; what asking again cannot cure ends the command.
 */
import type { CommandContext } from './command.ts';
import { isTransient } from './resources.ts';

/** A look may take this part of the time at most. */
const BUSY_PART = 5;

/** Yields what `look` finds, every `intervalMs` unless looking itself takes long, until the caller has seen enough or `stop` is aborted. */
export async function* looks<T>(
  { clock, stderr }: Pick<CommandContext, 'clock' | 'stderr'>,
  look: () => Promise<T>,
  intervalMs: number,
  stop: AbortSignal,
): AsyncGenerator<T, void> {
  let silent = false;
  for (;;) {
    stop.throwIfAborted();
    const begun = clock.monotonic();
    try {
      const found = await look();
      silent = false;
      yield found;
    } catch (error) {
      stop.throwIfAborted();
      if (!isTransient(error)) throw error;
      if (!silent) stderr.write(`waiting: ${error instanceof Error ? error.message : String(error)}\n`);
      silent = true;
    }
    await clock.sleep(Math.max(intervalMs, (clock.monotonic() - begun) * BUSY_PART), stop);
  }
}

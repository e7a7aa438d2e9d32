/** `operator`, `standalone` and `peer`: work until they are stopped, and log what they do. */
import type { Ambience } from '../compose/installation.ts';
import { ConfigError } from '../config.ts';
import { createLogger, type LogFormat } from '../telemetry/logger.ts';
import { type CommandContext, EXIT, Stopped, textOption } from './command.ts';
import { watchLevel } from './log-level.ts';

export async function run(context: CommandContext, stop: AbortSignal): Promise<number> {
  const { command, version, clock, random } = context;
  const config = context.config();
  const asked = textOption(context, 'log-format') as LogFormat | undefined;
  const format = asked ?? config.log.format ?? (command.name === 'operator' ? 'json' : 'text');
  const logger = createLogger({ level: config.log.level, format });
  context.crashesTo(logger);
  stop.addEventListener('abort', () => logger.info('stopping', signalOf(stop.reason)), { once: true });
  logger.info('starting', { command: command.name, version, node: process.version, pid: process.pid });
  const watching = new AbortController();
  if (textOption(context, 'config') !== undefined) {
    const read = () => context.configAgain().log.level;
    const watched = { clock, logger, level: config.log.level, read, onReload: context.onHangUp };
    void watchLevel(watched, watching.signal);
  }
  try {
    await serve(context, { config, version, clock, random, logger }, stop);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (stop.aborted && error === stop.reason) return EXIT.done;
    logger.error('failed', { error });
    return EXIT.failed;
  } finally {
    watching.abort();
  }
  logger.info('stopped');
  return EXIT.done;
}

/** Only what the command needs is loaded: the Kubernetes client alone takes more than a second. */
async function serve(
  { command, hostname, stdout }: CommandContext,
  ambience: Ambience,
  stop: AbortSignal,
): Promise<void> {
  switch (command.name) {
    case 'operator': {
      const { runOperator } = await import('../compose/operator.ts');
      return await runOperator({ ...ambience, hostname }, stop);
    }
    case 'standalone': {
      const { runStandalone } = await import('../compose/standalone.ts');
      return await runStandalone(ambience, stop);
    }
    case 'peer': {
      const { runPeer } = await import('../compose/peer.ts');
      return await runPeer(ambience, (url) => void stdout.write(`listening on ${url}\n`), stop);
    }
    default:
      throw new Error(`${command.name} serves nothing`);
  }
}

function signalOf(reason: unknown): { readonly signal?: string } {
  return reason instanceof Stopped ? { signal: reason.signal } : {};
}

/** `retry TASK`: asks to run what failed again; with `--wait` follows it to its end, which is the exit code. */
import { RETRY_REQUESTED_ANNOTATION } from '../api/names.ts';
import type { CommandContext } from './command.ts';
import { performRequest } from './run-request.ts';

export async function run(context: CommandContext, stop: AbortSignal): Promise<number> {
  return await performRequest(context, stop, {
    annotation: RETRY_REQUESTED_ANNOTATION,
    handled: 'lastHandledRetryRequest',
    trigger: 'retry',
    asked: 'a retry of what failed',
    vain: 'nothing is to be retried',
  });
}

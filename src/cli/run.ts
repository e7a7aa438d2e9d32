/** `run TASK`: asks for a run now; with `--wait` follows it to its end, which is the exit code. */
import { RUN_REQUESTED_ANNOTATION } from '../api/names.ts';
import type { CommandContext } from './command.ts';
import { performRequest } from './run-request.ts';

export async function run(context: CommandContext, stop: AbortSignal): Promise<number> {
  return await performRequest(context, stop, {
    annotation: RUN_REQUESTED_ANNOTATION,
    handled: 'lastHandledRunRequest',
    trigger: 'request',
    asked: 'a run',
    vain: 'no run was begun',
  });
}

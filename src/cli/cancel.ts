/** `cancel TASK`: asks to stop the run that is active; with `--wait` until it has stopped. */
import { CANCEL_REQUESTED_ANNOTATION } from '../api/names.ts';
import { type CommandContext, EXIT, flag } from './command.ts';
import { newRequest, waitFor, withTask } from './request.ts';

export async function run(context: CommandContext, stop: AbortSignal): Promise<number> {
  return await withTask(context, stop, async (asked) => {
    const value = newRequest(context);
    const { task, title } = asked;
    await asked.resources.annotate(asked.key, { [CANCEL_REQUESTED_ANNOTATION]: value }, stop);
    const active = task.status?.activeRun?.recordId;
    context.stdout.write(
      `${title}: asked to cancel ${active === undefined ? 'a run, but none was active' : `run ${active}`}\n`,
    );
    if (!flag(context, 'wait')) return EXIT.done;
    const answered = await waitFor(
      asked,
      'the answer',
      ({ status }) => {
        if (status?.lastHandledCancelRequest !== value) return undefined;
        return status.activeRun !== undefined && status.activeRun.recordId === active ? undefined : { status };
      },
      stop,
    );
    const ended = answered.status.history?.find(({ recordId }) => recordId === active);
    const end = ended === undefined ? 'no run is active' : `run ${ended.recordId} ${ended.status}`;
    context.stdout.write(`${title}: ${end}\n`);
    return EXIT.done;
  });
}

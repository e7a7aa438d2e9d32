/** `suspend TASK` and `resume TASK`: by annotation, so that what a Git repository says of the task stays as it is. */
import { SUSPENDED_ANNOTATION } from '../api/names.ts';
import { type CommandContext, EXIT, flag } from './command.ts';
import { waitFor, withTask } from './request.ts';

export async function run(context: CommandContext, stop: AbortSignal): Promise<number> {
  const suspends = context.command.name === 'suspend';
  return await withTask(context, stop, async (asked) => {
    const { task, title } = asked;
    await asked.resources.annotate(asked.key, { [SUSPENDED_ANNOTATION]: suspends ? 'true' : null }, stop);
    context.stdout.write(`${title}: ${suspends ? 'suspended' : 'resumed'}\n`);
    if (!suspends && !task.spec.enabled) {
      context.stderr.write(`${title}: spec.enabled is false: it does not run before that is changed\n`);
      return EXIT.done;
    }
    if (!flag(context, 'wait')) return EXIT.done;
    await waitFor(
      asked,
      'the operator',
      ({ status }) => {
        const holds = status?.suspendedSince !== undefined && status.activeRun === undefined;
        return (suspends ? holds : status?.suspendedSince === undefined) ? true : undefined;
      },
      stop,
    );
    return EXIT.done;
  });
}

import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';
import type { TaskView } from './stage.ts';

/** Of a resource, by its status. */
export function viewOf({ metadata, status }: ReplicaTask): TaskView {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const { progress } = status;
  const counts =
    progress === undefined
      ? ''
      : `, ${progress.done} done (${progress.success} copied, ${progress.unchanged} unchanged, ${progress.conflict} conflicts, ${progress.failed} failed), ${progress.sentBytes} bytes sent`;
  const trouble = ready?.status === 'True' ? '' : `; ${ready?.reason ?? 'waiting'}: ${ready?.message ?? ''}`;
  return {
    name: metadata.name,
    runs: status.history?.length ?? 0,
    running: status.activeRun !== undefined,
    progress: `${status.lastExecutionStatus ?? 'not run yet'}${counts}${trouble}`,
  };
}

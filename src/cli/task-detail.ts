/** What `status TASK` shows: conditions, far sides and the last runs of one task. */
import type { ReplicaTask } from '../api/replica-task.gen.ts';
import { plain, tableText } from './output.ts';
import { countsText, taskColumns, taskView } from './task-view.ts';
import { lagText, whenText } from './text.ts';

export function taskDetail(task: ReplicaTask, now: number): string {
  const { status } = task;
  const sections = [
    tableText(taskColumns(true, now), [taskView(task)]),
    section('far sides', farSides(task, now)),
    section('conditions', conditions(task, now)),
    section('last runs', history(task, now)),
    status?.schedule === undefined ? '' : `schedule: ${plain(status.schedule)}\n`,
  ];
  return sections.filter((text) => text !== '').join('\n');
}

function section(title: string, text: string): string {
  return text === '' ? '' : `${title}:\n${text}`;
}

function farSides({ status }: ReplicaTask, now: number): string {
  const rows = status?.remoteClusters ?? [];
  if (rows.length === 0) return '';
  return tableText(
    [
      { title: 'CLUSTER', text: (row) => row.name },
      { title: 'RESULT', text: (row) => [row.lastResult, row.reason].filter((word) => word !== undefined).join(' ') },
      { title: 'PROGRESS', text: (row) => countsText(row) },
      { title: 'LAG', text: ({ lag }) => (lag === undefined ? '' : lagText(lag)) },
      { title: 'LAST SUCCESS', text: (row) => whenText(row.lastSuccess, now) },
      { title: 'MESSAGE', text: (row) => row.message ?? '' },
    ],
    rows,
  );
}

function conditions({ status }: ReplicaTask, now: number): string {
  const rows = status?.conditions ?? [];
  if (rows.length === 0) return '';
  return tableText(
    [
      { title: 'CONDITION', text: (row) => row.type },
      { title: 'STATUS', text: (row) => row.status },
      { title: 'REASON', text: (row) => row.reason },
      { title: 'SINCE', text: (row) => whenText(row.lastTransitionTime, now) },
      { title: 'MESSAGE', text: (row) => row.message },
    ],
    rows,
  );
}

function history({ status }: ReplicaTask, now: number): string {
  const rows = status?.history ?? [];
  if (rows.length === 0) return '';
  return tableText(
    [
      { title: 'RUN', text: (row) => row.recordId },
      { title: 'TRIGGER', text: (row) => row.trigger ?? '' },
      { title: 'STATUS', text: (row) => row.status },
      { title: 'BEGAN', text: (row) => whenText(row.startTime, now) },
      { title: 'RESULT', text: (row) => countsText(row) },
      { title: 'REASON', text: (row) => row.reason ?? '' },
    ],
    rows,
  );
}

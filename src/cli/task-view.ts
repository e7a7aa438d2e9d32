/** What `status` shows of tasks and clusters: their statuses in one line each. Nothing is judged here again. */
import type { Cluster } from '../api/cluster.gen.ts';
import { getCondition } from '../api/conditions.ts';
import type { ReplicaTask, ReplicaTaskStatusProgress } from '../api/replica-task.gen.ts';
import type { Column } from './output.ts';
import { bytesText, whenText } from './text.ts';

export interface TaskView {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  /** One word, and the reason of the condition that says it. */
  readonly state: string;
  readonly reason?: string;
  readonly message?: string;
  readonly synced?: string;
  readonly progress?: string;
  /** How far behind the source, of a REAL_TIME task. */
  readonly lag?: string;
  readonly lastExecutionStatus?: string;
  readonly lastExecutionTime?: string;
  readonly nextExecutionTime?: string;
}

export interface ClusterView {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly url: string;
  readonly health: string;
  readonly reason?: string;
  readonly message?: string;
  readonly version?: string;
  readonly latencyMs?: number;
}

export function taskView(task: ReplicaTask): TaskView {
  const { metadata, spec, status } = task;
  const { state, type } = stateOf(task);
  const condition = getCondition(status?.conditions, type);
  const synced = getCondition(status?.conditions, 'Synced')?.status;
  const progress = status?.progress?.summary ?? '';
  const { lag, lastExecutionStatus, lastExecutionTime, nextExecutionTime } = status ?? {};
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    type: spec.replicaType,
    state,
    ...(condition === undefined ? {} : { reason: condition.reason, message: condition.message }),
    ...(synced === undefined ? {} : { synced }),
    ...(progress === '' ? {} : { progress }),
    ...(lag === undefined ? {} : { lag }),
    ...(lastExecutionStatus === undefined ? {} : { lastExecutionStatus }),
    ...(lastExecutionTime === undefined ? {} : { lastExecutionTime }),
    ...(nextExecutionTime === undefined ? {} : { nextExecutionTime }),
  };
}

/** The first that applies, and the condition that says more. */
function stateOf({ metadata, status }: ReplicaTask): { readonly state: string; readonly type: string } {
  const is = (type: string): string | undefined => getCondition(status?.conditions, type)?.status;
  if (metadata.deletionTimestamp !== undefined) return { state: 'Deleting', type: 'Ready' };
  if (is('Ready') === undefined) return { state: 'Pending', type: 'Ready' };
  if (is('Stalled') === 'True') return { state: 'Stalled', type: 'Stalled' };
  if (status?.suspendedSince !== undefined) return { state: 'Suspended', type: 'Ready' };
  if (is('Ready') === 'False') return { state: 'NotReady', type: 'Ready' };
  if (status?.activeRun !== undefined) return { state: 'Running', type: 'Running' };
  if (is('Synced') === 'False') return { state: 'NotSynced', type: 'Synced' };
  return { state: is('Synced') === 'True' ? 'Synced' : 'Ready', type: is('Synced') === 'True' ? 'Synced' : 'Ready' };
}

export function countsText(progress: Omit<ReplicaTaskStatusProgress, 'summary'>): string {
  const {
    total,
    done = 0,
    success = 0,
    unchanged = 0,
    conflict = 0,
    failed = 0,
    notTried = 0,
    sentBytes = 0,
  } = progress;
  const parts = [
    total === undefined ? undefined : `${done} of ${total}`,
    `${success} copied`,
    `${unchanged} unchanged`,
    conflict > 0 ? `${conflict} in conflict` : undefined,
    failed > 0 ? `${failed} failed` : undefined,
    notTried > 0 ? `${notTried} not tried` : undefined,
    `${bytesText(sentBytes)} sent`,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

export function clusterView({ metadata, spec, status }: Cluster): ClusterView {
  const ready = getCondition(status?.conditions, 'Ready');
  const { version, latency, health } = status ?? {};
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    type: spec.type,
    url: spec.url,
    health: health ?? (ready === undefined ? 'Pending' : 'Unknown'),
    ...(ready === undefined ? {} : { reason: ready.reason, message: ready.message }),
    ...(version === undefined ? {} : { version }),
    ...(latency === undefined ? {} : { latencyMs: latency }),
  };
}

export function taskColumns(withNamespace: boolean, now: number): readonly Column<TaskView>[] {
  return [
    ...(withNamespace ? [{ title: 'NAMESPACE', text: (row: TaskView) => row.namespace }] : []),
    { title: 'TASK', text: (row) => row.name },
    { title: 'TYPE', text: (row) => row.type },
    {
      title: 'STATE',
      text: ({ state, reason }) => (reason === undefined || reason === state ? state : `${state} (${reason})`),
    },
    { title: 'PROGRESS', text: (row) => row.progress ?? '' },
    { title: 'LAG', text: (row) => row.lag ?? '' },
    { title: 'LAST', text: (row) => [row.lastExecutionStatus, whenText(row.lastExecutionTime, now)].join(' ').trim() },
    { title: 'NEXT', text: (row) => whenText(row.nextExecutionTime, now) },
  ];
}

export function clusterColumns(withNamespace: boolean): readonly Column<ClusterView>[] {
  return [
    ...(withNamespace ? [{ title: 'NAMESPACE', text: (row: ClusterView) => row.namespace }] : []),
    { title: 'CLUSTER', text: (row) => row.name },
    { title: 'TYPE', text: (row) => row.type },
    {
      title: 'HEALTH',
      text: ({ health, reason }) => (health === 'HEALTHY' || reason === undefined ? health : `${health} (${reason})`),
    },
    { title: 'URL', text: (row) => row.url },
    { title: 'VERSION', text: (row) => row.version ?? '' },
    { title: 'LATENCY', text: (row) => (row.latencyMs === undefined ? '' : `${Math.round(row.latencyMs)} ms`) },
  ];
}

/** The steps that look and judge: is this task ours, is it accepted, is what it refers to there and well. */

import type { Cluster } from '../../api/cluster.gen.ts';
import { getCondition } from '../../api/conditions.ts';
import type { Refusal } from '../../domain/acceptance.ts';
import { refuseProject } from '../../domain/policy.ts';
import { resolveReferences } from '../../domain/references.ts';
import { isInScope, servedByOther } from '../../domain/scope.ts';
import type { Trouble } from '../../domain/summary.ts';
import { type Timetable, timetableOf } from '../../domain/timetable.ts';
import { MISSING_REASONS } from '../cluster/access.ts';
import { event } from '../transition-events.ts';
import { troubleOf, workingTrouble } from '../trouble.ts';
import { addTrouble, againIn, newestFirst, type Step, type Worksheet } from './worksheet.ts';

/** Runs read from the journal: more than the status shows, so that runs begun meanwhile are counted. */
const RECORDS_READ = 20;
/** The one that is under way, and the last one that ended. */
const COMPARES_READ = 2;
const LOOK_AGAIN_MS = 10_000;

/** Whether this installation looks after the task; when it is another's that is said in an Event. */
export function isOurs({ task, options }: Worksheet): boolean {
  const { store, scope, installationId } = options;
  if (!isInScope(task.metadata, scope)) return false;
  const other = servedByOther(task.status?.servedBy, installationId);
  if (other === undefined) return true;
  store.event('ReplicaTask', task, event('Warning', 'ServedByOther', 'Reconcile', other));
  return false;
}

export const accept: Step = (sheet) => {
  const { task, options } = sheet;
  const timetable = compiled(sheet);
  if ('reason' in timetable)
    addTrouble(sheet, { kind: 'refused', reason: timetable.reason, message: timetable.message });
  else sheet.timetable = timetable;
  const { namespace } = task.metadata;
  const project = refuseProject(options.policy, namespace, task.spec.localProjectId);
  if (project !== undefined) addTrouble(sheet, { kind: 'refused', reason: 'ProjectNotAllowed', message: project });
};

/** Compiled once for each plan: zones are dear. */
function compiled({ task, options, memory }: Worksheet): Timetable | Refusal {
  const plan = JSON.stringify(task.spec.setting.executionPlan ?? {});
  if (memory.schedule?.plan !== plan) memory.schedule = { plan, compiled: timetableOf(task.spec, options.schedule) };
  return memory.schedule.compiled;
}

export const resolve: Step = (sheet) => {
  const { task, options } = sheet;
  const { namespace } = task.metadata;
  sheet.references = resolveReferences(task.spec.remoteClusterIds, options.store.list('Cluster', namespace));
  const unknown = sheet.references.filter(({ cluster }) => cluster === undefined).map(({ entry }) => entry);
  if (unknown.length > 0) {
    const message = `namespace ${namespace} has no Cluster (by name, status.id or legacy id) for remoteClusterIds ${unknown.join(', ')}`;
    addTrouble(sheet, { kind: 'missing', reason: 'ClusterNotFound', message });
    againIn(sheet, LOOK_AGAIN_MS);
  }
  for (const { cluster } of sheet.references) {
    if (cluster === undefined) continue;
    const trouble = hostTrouble(sheet, cluster) ?? clusterTrouble(cluster);
    if (trouble === undefined) sheet.reachable = true;
    else addTrouble(sheet, trouble);
    if (trouble?.kind === 'missing') againIn(sheet, LOOK_AGAIN_MS);
  }
};

function hostTrouble({ options, task }: Worksheet, cluster: Cluster): Trouble | undefined {
  try {
    options.farSides.assertAllowed(cluster, task.spec.localProjectId);
    return undefined;
  } catch (error) {
    return about(cluster, troubleOf(error));
  }
}

/** The cluster's own controller has judged it already; here it is only repeated in the task's words. */
function clusterTrouble(cluster: Cluster): Trouble | undefined {
  const { name, generation } = cluster.metadata;
  const ready = getCondition(cluster.status?.conditions, 'Ready');
  if (ready === undefined || cluster.status?.observedGeneration !== generation)
    return { kind: 'working', reason: 'ClusterNotProbed', message: `Cluster ${name} has not been probed yet` };
  if (ready.status === 'True') return undefined;
  const { reason, message } = ready;
  if (MISSING_REASONS.has(reason)) return about(cluster, { kind: 'missing', reason, message });
  if (getCondition(cluster.status?.conditions, 'Stalled') !== undefined)
    return about(cluster, { kind: 'refused', reason, message });
  const text = `Cluster ${name} is not reachable: ${message} (${reason})`;
  return { kind: 'failing', reason: 'ClusterUnreachable', message: text };
}

function about(cluster: Cluster, trouble: Trouble): Trouble {
  return { ...trouble, message: `Cluster ${cluster.metadata.name}: ${trouble.message}` };
}

export const readRecords: Step = async (sheet, signal) => {
  try {
    const { journal } = sheet.options;
    const last = await journal.lastRuns(sheet.taskKey, RECORDS_READ, signal);
    // Rolling records come every hour, compares perhaps once a day.
    const follows = sheet.task.spec.replicaType === 'REAL_TIME';
    const compares = follows ? await journal.lastCompares(sheet.taskKey, COMPARES_READ, signal) : [];
    const older = compares.filter((compare) => !last.some(({ id }) => id === compare.id));
    sheet.records = newestFirst([...last, ...older]);
  } catch (error) {
    signal.throwIfAborted();
    addTrouble(sheet, workingTrouble(error));
    againIn(sheet, LOOK_AGAIN_MS);
  }
};

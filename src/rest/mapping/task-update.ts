/**
 * The body of an update onto the spec that is there.
 *
 * Guaranteed: what the body knows replaces the spec's, and what it leaves out gets its default, as at bk-repo; what REST
 * does not know stays (enabled, replicaType, timeZone, startingDeadlineSeconds, verifyInterval, recordUnchanged,
 * adoptExisting); and what only says again how the task already reads stays as it is written, so that an answer sent back
 * changes nothing, neither derived fields nor names of clusters instead of ids.
 */
import { isDeepStrictEqual } from 'node:util';

import type { ReplicaTask, ReplicaTaskSpecSetting } from '../../api/replica-task.gen.ts';
import type { SpecDraft } from '../../resources/editor.ts';
import type { Complaint } from '../codes.ts';
import type { SettingBody, TaskUpdateBody } from '../schemas/task-bodies.ts';
import { refuse } from './complaints.ts';
import { noteUnreadableDate, type PlanDraft, planDraft, type RequestTerms } from './execution-plan.ts';
import { restName } from './identity.ts';
import { type InfoTerms, objectInfo, objectTypeOf, planInfo, remoteClusterInfo } from './task-info.ts';
import { objectDrafts } from './task-objects.ts';
import { contentDraft, noteContent, settingDraft } from './task-request.ts';

/** How a request's dates are read, and how the task reads now. */
export type UpdateTerms = RequestTerms & InfoTerms;

type Spec = ReplicaTask['spec'];

/** @throws {RestError} 250103, 250104, 250105, 250106, 251011 */
export function updatedTask(body: TaskUpdateBody, task: ReplicaTask, terms: UpdateTerms): SpecDraft<'ReplicaTask'> {
  const complaints: Complaint[] = [];
  noteUnreadableDate(complaints, body.setting, terms.dates);
  noteContent(complaints, body);
  const objects = objectDrafts(body.replicaTaskObjects, body.replicaObjectType ?? undefined, true, complaints);
  const setting = updatedSetting(body.setting, task, terms, complaints);
  refuse(complaints);

  const { spec } = task;
  const { name: _name, replicaObjectType: _type, ...draft } = contentDraft(body);
  const replicaTaskObjects = objects.map((object, index) => {
    const before = spec.replicaTaskObjects[index];
    const same =
      before !== undefined &&
      isDeepStrictEqual(objectInfo(before, spec.localProjectId), objectInfo(object, body.localProjectId));
    return same ? before : object;
  });
  return {
    ...draft,
    ...writtenName(body.name, task),
    ...writtenType(body.replicaObjectType ?? undefined, { ...spec, replicaTaskObjects }),
    replicaTaskObjects,
    remoteClusterIds: writtenClusters(body.remoteClusterIds, task, terms),
    setting,
    replicaType: spec.replicaType,
    enabled: spec.enabled,
  };
}

/** The display name, unless the task has none and shows this one all the same. */
export function writtenName(name: string, task: ReplicaTask): Pick<Spec, 'name'> {
  return task.spec.name === undefined && restName(task) === name ? {} : { name };
}

/** The type that was said, unless the task has none and its objects show this one all the same. */
function writtenType(
  said: Spec['replicaObjectType'],
  spec: Pick<Spec, 'replicaTaskObjects' | 'replicaObjectType'>,
): Pick<Spec, 'replicaObjectType'> {
  if (said === undefined) return {};
  return spec.replicaObjectType === undefined && objectTypeOf(spec) === said ? {} : { replicaObjectType: said };
}

/** The ids that were said; where the task has another word for the same Cluster, that one. */
function writtenClusters(ids: readonly string[], { metadata, spec }: ReplicaTask, { find }: InfoTerms): string[] {
  const entries = new Map(
    spec.remoteClusterIds.map((entry) => [remoteClusterInfo(metadata.namespace, entry, find).id, entry]),
  );
  return [...new Set(ids.map((id) => entries.get(id) ?? id))];
}

/** The setting that was said, with what REST does not know of the present one. */
export function updatedSetting(
  body: SettingBody,
  { spec }: ReplicaTask,
  terms: UpdateTerms,
  complaints: Complaint[],
): NonNullable<SpecDraft<'ReplicaTask'>['setting']> {
  const { recordUnchanged, adoptExisting, verifyInterval } = spec.setting;
  const plan = spec.replicaType === 'REAL_TIME' ? presentPlan(spec) : updatedPlan(body, spec, terms, complaints);
  return {
    ...settingDraft(body, plan),
    recordUnchanged,
    adoptExisting,
    ...(verifyInterval === undefined ? {} : { verifyInterval }),
  };
}

function updatedPlan(body: SettingBody, spec: Spec, terms: UpdateTerms, complaints: Complaint[]): PlanDraft {
  const wrong: Complaint[] = [];
  const draft = planDraft(body, terms, wrong);
  // A plan that only says again how the task reads is not judged again: its time may have passed meanwhile.
  const readable = wrong.every(({ code, subject }) => code === 'parameterInvalid' && subject === 'executeTime');
  if (readable && isDeepStrictEqual(shown(draft, terms), planInfo(spec.setting, terms))) return presentPlan(spec);
  complaints.push(...wrong);
  return { ...draft, ...withUnknown(draft, spec.setting) };
}

function shown(draft: PlanDraft, terms: UpdateTerms): ReturnType<typeof planInfo> {
  return planInfo(draft, terms);
}

function presentPlan({ setting }: Spec): PlanDraft {
  const { executionStrategy, executionPlan } = setting;
  return {
    ...(executionStrategy === undefined ? {} : { executionStrategy }),
    ...(executionPlan === undefined ? {} : { executionPlan }),
  };
}

/** The deadline goes with a plan that has none of the times it is for. */
function withUnknown({ executionPlan = {} }: PlanDraft, { executionPlan: before }: ReplicaTaskSpecSetting): PlanDraft {
  const { timeZone, startingDeadlineSeconds } = before ?? {};
  const timed = executionPlan.executeTime !== undefined || executionPlan.cronExpression !== undefined;
  const plan = {
    ...executionPlan,
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(startingDeadlineSeconds === undefined || !timed ? {} : { startingDeadlineSeconds }),
  };
  return Object.keys(plan).length === 0 ? {} : { executionPlan: plan };
}

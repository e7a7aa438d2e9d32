/**
 * The body of a new task as a spec, and back in task-info.ts (contract §1.8).
 *
 * Guaranteed: all complaints are told, in bk-repo's order of checks; nothing is written that the body did not say, so
 * that absent fields get the CRD's defaults, or stay absent where it has none. What the CRD would refuse beyond that is
 * found by admission.ts. Not judged here: whether the name is free (before), and whether the far sides exist (after).
 */
import type { ReplicaTaskSpec } from '../../api/replica-task.gen.ts';
import type { SpecDraft } from '../../resources/editor.ts';
import type { Complaint } from '../codes.ts';
import type { SettingBody, TaskContentBody, TaskCreateBody } from '../schemas/task-bodies.ts';
import { isGiven, note, noteUnlessName, noteUnlessSaid, noteUnlessText, refuse } from './complaints.ts';
import { noteUnreadableDate, type PlanDraft, planDraft, type RequestTerms } from './execution-plan.ts';
import { objectDrafts } from './task-objects.ts';

/** @throws {RestError} 250103, 250104, 250105, 250106, 251011 */
export function taskDraft(body: TaskCreateBody, terms: RequestTerms): SpecDraft<'ReplicaTask'> {
  const complaints: Complaint[] = [];
  noteUnreadableDate(complaints, body.setting, terms.dates);
  noteContent(complaints, body);
  const { replicaType, enabled, replicaObjectType } = body;
  if (isGiven(replicaType) && replicaType !== 'SCHEDULED' && replicaType !== 'REAL_TIME')
    note(complaints, 'parameterInvalid', 'replicaType', `${replicaType} is not supported`);
  const objects = objectDrafts(body.replicaTaskObjects, replicaObjectType ?? undefined, false, complaints);
  const plan = replicaType === 'REAL_TIME' ? {} : planDraft(body.setting, terms, complaints);
  refuse(complaints);
  return {
    ...contentDraft(body),
    replicaTaskObjects: objects,
    setting: settingDraft(body.setting, plan),
    ...(isGiven(replicaType) ? { replicaType: replicaType as ReplicaTaskSpec['replicaType'] } : {}),
    ...(isGiven(enabled) ? { enabled } : {}),
  };
}

/** What bk-repo asks of the content first: something in each field, and a name of some length. */
export function noteContent(complaints: Complaint[], body: TaskContentBody): void {
  const named = noteUnlessSaid(complaints, 'name', body.name);
  noteUnlessSaid(complaints, 'localProjectId', body.localProjectId);
  noteUnlessSaid(complaints, 'replicaTaskObjects', body.replicaTaskObjects);
  noteUnlessSaid(complaints, 'remoteClusterIds', body.remoteClusterIds);
  if (named) noteUnlessName(complaints, body.name);
  noteUnlessText(complaints, 'description', body.description);
}

/** The fields that need no thought. */
export function contentDraft(body: TaskContentBody): SpecDraft<'ReplicaTask'> {
  const { name, localProjectId, replicaObjectType, remoteClusterIds, description, record, recordReserveDays } = body;
  return {
    name,
    localProjectId,
    ...(isGiven(replicaObjectType) ? { replicaObjectType } : {}),
    // bk-repo's is a set, too.
    remoteClusterIds: [...new Set(remoteClusterIds)],
    ...(isGiven(description) ? { description } : {}),
    ...(isGiven(record) ? { record } : {}),
    ...(isGiven(recordReserveDays) ? { recordReserveDays } : {}),
  };
}

/** @param plan what was made of executionStrategy and executionPlan */
export function settingDraft(body: SettingBody, plan: PlanDraft): NonNullable<SpecDraft<'ReplicaTask'>['setting']> {
  const { rateLimit, includeMetadata, conflictStrategy, errorStrategy } = body;
  const { storageConsistencyCheck, automaticCreateRemoteRepo } = body;
  return {
    ...(isGiven(rateLimit) ? { rateLimit: Math.max(rateLimit, 0) } : {}),
    ...(isGiven(includeMetadata) ? { includeMetadata } : {}),
    ...(isGiven(conflictStrategy) ? { conflictStrategy } : {}),
    ...(isGiven(errorStrategy) ? { errorStrategy } : {}),
    ...plan,
    ...(isGiven(storageConsistencyCheck) ? { storageConsistencyCheck } : {}),
    ...(isGiven(automaticCreateRemoteRepo) ? { automaticCreateRemoteRepo } : {}),
  };
}

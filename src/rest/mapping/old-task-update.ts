/**
 * The update of the old generation, which says per far side what goes there (contract §1.6). A ReplicaTask copies all of
 * its objects to all of its far sides, so bodies that want different things at different far sides are refused: they
 * would copy too much.
 */
import { isDeepStrictEqual } from 'node:util';

import type { Cluster } from '../../api/cluster.gen.ts';
import type { ReplicaTask, ReplicaTaskSpecReplicaTaskObject } from '../../api/replica-task.gen.ts';
import type { SpecDraft } from '../../resources/editor.ts';
import type { Complaint } from '../codes.ts';
import type { OldRepoInfoBody, OldTaskUpdateBody, TaskUpdateBody } from '../schemas/task-bodies.ts';
import { isGiven, note, noteUnlessName, noteUnlessSaid, noteUnlessText, refuse } from './complaints.ts';
import { noteUnreadableDate } from './execution-plan.ts';
import { restName } from './identity.ts';
import { objectTypeOf } from './task-info.ts';
import { type UpdateTerms, updatedSetting, writtenName } from './task-update.ts';

export function isOldUpdate(body: TaskUpdateBody | OldTaskUpdateBody): body is OldTaskUpdateBody {
  return 'replicationInfo' in body && Array.isArray(body.replicationInfo);
}

/**
 * @param clusters which the body names by the names that REST shows; those of other namespaces do not count
 * @throws {RestError} 250104, 250105, 250106, 250306
 */
export function updatedOldTask(
  body: OldTaskUpdateBody,
  task: ReplicaTask,
  clusters: readonly Cluster[],
  terms: UpdateTerms,
): SpecDraft<'ReplicaTask'> {
  const { spec } = task;
  const complaints: Complaint[] = [];
  noteUnreadableDate(complaints, body.setting, terms.dates);
  if (noteUnlessSaid(complaints, 'name', body.name)) noteUnlessName(complaints, body.name);
  noteUnlessText(complaints, 'description', body.description);
  const replicaTaskObjects = objectsOf(body, spec.replicaTaskObjects, complaints);
  const setting = updatedSetting(body.setting, task, terms, complaints);
  const remoteClusterIds = clustersOf(body, task, clusters, terms, complaints);
  refuse(complaints);

  const { name: _name, description: _description, replicaObjectType, ...rest } = spec;
  return {
    ...rest,
    ...writtenName(body.name, task),
    ...(isGiven(body.description) ? { description: body.description } : {}),
    ...(replicaObjectType === undefined ? {} : { replicaObjectType: objectTypeOf({ replicaTaskObjects }) }),
    replicaTaskObjects,
    remoteClusterIds,
    setting,
  };
}

function objectsOf(
  { replicationInfo }: OldTaskUpdateBody,
  before: readonly ReplicaTaskSpecReplicaTaskObject[],
  complaints: Complaint[],
): readonly ReplicaTaskSpecReplicaTaskObject[] {
  if (!noteUnlessSaid(complaints, 'replicationInfo', replicationInfo)) return [];
  const [first, ...others] = replicationInfo;
  const repositories = first?.repoInfo ?? [];
  if (others.some(({ repoInfo }) => !isDeepStrictEqual(repoInfo, repositories)))
    note(complaints, 'parameterInvalid', 'replicationInfo', 'one task copies the same to all its far sides');
  noteUnlessSaid(complaints, 'repoInfo', repositories);
  return repositories.map((repository) => objectOf(repository, before, complaints));
}

/** Where it goes is not in the body: as the task has it for this repository, else the usual. */
function objectOf(
  { localRepoName, type, packageInfo }: OldRepoInfoBody,
  before: readonly ReplicaTaskSpecReplicaTaskObject[],
  complaints: Complaint[],
): ReplicaTaskSpecReplicaTaskObject {
  const versions = new Map<string, string[]>();
  for (const { packageKey, version } of packageInfo) {
    noteUnlessSaid(complaints, 'packageKey', packageKey);
    noteUnlessText(complaints, 'packageKey', packageKey);
    noteUnlessSaid(complaints, 'version', version);
    noteUnlessText(complaints, 'version', version);
    const known = versions.get(packageKey);
    if (known === undefined) versions.set(packageKey, [version]);
    else if (!known.includes(version)) known.push(version);
  }
  const { remoteProjectId, remoteRepoName } = before.find((object) => object.localRepoName === localRepoName) ?? {};
  return {
    localRepoName,
    ...(remoteProjectId === undefined ? {} : { remoteProjectId }),
    ...(remoteRepoName === undefined ? {} : { remoteRepoName }),
    repoType: type,
    ...(versions.size === 0
      ? {}
      : { packageConstraints: [...versions].map(([packageKey, some]) => ({ packageKey, versions: some })) }),
  };
}

/** Entries of the task for the same Clusters stay; others are written by `metadata.name`. */
function clustersOf(
  { replicationInfo }: OldTaskUpdateBody,
  { metadata, spec }: ReplicaTask,
  clusters: readonly Cluster[],
  { find }: UpdateTerms,
  complaints: Complaint[],
): readonly string[] {
  const names = [...new Set(replicationInfo.flatMap(({ remoteClusterName }) => remoteClusterName))];
  noteUnlessSaid(complaints, 'remoteClusterName', names);
  const entries = new Map(
    spec.remoteClusterIds.map((entry) => [find(metadata.namespace, entry)?.metadata.name ?? '', entry]),
  );
  return names.map((name) => {
    const cluster = clusters.find(
      (candidate) => candidate.metadata.namespace === metadata.namespace && restName(candidate) === name,
    );
    if (cluster === undefined) note(complaints, 'clusterNotFound', name);
    const resource = cluster?.metadata.name ?? name;
    return entries.get(resource) ?? resource;
  });
}

/** What is copied: the objects of a body as those of a spec (contract §1.8). */
import type {
  ReplicaTaskSpec,
  ReplicaTaskSpecReplicaTaskObject,
  ReplicaTaskSpecReplicaTaskObjectPackageConstraint,
  ReplicaTaskSpecReplicaTaskObjectPathConstraint,
} from '../../api/replica-task.gen.ts';
import type { Complaint } from '../codes.ts';
import type { PackageConstraintBody, PathConstraintBody, TaskObjectBody } from '../schemas/task-bodies.ts';
import { isGiven, isSaid, note, noteUnlessSaid, noteUnlessText } from './complaints.ts';
import { constraintPath } from './constraint-path.ts';

type ObjectType = ReplicaTaskSpec['replicaObjectType'];

/**
 * `several`: whether more than one object may have constraints, which bk-repo allows in updates only.
 *
 * Filters that this program does not have (`sourceFilter`, `packageRegex`, `versionRegex`, `pathRegex`,
 * `targetVersions`, `deletedDate`) are refused with 250105 when they are not empty: a filter that were ignored would
 * copy too much.
 */
export function objectDrafts(
  bodies: readonly TaskObjectBody[],
  type: ObjectType,
  several: boolean,
  complaints: Complaint[],
): readonly ReplicaTaskSpecReplicaTaskObject[] {
  const constrained = bodies.some((body) => isSaid(body.packageConstraints) || isSaid(body.pathConstraints));
  const oneOnly = type === 'PACKAGE' || type === 'PATH' || (type === undefined && constrained);
  if (oneOnly && !several && bodies.length > 1)
    note(complaints, 'contentInvalid', 'replicaTaskObjects', 'a task by packages or paths has exactly one object');
  return bodies.map((body, index) => objectDraft(body, type, index, complaints));
}

function objectDraft(
  body: TaskObjectBody,
  type: ObjectType,
  index: number,
  complaints: Complaint[],
): ReplicaTaskSpecReplicaTaskObject {
  const { localRepoName, remoteProjectId, remoteRepoName, repoType, packageConstraints, pathConstraints } = body;
  const packages = isSaid(packageConstraints);
  const paths = isSaid(pathConstraints);
  if (type === 'REPOSITORY' && (packages || paths))
    note(complaints, 'contentInvalid', `replicaTaskObjects[${index}]`, 'REPOSITORY goes without constraints');
  if (packages && paths)
    note(complaints, 'parameterInvalid', 'Constraints', 'packageConstraints and pathConstraints exclude each other');
  if (type === 'PACKAGE') noteUnlessSaid(complaints, 'packageConstraints', packageConstraints);
  if (type === 'PATH') noteUnlessSaid(complaints, 'pathConstraints', pathConstraints);
  noteUnsupported(complaints, { sourceFilter: body.sourceFilter });
  return {
    localRepoName,
    ...(isGiven(remoteProjectId) ? { remoteProjectId } : {}),
    ...(isGiven(remoteRepoName) ? { remoteRepoName } : {}),
    repoType,
    ...(isGiven(packageConstraints)
      ? { packageConstraints: packageConstraints.map((constraint) => packageDraft(constraint, complaints)) }
      : {}),
    ...(isGiven(pathConstraints)
      ? { pathConstraints: pathConstraints.map((constraint) => pathDraft(constraint, complaints)) }
      : {}),
  };
}

function packageDraft(
  { packageKey, versions, ...filters }: PackageConstraintBody,
  complaints: Complaint[],
): ReplicaTaskSpecReplicaTaskObjectPackageConstraint {
  noteUnlessSaid(complaints, 'packageKey', packageKey);
  noteUnlessText(complaints, 'packageKey', packageKey);
  if (isGiven(versions)) {
    // bk-repo takes an empty list, and then copies nothing.
    if (versions.length === 0) note(complaints, 'parameterEmpty', 'versions', 'leave it out for all versions');
    for (const version of versions) {
      noteUnlessSaid(complaints, 'versions', version);
      noteUnlessText(complaints, 'versions', version);
    }
  }
  const { targetVersions, packageRegex, versionRegex, deletedDate } = filters;
  noteUnsupported(complaints, { targetVersions, packageRegex, versionRegex, deletedDate });
  return { packageKey: packageKey ?? '', ...(isGiven(versions) ? { versions } : {}) };
}

function pathDraft(
  { path, pathRegex, deletedDate }: PathConstraintBody,
  complaints: Complaint[],
): ReplicaTaskSpecReplicaTaskObjectPathConstraint {
  noteUnsupported(complaints, { pathRegex, deletedDate });
  if (!isGiven(path)) {
    note(complaints, 'parameterMissing', 'path');
    return { path: '/' };
  }
  const { normal, reason } = constraintPath(path);
  if (normal === undefined) note(complaints, 'pathInvalid', path, reason);
  return { path: normal ?? '/' };
}

function noteUnsupported(
  complaints: Complaint[],
  filters: Readonly<Record<string, string | readonly string[] | null | undefined>>,
): void {
  for (const [field, value] of Object.entries(filters))
    if (isSaid(value)) note(complaints, 'parameterInvalid', field, 'this filter is not supported');
}

/** Under which names, ids and dates REST shows a resource. */
import type { Cluster } from '../../api/cluster.gen.ts';
import {
  CREATED_BY_ANNOTATION,
  clusterId,
  LEGACY_ID_ANNOTATION,
  MODIFIED_BY_ANNOTATION,
  taskKey,
} from '../../api/names.ts';
import type { ObjectMeta } from '../../api/object.ts';
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import type { LocalTime } from '../../lib/local-time.ts';
import { EDIT_MANAGER } from '../../resources/editor.ts';

/** bk-repo's name for nobody in particular (contract §1.2). */
const SYSTEM = 'system';

export function restName({ metadata, spec }: Cluster | ReplicaTask): string {
  return spec.name ?? metadata.name;
}

/** The id of an older bk-repo when there is one. */
export function idOf({ metadata }: Cluster): string {
  return legacyId(metadata) ?? clusterId(metadata.namespace, metadata.name);
}

/** The key of an older bk-repo when there is one. */
export function keyOf({ metadata }: ReplicaTask): string {
  return legacyId(metadata) ?? taskKey(metadata.namespace, metadata.name);
}

function legacyId({ annotations }: ObjectMeta): string | undefined {
  const id = annotations?.[LEGACY_ID_ANNOTATION];
  return id === '' ? undefined : id;
}

export interface Authorship {
  readonly createdBy: string;
  readonly createdDate: string;
  readonly lastModifiedBy: string;
  readonly lastModifiedDate: string;
}

/** Who made and changed the object: people by REST's annotations, other editors by the server's word. */
export function authorship(metadata: ObjectMeta, dates: LocalTime): Authorship {
  const { annotations, creationTimestamp, lastEdit } = metadata;
  const createdBy = annotations?.[CREATED_BY_ANNOTATION] ?? SYSTEM;
  const byRest = lastEdit === undefined || lastEdit.manager === EDIT_MANAGER;
  return {
    createdBy,
    createdDate: dateText(creationTimestamp, dates),
    lastModifiedBy: byRest ? (annotations?.[MODIFIED_BY_ANNOTATION] ?? createdBy) : lastEdit.manager,
    lastModifiedDate: dateText(lastEdit?.time ?? creationTimestamp, dates),
  };
}

/** An RFC 3339 instant as a local date-time. */
export function dateText(instant: string, dates: LocalTime): string {
  return dates.format(new Date(instant));
}

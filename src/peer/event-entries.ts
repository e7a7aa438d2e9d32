/** The entries that servers of two generations write about an event (contract §4.1, §4.2; fixture README). Pure. */
import type { Document } from 'mongodb';

import type { LocalTime } from '../lib/local-time.ts';
import { encodeDottedKeys } from '../source/schema/dotted-keys.ts';
import type { Defects } from './defects.ts';
import type { EventType, PeerEvent } from './events.ts';
import { nodePath } from './fields.ts';

export type EventLogForm = 'operate_log' | 'artifact_oplog';

export interface Entry {
  readonly collection: string;
  readonly document: Document;
}

export interface EntryOptions {
  readonly form: EventLogForm;
  readonly defects: Pick<Defects, 'deletesNotLogged' | 'resourceKeysAsGiven'>;
  readonly time: LocalTime;
}

/** undefined = servers of that generation say nothing about it. */
export function entryOf(event: PeerEvent, at: Date, options: EntryOptions): Entry | undefined {
  return options.form === 'operate_log' ? operateEntry(event, at, options) : artifactEntry(event, at, options);
}

/** What the first generation calls it: resourceType and operateType. */
const OPERATIONS: Partial<Readonly<Record<EventType, readonly [string, string]>>> = {
  PROJECT_CREATED: ['PROJECT', 'CREATE'],
  REPO_CREATED: ['REPOSITORY', 'CREATE'],
  REPO_UPDATED: ['REPOSITORY', 'UPDATE'],
  REPO_DELETED: ['REPOSITORY', 'DELETE'],
  NODE_CREATED: ['NODE', 'CREATE'],
  NODE_UPDATED: ['NODE', 'UPDATE'],
  NODE_RENAMED: ['NODE', 'RENAME'],
  NODE_MOVED: ['NODE', 'MOVE'],
  NODE_COPIED: ['NODE', 'COPY'],
  NODE_DELETED: ['NODE', 'DELETE'],
  METADATA_SAVED: ['METADATA', 'UPDATE'],
  METADATA_DELETED: ['METADATA', 'UPDATE'],
};

function operateEntry(event: PeerEvent, createdDate: Date, { defects }: EntryOptions): Entry | undefined {
  const operation = OPERATIONS[event.type];
  if (operation === undefined || event.implied === true) return undefined;
  if (event.type === 'NODE_DELETED' && defects.deletesNotLogged) return undefined;
  const [resourceType, operateType] = operation;
  const { projectId, repoName, origin } = event;
  const { userId, clientAddress, request } = origin;
  return {
    collection: 'operate_log',
    document: {
      createdDate,
      resourceType,
      resourceKey: operateKey(event, resourceType),
      operateType,
      userId,
      clientAddress,
      description:
        resourceType === 'NODE'
          ? { projectId, repoName, request: JSON.stringify(request, null, 2) }
          : { request: encodeDottedKeys(request) },
    },
  };
}

function operateKey({ projectId, repoName, resource }: PeerEvent, resourceType: string): string {
  if (resourceType === 'PROJECT') return projectId;
  return resourceType === 'REPOSITORY' ? `/${projectId}/${repoName}` : `/${projectId}/${repoName}${nodePath(resource)}`;
}

function artifactEntry(event: PeerEvent, createdDate: Date, { defects, time }: EntryOptions): Entry | undefined {
  const { type, projectId, repoName, resource, origin, data = {} } = event;
  if (type === 'PROJECT_CREATED' || type === 'NODE_UPDATED') return undefined;
  if (type === 'NODE_CREATED' && event.generic !== true) return undefined;
  const isPath = type.startsWith('NODE_') || type.startsWith('METADATA_');
  return {
    collection: `artifact_oplog_${time.format(createdDate).slice(0, 7).replace('-', '')}`,
    document: {
      createdDate,
      type,
      projectId,
      repoName,
      resourceKey: isPath && !defects.resourceKeysAsGiven ? nodePath(resource) : resource,
      userId: origin.userId,
      clientAddress: origin.clientAddress,
      description: encodeDottedKeys(data),
    },
  };
}

/** A local date-time with nine digits of fraction, as `deletedDate` has it. */
export function longDate(date: Date, time: LocalTime): string {
  const [seconds = '', fraction = ''] = time.format(date).split('.');
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}

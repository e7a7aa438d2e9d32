/** What calls over the protocol changed, told to those who write logs of it (contract §4.1, §4.2). */
import type { FastifyRequest } from 'fastify';

import { Fields } from './fields.ts';

/** bk-repo's names of today, and two for what only the first generation logs. */
export type EventType =
  | 'PROJECT_CREATED'
  | 'REPO_CREATED'
  | 'REPO_UPDATED'
  | 'REPO_DELETED'
  | 'NODE_CREATED'
  | 'NODE_UPDATED'
  | 'NODE_RENAMED'
  | 'NODE_MOVED'
  | 'NODE_COPIED'
  | 'NODE_DELETED'
  | 'METADATA_SAVED'
  | 'METADATA_DELETED'
  | 'VERSION_CREATED'
  | 'VERSION_UPDATED'
  | 'VERSION_DELETED';

export interface PeerEvent {
  readonly type: EventType;
  readonly projectId: string;
  /** Empty for a project. */
  readonly repoName: string;
  /** A path as it was given, else a name or key. */
  readonly resource: string;
  readonly origin: EventOrigin;
  /** What today's log tells besides. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Of a node that was made: whether its repository holds files rather than packages. */
  readonly generic?: boolean;
  /** A node that went with its repository, or because another one took its place. */
  readonly implied?: boolean;
}

/** Who caused it, and by what. */
export interface EventOrigin {
  readonly userId: string;
  readonly clientAddress: string;
  readonly request: Readonly<Record<string, unknown>>;
}

export interface EventSink {
  add(event: PeerEvent): void;
}

/** Of a call with a JSON body. */
export function originOf({ ip, body }: FastifyRequest): EventOrigin {
  const fields = Fields.of(body);
  const userId = fields.optionalText('operator') ?? fields.optionalText('createdBy') ?? 'system';
  return { userId, clientAddress: ip, request: body as Readonly<Record<string, unknown>> };
}

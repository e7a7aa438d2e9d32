import type { FastifyRequest } from 'fastify';

import type { PeerContext } from './context.ts';
import { longDate } from './event-entries.ts';
import { originOf, type PeerEvent } from './events.ts';
import { bodyFields } from './http.ts';
import type { CreatedNode } from './node-create.ts';

/** An event about the node that a request names, by the path as it was given. */
export function nodeEvent(request: FastifyRequest): Omit<PeerEvent, 'type'> {
  const body = bodyFields(request);
  return {
    projectId: body.text('projectId'),
    repoName: body.text('repoName'),
    resource: body.text('fullPath'),
    origin: originOf(request),
  };
}

/** A node that takes the place of another one is two events. */
export function announceCreation(
  context: PeerContext,
  request: FastifyRequest,
  { node, placed, replaced, repoType }: CreatedNode,
): void {
  const event = { ...nodeEvent(request), resource: node.fullPath };
  if (replaced !== undefined) {
    const deletedDate = longDate(replaced, context.settings.time);
    context.events.add({ ...event, type: 'NODE_DELETED', implied: true, data: { deletedDate } });
  }
  if (placed) context.events.add({ ...event, type: 'NODE_CREATED', generic: repoType === 'GENERIC' });
}

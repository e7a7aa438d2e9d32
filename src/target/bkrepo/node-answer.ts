import { z } from 'zod';

import type { TargetNode } from '../../engine/ports/target.ts';
import { fromLocalTime, type Zone } from '../../lib/local-time.ts';
import { metadataFields, readMetadata } from './metadata.ts';

/** A node as node/search and node/detail give it; folders have no digest. */
export const nodeSchema = z.object({
  fullPath: z.string(),
  folder: z.boolean().nullish(),
  size: z.number().nullish(),
  sha256: z.string().nullish(),
  lastModifiedDate: z.string().nullish(),
  ...metadataFields,
});

/** `zone` of the far side, where it is known: what lacks it has no dates. */
export function targetNode(node: z.infer<typeof nodeSchema>, zone: Zone | undefined): TargetNode {
  const lastModifiedDate = node.lastModifiedDate && zone && fromLocalTime(node.lastModifiedDate, zone);
  return {
    fullPath: node.fullPath,
    folder: node.folder ?? false,
    size: node.size ?? 0,
    sha256: node.folder === true ? null : (node.sha256 ?? null),
    metadata: readMetadata(node),
    ...(lastModifiedDate ? { lastModifiedDate } : {}),
  };
}

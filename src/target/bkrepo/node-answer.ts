import { z } from 'zod';

import type { TargetNode } from '../../engine/ports/target.ts';
import { metadataFields, readMetadata } from './metadata.ts';

/** A node as node/search and node/detail give it; folders have no digest. */
export const nodeSchema = z.object({
  fullPath: z.string(),
  folder: z.boolean().nullish(),
  size: z.number().nullish(),
  sha256: z.string().nullish(),
  ...metadataFields,
});
export function targetNode(node: z.infer<typeof nodeSchema>): TargetNode {
  return {
    fullPath: node.fullPath,
    folder: node.folder ?? false,
    size: node.size ?? 0,
    sha256: node.folder === true ? null : (node.sha256 ?? null),
    metadata: readMetadata(node),
  };
}

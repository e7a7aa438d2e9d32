import type { NodeKind, SourceNode } from '../../engine/ports/source.ts';
import { FS_ATTRIBUTES_KEY, NO_BLOB_SHA256, type NodeDoc } from '../schema/documents.ts';
import { decodeMetadata } from '../schema/metadata.ts';

/** A link names its target in metadata; its digest is the one of no blob. */
const LINK_TARGET_KEY = 'targetFullPath';

/** The fields that {@link toSourceNode} reads. */
export const NODE_PROJECTION = {
  _id: 1,
  fullPath: 1,
  size: 1,
  sha256: 1,
  md5: 1,
  crc64ecma: 1,
  metadata: 1,
  createdBy: 1,
  createdDate: 1,
  lastModifiedBy: 1,
  lastModifiedDate: 1,
  expireDate: 1,
  copyFromCredentialsKey: 1,
  archived: 1,
  compressed: 1,
} as const;

export type ProjectedNode = Pick<NodeDoc, keyof typeof NODE_PROJECTION>;

/**
 * How the bytes of a node are kept (contract §5.2). A digest of zeros without a link's target is a file of blocks, also
 * when the file-system attributes are not there: whether there are blocks is found out when it is resolved.
 */
export function nodeKind(doc: Pick<NodeDoc, 'archived' | 'compressed' | 'sha256' | 'metadata'>): NodeKind {
  if (doc.archived === true) return 'archived';
  if (doc.compressed === true) return 'compressed';
  if (doc.sha256 !== NO_BLOB_SHA256) return 'file';
  const keys = new Set((doc.metadata ?? []).map((entry) => entry.key));
  return keys.has(LINK_TARGET_KEY) && !keys.has(FS_ATTRIBUTES_KEY) ? 'link' : 'block';
}

/**
 * A file of blocks arrives at a far side as one plain file, so the file-system attributes, which would mark it as one of
 * blocks, are not part of its metadata.
 */
export function toSourceNode(doc: ProjectedNode): SourceNode {
  const kind = nodeKind(doc);
  const metadata = decodeMetadata(doc.metadata);
  return {
    id: doc._id.toHexString(),
    fullPath: doc.fullPath,
    kind,
    size: Number(doc.size),
    sha256: doc.sha256 ?? '',
    md5: doc.md5 ?? '',
    crc64ecma: doc.crc64ecma ?? null,
    metadata: kind === 'block' ? metadata.filter((entry) => entry.key !== FS_ATTRIBUTES_KEY) : metadata,
    createdBy: doc.createdBy,
    createdDate: doc.createdDate,
    lastModifiedBy: doc.lastModifiedBy,
    lastModifiedDate: doc.lastModifiedDate,
    expireDate: doc.expireDate ?? null,
    copyFromCredentialsKey: doc.copyFromCredentialsKey ?? null,
  };
}

/** A node document as the REST API shows it (contract §2.6; rest-replica-server, rest-generic). */

import type { LocalTime } from '../lib/local-time.ts';
import type { MetadataDoc, NodeDoc } from '../source/schema/documents.ts';
import { decodeMetadata } from '../source/schema/metadata.ts';

/** NodeInfo: a record of a page. */
export function nodeInfo(node: NodeDoc, time: LocalTime): Readonly<Record<string, unknown>> {
  return {
    id: node._id.toHexString(),
    ...commonFields(node, time),
    copyFromCredentialsKey: node.copyFromCredentialsKey ?? null,
    copyIntoCredentialsKey: node.copyIntoCredentialsKey ?? null,
    ...stateFields(node),
  };
}

/** NodeDetail: the info and, for old callers, its fields once more beside it. */
export function nodeDetail(node: NodeDoc, time: LocalTime): Readonly<Record<string, unknown>> {
  return { nodeInfo: nodeInfo(node, time), ...commonFields(node, time), ...stateFields(node) };
}

function commonFields(node: NodeDoc, time: LocalTime): Readonly<Record<string, unknown>> {
  return {
    createdBy: node.createdBy,
    createdDate: time.format(node.createdDate),
    lastModifiedBy: node.lastModifiedBy,
    lastModifiedDate: time.format(node.lastModifiedDate),
    lastAccessDate: localDate(node.lastAccessDate, time),
    folder: node.folder,
    path: node.path,
    name: node.name,
    fullPath: node.fullPath,
    size: Number(node.size),
    nodeNum: node.nodeNum === undefined || node.nodeNum === null ? null : Number(node.nodeNum),
    sha256: node.sha256 ?? null,
    md5: node.md5 ?? null,
    crc64ecma: node.crc64ecma ?? null,
    metadata: metadataMap(node.metadata),
    nodeMetadata: metadataList(node.metadata),
    projectId: node.projectId,
    repoName: node.repoName,
  };
}

function stateFields(node: NodeDoc): Readonly<Record<string, unknown>> {
  return {
    clusterNames: node.clusterNames ?? null,
    archived: node.archived ?? null,
    compressed: node.compressed ?? null,
    federatedSource: null,
  };
}

function localDate(date: Date | null | undefined, time: LocalTime): string | null {
  return date === null || date === undefined ? null : time.format(date);
}

export function metadataMap(docs: readonly MetadataDoc[] | null | undefined): Readonly<Record<string, unknown>> {
  return Object.fromEntries(decodeMetadata(docs).map((entry) => [entry.key, entry.value]));
}

export function metadataList(
  docs: readonly MetadataDoc[] | null | undefined,
): readonly Readonly<Record<string, unknown>>[] {
  return decodeMetadata(docs).map((entry) => ({
    key: entry.key,
    value: entry.value,
    system: entry.system,
    description: entry.description ?? null,
    link: entry.link ?? null,
    color: entry.color ?? null,
  }));
}

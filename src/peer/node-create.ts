/**
 * node/create (contract §2.6, §11). Guaranteed: one live node a path; of two creates at once with overwrite=false one
 * fails with 251012, with overwrite=true the later one stands and the earlier one is soft-deleted.
 */
import { Long, ObjectId } from 'mongodb';

import type { MetadataEntry } from '../engine/ports/source.ts';
import type { NodeDoc, RepositoryDoc } from '../source/schema/documents.ts';
import { encodeMetadata } from '../source/schema/metadata.ts';
import { splitFullPath } from '../source/schema/paths.ts';
import { isSha256 } from '../source/schema/store-layout.ts';
import { now, type PeerContext } from './context.ts';
import { EARLIER_WRITE, isDuplicateKey } from './database.ts';
import { PeerError } from './errors.ts';
import type { Fields } from './fields.ts';
import { addReference, releaseReference } from './file-references.ts';
import { mergeMetadata } from './node-metadata.ts';
import { ensureFolders, findLive, softDeleteOne } from './node-tree.ts';
import { requireRepository } from './repositories.ts';

const DAY_MS = 86_400_000;

/** Times an overwrite starts again because another request changed the path in between. */
const MAX_ATTEMPTS = 32;

export interface NodeCreateRequest {
  readonly projectId: string;
  readonly repoName: string;
  readonly fullPath: string;
  readonly folder: boolean;
  readonly overwrite: boolean;
  /** Bytes; undefined = not told. */
  readonly size: number | undefined;
  readonly sha256: string | undefined;
  readonly md5: string | undefined;
  readonly crc64ecma: string | undefined;
  readonly expireDate: Date | undefined;
  readonly metadata: readonly MetadataEntry[];
  readonly createdBy: string;
  readonly createdDate: Date;
  readonly lastModifiedBy: string;
  readonly lastModifiedDate: Date;
  readonly operator: string;
  /** Federation: whose node this is. */
  readonly source: string | undefined;
}

export function readNodeCreate(context: PeerContext, body: Fields): NodeCreateRequest {
  const operator = body.optionalText('operator') ?? 'system';
  const createdBy = body.optionalText('createdBy') ?? operator;
  const time = now(context);
  return {
    projectId: body.text('projectId'),
    repoName: body.text('repoName'),
    fullPath: body.path('fullPath'),
    folder: body.flag('folder', false),
    overwrite: body.flag('overwrite', false),
    size: body.integer('size'),
    sha256: body.optionalText('sha256'),
    md5: body.optionalText('md5'),
    crc64ecma: body.optionalText('crc64ecma'),
    expireDate: expireDate(context, body),
    metadata: body.metadata('nodeMetadata', 'metadata') ?? [],
    createdBy,
    createdDate: readDate(context, body, 'createdDate') ?? time,
    lastModifiedBy: context.settings.defects.modifierIsCreator
      ? createdBy
      : (body.optionalText('lastModifiedBy') ?? createdBy),
    lastModifiedDate: readDate(context, body, 'lastModifiedDate') ?? time,
    operator,
    source: body.optionalText('source'),
  };
}

/** `expires` is whole days from now; 0 or absent = never. */
export function expireDate(context: PeerContext, body: Fields): Date | undefined {
  const days = body.integer('expires') ?? 0;
  return days > 0 ? new Date(now(context).getTime() + days * DAY_MS) : undefined;
}

export function readDate(context: PeerContext, body: Fields, name: string): Date | undefined {
  const text = body.optionalText(name);
  if (text === undefined) return undefined;
  const date = context.settings.time.parse(text);
  if (date === undefined) throw new PeerError('contentInvalid');
  return date;
}

export interface CreatedNode {
  readonly node: NodeDoc;
  /** The node is there now because of this request. */
  readonly placed: boolean;
  /** When the node was deleted that it took the place of. */
  readonly replaced: Date | undefined;
  readonly repoType: string;
}

export async function createNode(context: PeerContext, request: NodeCreateRequest): Promise<CreatedNode> {
  if (request.fullPath === '/') throw new PeerError('parameterInvalid', 'fullPath');
  const repository = await requireRepository(context, request.projectId, request.repoName);
  const content = request.folder ? undefined : await requireContent(context, repository, request);
  const node = nodeDocument(request, content, now(context));
  return { ...(await place(context, repository, node, request)), repoType: repository.type };
}

interface Content {
  readonly sha256: string;
  readonly md5: string;
  readonly size: number;
}

/** Size and digest of a file, compared with the stored blob; fails with 250105, 251024 or 251031. */
async function requireContent(
  context: PeerContext,
  repository: RepositoryDoc,
  request: NodeCreateRequest,
): Promise<Content> {
  const { defects } = context.settings;
  if (request.sha256 === undefined || request.sha256.trim() === '') throw new PeerError('parameterInvalid', 'sha256');
  if (request.md5 === undefined || request.md5.trim() === '') throw new PeerError('parameterInvalid', 'md5');
  if (defects.nodeWithoutBlob) return { sha256: request.sha256, md5: request.md5, size: request.size ?? 0 };
  const sha256 = request.sha256.toLowerCase();
  if (!isSha256(sha256)) throw new PeerError('parameterInvalid', 'sha256');
  const blob = await context.stores.find(repository.credentialsKey, sha256);
  if (blob === undefined) throw new PeerError('dataNotStored');
  if (defects.nodeSizeUnchecked) return { sha256, md5: request.md5, size: request.size ?? 0 };
  if (request.size !== undefined && request.size !== blob.size) throw new PeerError('sizeMismatch', String(blob.size));
  return { sha256, md5: request.md5, size: blob.size };
}

/** In the field order of a server's own documents. */
function nodeDocument(request: NodeCreateRequest, content: Content | undefined, time: Date): NodeDoc {
  return {
    _id: new ObjectId(),
    createdBy: request.createdBy,
    createdDate: request.createdDate,
    lastModifiedBy: request.lastModifiedBy,
    lastModifiedDate: request.lastModifiedDate,
    lastAccessDate: time,
    folder: request.folder,
    ...splitFullPath(request.fullPath),
    fullPath: request.fullPath,
    size: Long.fromNumber(content?.size ?? 0),
    ...(request.expireDate === undefined ? {} : { expireDate: request.expireDate }),
    ...(content === undefined ? {} : { sha256: content.sha256, md5: content.md5 }),
    ...(content === undefined || request.crc64ecma === undefined ? {} : { crc64ecma: request.crc64ecma }),
    metadata: encodeMetadata(request.metadata),
    projectId: request.projectId,
    repoName: request.repoName,
  };
}

async function place(
  context: PeerContext,
  repository: RepositoryDoc,
  node: NodeDoc,
  request: NodeCreateRequest,
): Promise<Omit<CreatedNode, 'repoType'>> {
  const { defects } = context.settings;
  let replaced: Date | undefined;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const existing = await findLive(context, node.projectId, node.repoName, node.fullPath);
    if (existing !== null) {
      if (!request.overwrite) throw new PeerError('nodeExisted', node.fullPath);
      if (existing.folder || node.folder) throw new PeerError('nodeConflict', node.fullPath);
      if (request.source !== undefined && defects.federationRules) {
        const kept = await federate(context, existing, node, request);
        if (kept !== undefined) return { node: kept, placed: false, replaced };
      }
    }
    await ensureFolders(context, node.projectId, node.repoName, node.fullPath, request.operator);
    if (existing !== null) {
      if (!(await softDeleteOne(context, existing, EARLIER_WRITE))) continue;
      replaced = now(context);
    }
    if (await insertNode(context, repository, node)) return { node, placed: true, replaced };
    if (defects.duplicateInsertIsSuccess) return { node, placed: false, replaced };
  }
  throw new PeerError('nodeConflict', node.fullPath);
}

/**
 * Inserts a live node; false = the path is taken. The reference is counted first, and stays counted when nobody knows
 * whether the node is in: a count that is too high keeps a blob, one that is too low lets a clean-up erase it.
 */
export async function insertNode(context: PeerContext, repository: RepositoryDoc, node: NodeDoc): Promise<boolean> {
  const key = repository.credentialsKey ?? null;
  if (typeof node.sha256 === 'string') await addReference(context, node.sha256, key);
  try {
    const nodes = await context.database.nodes(node.projectId);
    await nodes.insertOne(node);
    return true;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    if (typeof node.sha256 === 'string') await releaseReference(context, node.sha256, key);
    return false;
  }
}

/** What a real server does with a node of another cluster; undefined = it is replaced like any other. */
async function federate(
  context: PeerContext,
  existing: NodeDoc,
  node: NodeDoc,
  request: NodeCreateRequest,
): Promise<NodeDoc | undefined> {
  if (existing.sha256 === node.sha256) {
    await mergeMetadata(context, existing, request.metadata, false);
    return existing;
  }
  return existing.lastModifiedDate.getTime() >= node.lastModifiedDate.getTime() ? existing : undefined;
}

/**
 * What is asked of the server's change stream: only collections that tell of artifacts, without what is no change to them,
 * and of each document only what says where it is. So an event is small however large its document is.
 */
import type { Document, ObjectId, ResumeToken, Timestamp } from 'mongodb';
import { PACKAGE_COLLECTION, PACKAGE_VERSION_COLLECTION, REPOSITORY_COLLECTION } from '../schema/collections.ts';

const NODES = '^node_[0-9]+$';
const BLOCKS = '^block_node_[0-9]+$';
const WATCHED = `${NODES}|${BLOCKS}|^(${PACKAGE_COLLECTION}|${PACKAGE_VERSION_COLLECTION}|${REPOSITORY_COLLECTION})$`;

/** Fields that change with reading, counting and bookkeeping: an update of nothing else is no change. */
const UNIMPORTANT = {
  node: ['lastAccessDate', 'nodeNum'],
  package: ['downloads', 'recentlyUseDate', 'lastModifiedDate', 'lastModifiedBy'],
  repository: ['used', 'lastModifiedDate', 'lastModifiedBy'],
} as const;

/** An event as {@link changeStreamPipeline} leaves it. Documents are as they are now, not as they were. */
export interface StreamEvent {
  readonly _id: ResumeToken;
  readonly operationType: string;
  readonly ns?: { readonly coll?: string };
  readonly to?: { readonly coll?: string };
  readonly clusterTime?: Timestamp;
  /** From MongoDB 6.0 on. */
  readonly wallTime?: Date;
  readonly documentKey?: { readonly _id: ObjectId };
  /** The path was updated: under another one the document was known before. */
  readonly moved?: boolean;
  /** null = it is gone meanwhile. */
  readonly fullDocument?: EventDocument | null;
}

/** Fields of nodes, blocks, packages, versions and repositories; nothing is sure about a document of somebody else. */
export interface EventDocument {
  readonly projectId?: unknown;
  readonly repoName?: unknown;
  readonly fullPath?: unknown;
  readonly nodeFullPath?: unknown;
  readonly folder?: unknown;
  readonly deleted?: unknown;
  readonly key?: unknown;
  readonly latest?: unknown;
  readonly packageId?: unknown;
  readonly name?: unknown;
}

type DocumentKind = 'node' | 'block' | 'package' | 'version' | 'repository' | 'other';

/** What the documents of a collection are. */
export function documentKind(collection: string): DocumentKind {
  if (new RegExp(NODES).test(collection)) return 'node';
  if (new RegExp(BLOCKS).test(collection)) return 'block';
  if (collection === PACKAGE_COLLECTION) return 'package';
  if (collection === PACKAGE_VERSION_COLLECTION) return 'version';
  return collection === REPOSITORY_COLLECTION ? 'repository' : 'other';
}

export function changeStreamPipeline(): Document[] {
  return [
    { $match: { $and: [happensToUs(), matters()] } },
    { $match: { $nor: [liveFolder(), unfinished()] } },
    small(),
  ];
}

function happensToUs(): Document {
  const here = { 'ns.coll': { $regex: WATCHED } };
  const there = { 'to.coll': { $regex: WATCHED } };
  return {
    $or: [
      { operationType: { $in: ['insert', 'update', 'replace'] }, ...here },
      // Blocks are cleared away long after their file.
      { operationType: 'delete', 'ns.coll': { $regex: WATCHED, $not: { $regex: BLOCKS } } },
      { operationType: { $in: ['drop', 'rename'] }, $or: [here, there] },
      { operationType: { $in: ['dropDatabase', 'invalidate'] } },
    ],
  };
}

function matters(): Document {
  const updated = { $objectToArray: { $ifNull: ['$updateDescription.updatedFields', {}] } };
  const names = { $map: { input: updated, in: '$$this.k' } };
  const hasAny = (list: string): Document => ({ $gt: [{ $size: { $ifNull: [list, []] } }, 0] });
  return {
    $or: [
      { operationType: { $ne: 'update' } },
      {
        $expr: {
          $or: [
            hasAny('$updateDescription.removedFields'),
            hasAny('$updateDescription.truncatedArrays'),
            { $not: { $setIsSubset: [names, unimportant()] } },
          ],
        },
      },
    ],
  };
}

function unimportant(): Document {
  const isOneOf = (...collections: string[]): Document => ({ $in: ['$ns.coll', collections] });
  const ofRepository = { $cond: [isOneOf(REPOSITORY_COLLECTION), UNIMPORTANT.repository, UNIMPORTANT.node] };
  return { $cond: [isOneOf(PACKAGE_COLLECTION, PACKAGE_VERSION_COLLECTION), UNIMPORTANT.package, ofRepository] };
}

/** bk-repo makes folders for their files and writes their size into them; what is in them tells itself. */
function liveFolder(): Document {
  return {
    'fullDocument.folder': true,
    'fullDocument.deleted': null,
    'updateDescription.updatedFields.fullPath': { $exists: false },
  };
}

/** Blocks of an upload that has not ended belong to no file. */
function unfinished(): Document {
  return { 'fullDocument.uploadId': { $type: 'string' } };
}

function small(): Document {
  const fields = [
    'projectId',
    'repoName',
    'fullPath',
    'nodeFullPath',
    'folder',
    'deleted',
    'key',
    'latest',
    'packageId',
    'name',
  ] satisfies (keyof EventDocument)[];
  return {
    $project: {
      operationType: 1,
      'ns.coll': 1,
      'to.coll': 1,
      clusterTime: 1,
      wallTime: 1,
      'documentKey._id': 1,
      moved: { $ne: [{ $type: '$updateDescription.updatedFields.fullPath' }, 'missing'] },
      ...Object.fromEntries(fields.map((field) => [`fullDocument.${field}`, 1])),
    },
  };
}

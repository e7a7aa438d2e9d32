/**
 * What is asked of the server's change stream: only collections that tell of artifacts, without what is no change to them,
 * and of each document only what says where it is. So an event is small however large its document is.
 */
import type { Document, ObjectId, ResumeToken, Timestamp } from 'mongodb';
import { PACKAGE_COLLECTION, PACKAGE_VERSION_COLLECTION, REPOSITORY_COLLECTION } from '../schema/collections.ts';

const NODES = '^node_[0-9]+$';
const BLOCKS = '^block_node_[0-9]+$';
const WATCHED = `${NODES}|${BLOCKS}|^(${PACKAGE_COLLECTION}|${PACKAGE_VERSION_COLLECTION}|${REPOSITORY_COLLECTION})$`;

/** Of documents. */
const SINGLE = ['insert', 'update', 'replace', 'delete'];

/** Of whole collections. */
const WHOLE = ['drop', 'rename', 'dropDatabase', 'invalidate'];

/** Fields that change with reading, counting and bookkeeping: an update of nothing else is no change. */
const UNIMPORTANT = {
  node: ['lastAccessDate', 'nodeNum'],
  package: ['downloads', 'recentlyUseDate', 'lastModifiedDate', 'lastModifiedBy'],
  repository: ['used', 'lastModifiedDate', 'lastModifiedBy'],
} as const;

/** An event as {@link changeStreamPipeline} leaves it. */
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
  /** The document as it was inserted or replaced. */
  readonly fullDocument?: EventDocument;
}

/** Fields of nodes, blocks, packages, versions and repositories; nothing is sure about a document of somebody else. */
export interface EventDocument {
  readonly projectId?: unknown;
  readonly repoName?: unknown;
  readonly fullPath?: unknown;
  readonly nodeFullPath?: unknown;
  readonly uploadId?: unknown;
  readonly folder?: unknown;
  readonly deleted?: unknown;
  readonly key?: unknown;
  readonly latest?: unknown;
  readonly packageId?: unknown;
  readonly name?: unknown;
}

export const EVENT_DOCUMENT_FIELDS = [
  'projectId',
  'repoName',
  'fullPath',
  'nodeFullPath',
  'uploadId',
  'folder',
  'deleted',
  'key',
  'latest',
  'packageId',
  'name',
] as const satisfies readonly (keyof EventDocument)[];

type DocumentKind = 'node' | 'block' | 'package' | 'version' | 'repository' | 'other';

const IS_NODES = new RegExp(NODES);
const IS_BLOCKS = new RegExp(BLOCKS);

/** What the documents of a collection are. */
export function documentKind(collection = ''): DocumentKind {
  if (IS_NODES.test(collection)) return 'node';
  if (IS_BLOCKS.test(collection)) return 'block';
  if (collection === PACKAGE_COLLECTION) return 'package';
  if (collection === PACKAGE_VERSION_COLLECTION) return 'version';
  return collection === REPOSITORY_COLLECTION ? 'repository' : 'other';
}

/**
 * The name of the collection is copied before it is looked at: from MongoDB 6.0 on the server otherwise makes a condition on
 * `ns.coll` into one on its oplog that costs seven times as much, for each operation of the whole deployment.
 */
export function changeStreamPipeline(): Document[] {
  return [
    { $match: { operationType: { $in: [...SINGLE, ...WHOLE] } } },
    { $set: { collection: '$ns.coll' } },
    { $match: { $or: [{ collection: { $regex: WATCHED } }, { operationType: { $in: WHOLE } }] } },
    { $match: matters() },
    { $project: small() },
  ];
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
  const isOneOf = (...collections: string[]): Document => ({ $in: ['$collection', collections] });
  const ofRepository = { $cond: [isOneOf(REPOSITORY_COLLECTION), UNIMPORTANT.repository, UNIMPORTANT.node] };
  return { $cond: [isOneOf(PACKAGE_COLLECTION, PACKAGE_VERSION_COLLECTION), UNIMPORTANT.package, ofRepository] };
}

function small(): Document {
  return {
    operationType: 1,
    'ns.coll': 1,
    'to.coll': 1,
    clusterTime: 1,
    wallTime: 1,
    'documentKey._id': 1,
    moved: { $ne: [{ $type: '$updateDescription.updatedFields.fullPath' }, 'missing'] },
    ...Object.fromEntries(EVENT_DOCUMENT_FIELDS.map((field) => [`fullDocument.${field}`, 1])),
  };
}

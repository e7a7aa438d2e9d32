/** Which metadata keys a task put at far sides, and what it may delete there. A document says both of one node. */
import type { AnyBulkWriteOperation, Document } from 'mongodb';

import type { OwnedFileState, OwnedNode, RunJournal } from '../engine/ports/journal.ts';
import type { TargetRepository } from '../engine/ports/target.ts';
import { checked, type OwnedDocument, SCHEMA } from './documents.ts';
import { call } from './mongo-errors.ts';
import { batches, type OwnRun } from './own-run.ts';

type Place = Pick<OwnedDocument, 'installationId' | 'taskUid' | 'clusterId' | 'projectId' | 'repoName'>;
type FileFields = Pick<OwnedDocument, 'sha256' | 'sourceId' | 'partOf' | 'packageKey' | 'version'>;

const NO_FILE = { sha256: '', formerly: '', sourceId: '', partOf: '', packageKey: '', version: '' } as const;

/** As long as what was begun may take until it is at the far side, with all its attempts. Milliseconds. */
const ON_THE_WAY_MS = 600_000;
/** Of one path within that time. */
const MOST_FORMER = 8;

export function placeOf(
  { installationId, taskUid }: Pick<Place, 'installationId' | 'taskUid'>,
  clusterId: string,
  { projectId, name }: TargetRepository,
): Place {
  return { installationId, taskUid, clusterId, projectId, repoName: name };
}

export function runOwnership({
  collections: { owned: collection },
  installationId,
  record: { taskKey, taskUid },
  now,
  touch,
}: OwnRun): Pick<RunJournal, 'findOwnedKeys' | 'findOwnedFiles' | 'writeOwnedKeys'> {
  return {
    async findOwnedKeys(clusterId, repository, fullPaths, signal) {
      const place = placeOf({ installationId, taskUid }, clusterId, repository);
      const found = new Map<string, readonly string[]>();
      for (const paths of batches(fullPaths)) {
        const documents = await call('read owned metadata', signal, () =>
          collection.find({ ...place, fullPath: { $in: paths } }).toArray(),
        );
        for (const document of documents) {
          const { fullPath, keys } = checked('owned_metadata', document);
          if (keys.length > 0) found.set(fullPath, keys);
        }
      }
      return found;
    },

    async findOwnedFiles(clusterId, repository, fullPaths, signal) {
      const place = placeOf({ installationId, taskUid }, clusterId, repository);
      const found = new Map<string, OwnedFileState>();
      for (const paths of batches(fullPaths)) {
        const documents = await call('read what is owned', signal, () =>
          collection.find({ ...place, fullPath: { $in: paths } }).toArray(),
        );
        for (const document of documents) {
          const { fullPath, sha256, sourceId, formerly, partOf } = checked('owned_metadata', document);
          if (sha256 === undefined || sourceId === undefined) continue;
          found.set(fullPath, {
            sha256,
            sourceId,
            ...(formerly === undefined ? {} : { formerly }),
            ...(partOf === undefined ? {} : { partOf }),
          });
        }
      }
      return found;
    },

    async writeOwnedKeys(clusterId, repository, owned, signal) {
      const place = placeOf({ installationId, taskUid }, clusterId, repository);
      for (const batch of batches([...joined(owned)])) {
        await touch(signal);
        const common = { schema: SCHEMA, taskKey, updatedAt: now() };
        const writes = batch.flatMap(([fullPath, node]) => ownedWrites({ ...place, fullPath }, node, common));
        if (writes.length > 0)
          await call('write what is owned', signal, () => collection.bulkWrite(writes, { ordered: false }));
      }
    },
  };
}

/** What is said of a node twice: of keys and of the file the last word each, and every key that is said to be added. */
function joined(owned: readonly OwnedNode[]): ReadonlyMap<string, OwnedNode> {
  const nodes = new Map<string, OwnedNode>();
  for (const node of owned) {
    const { keys, moreKeys = [], ...before } = nodes.get(node.fullPath) ?? {};
    nodes.set(node.fullPath, { ...before, ...node, ...joinedKeys(node, keys, moreKeys) });
  }
  return nodes;
}

function joinedKeys(
  node: OwnedNode,
  keys: readonly string[] | undefined,
  moreKeys: readonly string[],
): Pick<OwnedNode, 'keys' | 'moreKeys'> {
  if (node.keys !== undefined) return { keys: node.keys };
  const all = [...new Set([...(keys ?? moreKeys), ...(node.moreKeys ?? [])])];
  return keys === undefined ? { moreKeys: all } : { keys: all, moreKeys: [] };
}

/** In whatever order they happen, the outcome is the same. */
function ownedWrites(
  place: Place & Pick<OwnedDocument, 'fullPath'>,
  { keys, moreKeys = [], file, meant }: OwnedNode,
  common: Pick<OwnedDocument, 'schema' | 'taskKey' | 'updatedAt'>,
): readonly AnyBulkWriteOperation<OwnedDocument>[] {
  const filter = { ...place, ...(meant === undefined ? {} : { sha256: meant }) };
  const kept = keys === undefined ? {} : { keys };
  const added = moreKeys.length === 0 ? {} : { $addToSet: { keys: { $each: [...moreKeys] } } };
  if (file !== undefined && file !== null) {
    const fields = fileFields(place.fullPath, file);
    const update = [
      {
        $set: {
          ...literal({ ...common, ...fields }),
          keys: keysThen(keys, moreKeys),
          formerly: formerlyThen(file, common),
        },
      },
      ...unset(fields),
    ];
    return [{ updateOne: { filter, update, upsert: true } }];
  }
  const without = file === null ? { $unset: NO_FILE } : {};
  if (moreKeys.length > 0 || (keys !== undefined && keys.length > 0)) {
    const update = { $set: { ...common, ...kept }, ...added, ...without };
    return [{ updateOne: { filter, update, upsert: true } }];
  }
  // Nothing is said of the one: it decides whether the document stays.
  if (keys === undefined && file === undefined) return [];
  const empty = {
    ...filter,
    ...(keys === undefined ? { keys: { $size: 0 } } : {}),
    ...(file === undefined ? { sourceId: { $exists: false } } : {}),
  };
  return [
    { updateOne: { filter, update: { $set: { ...common, ...kept }, ...without } } },
    { deleteOne: { filter: empty } },
  ];
}

function fileFields(fullPath: string, { sha256, sourceId, partOf }: OwnedFileState): FileFields {
  const owner = partOf ?? (sha256 === null ? fullPath : undefined);
  return {
    sha256,
    sourceId,
    ...(partOf === undefined ? {} : { partOf }),
    ...(owner === undefined ? {} : versionOf(owner)),
  };
}

/** `<key>@<version>` taken apart: no version has an `@`. */
function versionOf(name: string): { readonly packageKey: string; readonly version: string } {
  const at = name.lastIndexOf('@');
  return { packageKey: name.slice(0, at), version: name.slice(at + 1) };
}

/** Fields that an earlier write left and this one does not have. */
function unset(fields: FileFields): readonly { readonly $unset: string[] }[] {
  const gone = Object.keys(NO_FILE).filter((name) => !(name in fields) && name !== 'formerly');
  return gone.length === 0 ? [] : [{ $unset: gone }];
}

function keysThen(keys: readonly string[] | undefined, moreKeys: readonly string[]): Document {
  if (keys !== undefined) return { $literal: keys };
  const before = { $ifNull: ['$keys', []] };
  return { $concatArrays: [before, without({ $literal: moreKeys }, before)] };
}

/**
 * Two writers of one task may each have read the document before the other wrote, and both be on their way to the far side:
 * what was meant lately stays, whatever a writer knows of it.
 */
function formerlyThen(
  { sha256, formerly = [] }: OwnedFileState,
  { updatedAt }: Pick<OwnedDocument, 'updatedAt'>,
): Document {
  const given = { $literal: formerly };
  const meant = { $concatArrays: [[{ $ifNull: ['$sha256', null] }], { $ifNull: ['$formerly', []] }] };
  const isLate = { $gte: ['$updatedAt', new Date(updatedAt.getTime() - ON_THE_WAY_MS)] };
  const all = { $concatArrays: [given, { $cond: [isLate, without(meant, given), []] }] };
  const others = { $slice: [without(all, [null, { $literal: sha256 }]), MOST_FORMER] };
  return { $let: { vars: { others }, in: { $cond: [{ $eq: ['$$others', []] }, '$$REMOVE', '$$others'] } } };
}

function without(list: Document, others: Document | readonly unknown[]): Document {
  return { $filter: { input: list, cond: { $not: [{ $in: ['$$this', others] }] } } };
}

/** So that no value is taken for an expression. */
function literal(fields: object): Document {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, { $literal: value as unknown }]));
}

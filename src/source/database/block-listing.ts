/**
 * The blocks of a file that is made of blocks, in order (contract §5.2). Guarantees that they cover the declared size
 * exactly: a gap, an overlap or a missing end is the unit error `BlockFileBroken`, so wrong bytes are never put together.
 * Blocks of unfinished uploads, deleted ones and those of an earlier node of the same path do not count.
 */
import type { ObjectId } from 'mongodb';
import { ReplicationError } from '../../domain/errors.ts';
import type { SourceNode, SourceRepository } from '../../engine/ports/source.ts';
import type { BlockNodeDoc } from '../schema/documents.ts';
import { blockNodeCollectionName } from '../schema/sharding.ts';
import type { SourceDatabase } from './database.ts';
import { classified } from './driver-errors.ts';

const PAGE = 1000;

export interface Block {
  readonly sha256: string;
  /** Offset in the file. */
  readonly start: number;
  /** Bytes, at least 1. */
  readonly size: number;
}

type ProjectedBlock = Pick<BlockNodeDoc, '_id' | 'startPos' | 'endPos' | 'size' | 'sha256'>;

export async function* listBlocks(
  database: SourceDatabase,
  repository: SourceRepository,
  node: SourceNode,
  signal: AbortSignal,
): AsyncGenerator<Block> {
  let covered = 0;
  let last: ProjectedBlock | undefined;
  for (;;) {
    const page: readonly ProjectedBlock[] = await blockPage(database, repository, node, last, signal);
    for (const doc of page) {
      const block = { sha256: doc.sha256, start: Number(doc.startPos), size: Number(doc.size) };
      if (block.size === 0) continue;
      if (block.start !== covered)
        throw broken(
          node,
          `${block.start > covered ? 'a gap' : 'an overlap'} at byte ${Math.min(block.start, covered)}`,
        );
      if (Number(doc.endPos) !== block.start + block.size - 1)
        throw broken(
          node,
          `the block at byte ${block.start} ends at ${Number(doc.endPos)}, but has ${block.size} bytes`,
        );
      covered += block.size;
      yield block;
    }
    last = page.at(-1);
    if (page.length < PAGE) break;
  }
  if (covered !== node.size) throw broken(node, `its blocks have ${covered} bytes and the node says ${node.size}`);
}

function blockPage(
  database: SourceDatabase,
  repository: SourceRepository,
  node: SourceNode,
  after: { readonly startPos: BlockNodeDoc['startPos']; readonly _id: ObjectId } | undefined,
  signal: AbortSignal,
): Promise<ProjectedBlock[]> {
  const { projectId, name: repoName } = repository;
  const behind =
    after === undefined
      ? {}
      : { $or: [{ startPos: { $gt: after.startPos } }, { startPos: after.startPos, _id: { $gt: after._id } }] };
  return classified(`blocks of ${node.fullPath} in ${projectId}/${repoName}`, signal, () =>
    database
      .collection<BlockNodeDoc>(blockNodeCollectionName(repoName, database.shardCount))
      .find<ProjectedBlock>(
        {
          projectId,
          repoName,
          nodeFullPath: node.fullPath,
          deleted: null,
          uploadId: null,
          createdDate: { $gt: node.createdDate },
          ...behind,
        },
        { projection: { startPos: 1, endPos: 1, size: 1, sha256: 1 }, maxTimeMS: database.maxTimeMs, signal },
      )
      .sort({ startPos: 1, _id: 1 })
      .limit(PAGE)
      .batchSize(PAGE + 1)
      .toArray(),
  );
}

function broken(node: SourceNode, words: string): ReplicationError {
  return new ReplicationError('unit', 'BlockFileBroken', `${node.fullPath} is a file of blocks and broken: ${words}`);
}

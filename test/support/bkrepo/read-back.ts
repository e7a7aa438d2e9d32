/**
 * What really lies in a bk-repo database and store, read without any code of the program: every digest is computed from
 * the stored bytes. It judges both sides of a replication, so it must not share a mistake with either.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Db, Document } from 'mongodb';
import { DigestMemory, type StoredDigests } from './digest-memory.ts';
import { blobPath, shardOf } from './layout.ts';

interface ReadBackMetadata {
  readonly key: string;
  readonly value: unknown;
  readonly system: boolean;
  readonly description: string | null;
  readonly link: string | null;
}

export interface ReadBackFile {
  /** Bytes, counted in the store. */
  readonly size: number;
  /** Of the stored bytes; empty when there are none. */
  readonly sha256: string;
  readonly md5: string;
  readonly metadata: readonly ReadBackMetadata[];
  readonly createdBy: string;
  readonly createdDate: Date;
  readonly lastModifiedDate: Date;
  /** What is wrong with this file by itself, in words: bytes missing, or not the declared ones. Empty = sound. */
  readonly problems: readonly string[];
}

interface ReadBackOptions {
  readonly shardCount?: number;
  /** Files that expired before this instant are not there. Default: now. */
  readonly at?: Date;
  /** Of earlier calls. */
  readonly memory?: DigestMemory;
}

/** Live files of one repository by fullPath. `storeDirs` are looked through in order for each digest. */
export async function readBack(
  db: Db,
  storeDirs: string | readonly string[],
  projectId: string,
  repoName: string,
  options: ReadBackOptions = {},
): Promise<Map<string, ReadBackFile>> {
  const { shardCount = 256, at = new Date(), memory = new DigestMemory() } = options;
  const stores = typeof storeDirs === 'string' ? [storeDirs] : storeDirs;
  const files = new Map<string, ReadBackFile>();
  const nodes = db.collection(`node_${shardOf(projectId, shardCount)}`).find({ projectId, repoName, folder: false });
  for await (const node of nodes) {
    if (node['deleted'] instanceof Date) continue;
    if (node['expireDate'] instanceof Date && node['expireDate'] <= at) continue;
    const fullPath = String(node['fullPath']);
    const file = await readFile(db, stores, node, shardCount, memory);
    const twice = files.has(fullPath) ? ['there are two live nodes of this path'] : [];
    files.set(fullPath, { ...file, problems: [...file.problems, ...twice] });
  }
  return files;
}

async function readFile(
  db: Db,
  stores: readonly string[],
  node: Document,
  shardCount: number,
  memory: DigestMemory,
): Promise<ReadBackFile> {
  const declared = String(node['sha256']);
  const blocks = /^0+$/.test(declared) ? await blocksOf(db, node, shardCount) : undefined;
  const stored = await hashStored(stores, blocks ?? [declared], memory);
  const problems: string[] = [];
  if (stored === undefined) problems.push(`the store has no bytes for ${declared}`);
  else {
    if (stored.size !== Number(node['size'])) problems.push(`declared ${node['size']} bytes, stored ${stored.size}`);
    if (blocks === undefined && stored.sha256 !== declared)
      problems.push(`declared sha256 ${declared}, the stored bytes have ${stored.sha256}`);
    if (blocks === undefined && stored.md5 !== node['md5'])
      problems.push(`declared md5 ${node['md5']}, the stored bytes have ${stored.md5}`);
  }
  return {
    ...(stored ?? { size: 0, sha256: '', md5: '' }),
    metadata: metadataOf(node['metadata'], blocks !== undefined),
    createdBy: String(node['createdBy']),
    createdDate: node['createdDate'] as Date,
    lastModifiedDate: node['lastModifiedDate'] as Date,
    problems,
  };
}

/** Digests of the blocks of a file in order. */
async function blocksOf(db: Db, node: Document, shardCount: number): Promise<string[]> {
  const { projectId, repoName, fullPath } = node;
  const blocks = await db
    .collection(`block_node_${shardOf(String(repoName), shardCount)}`)
    .find({ projectId, repoName, nodeFullPath: fullPath, deleted: null, uploadId: null })
    .toArray();
  blocks.sort((a, b) => Number(a['startPos']) - Number(b['startPos']));
  return blocks.map((block) => String(block['sha256']));
}

async function hashStored(
  stores: readonly string[],
  digests: readonly string[],
  memory: DigestMemory,
): Promise<StoredDigests | undefined> {
  const files: string[] = [];
  for (const digest of digests) {
    const file = await firstThere(stores.map((store) => blobPath(store, digest)));
    if (file === undefined) return undefined;
    files.push(file);
  }
  const [file] = files;
  if (file !== undefined && files.length === 1) return await memory.of(file, () => hashFiles(files));
  return await hashFiles(files);
}

async function hashFiles(files: readonly string[]): Promise<StoredDigests> {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  let size = 0;
  for (const file of files) {
    for await (const chunk of createReadStream(file)) {
      const bytes = chunk as Buffer;
      sha256.update(bytes);
      md5.update(bytes);
      size += bytes.length;
    }
  }
  return { size, sha256: sha256.digest('hex'), md5: md5.digest('hex') };
}

async function firstThere(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  return undefined;
}

/** A file of blocks becomes a plain file at a far side, so its file-system attributes are not part of it. */
function metadataOf(list: unknown, ofBlocks: boolean): ReadBackMetadata[] {
  const entries = Array.isArray(list) ? (list as Document[]) : [];
  return entries
    .filter((entry) => !(ofBlocks && entry['key'] === 'fs:attr'))
    .map((entry) => ({
      key: String(entry['key']),
      value: entry['value'] ?? null,
      system: entry['system'] === true,
      description: (entry['description'] as string | undefined) ?? null,
      link: (entry['link'] as string | undefined) ?? null,
    }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

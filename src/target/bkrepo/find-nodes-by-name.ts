/** The slow way of find-nodes.ts, for servers without node/search: which names exist, then the details of each. */
import { z } from 'zod';

import { ReplicationError } from '../../domain/errors.ts';
import type { TargetNode, TargetRepository } from '../../engine/ports/target.ts';
import { compareNotSupported, isMissingCall, REMOTE } from './answer-errors.ts';
import type { BkRepoClient } from './client.ts';
import { each } from './each.ts';
import { pathSegments } from './endpoints.ts';
import { nodeSchema, targetNode } from './node-answer.ts';

/** A node's metadata may be long. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

export async function findNodesByName(
  client: BkRepoClient,
  repository: TargetRepository,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TargetNode>> {
  const existing = await existingPaths(client, repository, paths, signal);
  const found = new Map<string, TargetNode>();
  await each(existing, async (path) => {
    const node = await detail(client, repository, path, signal);
    if (node !== undefined) found.set(path, node);
  });
  return found;
}

async function existingPaths(
  client: BkRepoClient,
  { projectId, name: repoName }: TargetRepository,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const list = client.endpoints.replica(['node', 'exist', 'list']);
  const body = { projectId, repoName, fullPathList: paths };
  try {
    const named = new Set(await client.call({ method: 'POST', path: list, body, data: z.array(z.string()) }, signal));
    return paths.filter((path) => named.has(path));
  } catch (error) {
    if (!isMissingCall(error)) throw error;
  }
  const existing: string[] = [];
  await each(paths, async (fullPath) => {
    const path = client.endpoints.replica(['node', 'exist'], { projectId, repoName, fullPath });
    if (await client.call({ method: 'GET', path, data: z.boolean() }, signal)) existing.push(fullPath);
  });
  return existing;
}

/** Undefined when the node went away in between. */
async function detail(
  client: BkRepoClient,
  repository: TargetRepository,
  fullPath: string,
  signal: AbortSignal,
): Promise<TargetNode | undefined> {
  const segments = ['node', 'detail', repository.projectId, repository.name, ...pathSegments(fullPath)];
  const path = client.endpoints.repository(segments);
  try {
    const node = await client.call(
      { method: 'GET', path, data: nodeSchema.nullable(), maxAnswerBytes: MAX_ANSWER_BYTES },
      signal,
    );
    return node === null ? undefined : targetNode({ ...node, fullPath }, client.zone);
  } catch (error) {
    if (isMissingCall(error))
      throw compareNotSupported(
        error,
        'the far side has neither node/search nor node/detail, so its digests cannot be read',
      );
    if (error instanceof ReplicationError && error.remoteCode === REMOTE.nodeNotFound) return undefined;
    throw error;
  }
}

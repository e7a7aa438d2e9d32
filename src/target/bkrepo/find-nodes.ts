/**
 * What the far side has under given paths. One `node/search` with `IN` answers for thousands of paths (contract §11);
 * servers without it are asked by name (`node/exist/list`, else `node/exist`) and then for the details of each.
 * An answer that may be incomplete is never read as "absent": it is asked again in halves. What remains unknowable:
 * node/search hides paths that the account may not read.
 */
import { z } from 'zod';

import { ReplicationError } from '../../domain/errors.ts';
import type { TargetNode, TargetRepository } from '../../engine/ports/target.ts';
import { isMissingCall, unexpectedAnswer } from './answer-errors.ts';
import type { BkRepoClient } from './client.ts';
import { findNodesByName } from './find-nodes-by-name.ts';
import { nodeSchema, targetNode } from './node-answer.ts';

const MAX_PATHS = 4_000;
/** Of the paths as JSON; leaves room for the rest of a request of 1 MB. */
const MAX_PATH_BYTES = 1_000_000;
/** With metadata in both forms, pretty-printed, a node takes some kilobytes. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
const SELECT = ['fullPath', 'folder', 'size', 'sha256', 'md5', 'lastModifiedDate', 'metadata'];

const pageSchema = z.object({
  records: z.array(nodeSchema),
  totalRecords: z.number().nullish(),
});

type Found = ReadonlyMap<string, TargetNode>;

/** How often a server without node/search is asked whether it has it now. */
const SEARCH_RETRY_MS = 600_000;

export class NodeFinder {
  readonly #client: BkRepoClient;
  /** By the monotonic clock. */
  #searchMissingUntil = Number.NEGATIVE_INFINITY;

  constructor(client: BkRepoClient) {
    this.#client = client;
  }

  async find(repository: TargetRepository, fullPaths: readonly string[], signal: AbortSignal): Promise<Found> {
    const found = new Map<string, TargetNode>();
    for (const batch of cut([...new Set(fullPaths)])) {
      for (const [path, node] of await this.#findBatch(repository, batch, signal)) found.set(path, node);
    }
    return found;
  }

  async #findBatch(repository: TargetRepository, paths: readonly string[], signal: AbortSignal): Promise<Found> {
    const { clock, logger, name } = this.#client.options;
    if (clock.monotonic() < this.#searchMissingUntil) return findNodesByName(this.#client, repository, paths, signal);
    try {
      return await search(this.#client, repository, paths, signal);
    } catch (error) {
      if (!isMissingCall(error)) throw error;
      this.#searchMissingUntil = clock.monotonic() + SEARCH_RETRY_MS;
      logger.warn('the far side has no node/search, asking for each node', { farSide: name, error });
      return findNodesByName(this.#client, repository, paths, signal);
    }
  }
}

async function search(
  client: BkRepoClient,
  repository: TargetRepository,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Found> {
  const path = client.endpoints.repository(['node', 'search']);
  const body = searchBody(repository, paths);
  try {
    const page = await client.call(
      { method: 'POST', path, body, data: pageSchema, maxAnswerBytes: MAX_ANSWER_BYTES },
      signal,
    );
    const asked = new Set(paths);
    const records = page.records.filter(({ fullPath }) => asked.has(fullPath));
    const total = page.totalRecords ?? page.records.length;
    if (total <= page.records.length)
      return new Map(records.map((node) => [node.fullPath, targetNode(node, client.zone)]));
    const why = `gave ${page.records.length} of ${total} nodes although ${paths.length} fit on the page`;
    if (paths.length === 1) throw unexpectedAnswer(client.describe({ method: 'POST', path }), why, 200);
  } catch (error) {
    if (!(error instanceof ReplicationError) || error.code !== 'AnswerTooLarge' || paths.length === 1) throw error;
  }
  const middle = Math.ceil(paths.length / 2);
  const first = await search(client, repository, paths.slice(0, middle), signal);
  const second = await search(client, repository, paths.slice(middle), signal);
  return new Map([...first, ...second]);
}

function searchBody(repository: TargetRepository, paths: readonly string[]): unknown {
  return {
    page: { pageNumber: 1, pageSize: Math.max(paths.length, 1) },
    sort: { properties: ['fullPath'], direction: 'ASC' },
    select: SELECT,
    rule: {
      rules: [
        { field: 'projectId', value: repository.projectId, operation: 'EQ' },
        { field: 'repoName', value: repository.name, operation: 'EQ' },
        { field: 'fullPath', value: paths, operation: 'IN' },
      ],
      relation: 'AND',
    },
  };
}

/** Requests of at most 4,000 paths and 1 MB. */
export function* cut(paths: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    const size = Buffer.byteLength(JSON.stringify(path)) + 1;
    if (batch.length > 0 && (batch.length >= MAX_PATHS || bytes + size > MAX_PATH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(path);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Nodes and their metadata at the far side. `operator` is always the cluster's account, `source` is never sent. */
import { ReplicationError } from '../../domain/errors.ts';
import type { MetadataEntry, SourceNode } from '../../engine/ports/source.ts';
import type { TargetRepository } from '../../engine/ports/target.ts';
import { toLocalTime, type Zone } from '../../lib/local-time.ts';
import { REMOTE } from './answer-errors.ts';
import { type BkRepoClient, ignored } from './client.ts';
import type { FarZone } from './far-zone.ts';
import { writeMetadata } from './metadata.ts';

const DAY_MS = 86_400_000;

/** The body of node/create (contract §2.6), with dates in `zone` and the whole days that remain at `nowMs`. */
export function nodeCreateBody(
  repository: TargetRepository,
  node: SourceNode,
  facts: { readonly operator: string; readonly zone: Zone; readonly nowMs: number; readonly overwrite: boolean },
): Readonly<Record<string, unknown>> {
  return {
    projectId: repository.projectId,
    repoName: repository.name,
    fullPath: node.fullPath,
    folder: false,
    expires: remainingDays(node.expireDate, facts.nowMs),
    overwrite: facts.overwrite,
    size: node.size,
    sha256: node.sha256,
    md5: node.md5,
    crc64ecma: node.crc64ecma,
    ...writeMetadata(node.metadata),
    operator: facts.operator,
    createdBy: node.createdBy,
    createdDate: toLocalTime(node.createdDate, facts.zone),
    lastModifiedBy: node.lastModifiedBy,
    lastModifiedDate: toLocalTime(node.lastModifiedDate, facts.zone),
  };
}

/** Whole days from now, rounded up, at least one; 0 = never expires. */
function remainingDays(expireDate: Date | null, nowMs: number): number {
  return expireDate === null ? 0 : Math.max(1, Math.ceil((expireDate.getTime() - nowMs) / DAY_MS));
}

export class NodeWriter {
  readonly #client: BkRepoClient;
  readonly #zone: FarZone;

  constructor(client: BkRepoClient, zone: FarZone) {
    this.#client = client;
    this.#zone = zone;
  }

  async create(
    repository: TargetRepository,
    node: SourceNode,
    overwrite: boolean,
    signal: AbortSignal,
  ): Promise<'created' | 'existed'> {
    const { clock, username } = this.#client.options;
    const zone = await this.#zone.zone(signal);
    const body = nodeCreateBody(repository, node, {
      operator: username,
      zone,
      nowMs: clock.now(),
      overwrite,
    });
    const path = this.#client.endpoints.replica(['node', 'create']);
    try {
      await this.#client.call({ method: 'POST', path, body, data: ignored }, signal);
      return 'created';
    } catch (error) {
      const existed = error instanceof ReplicationError && error.remoteCode === REMOTE.nodeExisted;
      if (existed && !overwrite) return 'existed';
      throw error;
    }
  }

  async saveMetadata(
    repository: TargetRepository,
    fullPath: string,
    metadata: readonly MetadataEntry[],
    signal: AbortSignal,
  ): Promise<void> {
    const body = { ...this.#place(repository, fullPath), ...writeMetadata(metadata), replace: false };
    const path = this.#client.endpoints.replica(['metadata', 'save']);
    await this.#client.call({ method: 'POST', path, body, data: ignored }, signal);
  }

  async deleteMetadata(
    repository: TargetRepository,
    fullPath: string,
    keys: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const body = { ...this.#place(repository, fullPath), keyList: keys };
    const path = this.#client.endpoints.replica(['metadata', 'delete']);
    await this.#client.call({ method: 'POST', path, body, data: ignored }, signal);
  }

  /**
   * Soft, as everything is deleted there; an unknown path is a success. `deletedDate` must be sent: without it a server
   * of the first federation years answers 500. Only requests with `source` have it compared with the node's dates.
   */
  async delete(repository: TargetRepository, fullPath: string, deletedAt: Date, signal: AbortSignal): Promise<void> {
    const deletedDate = await this.#zone.localTime(deletedAt, signal);
    const body = { ...this.#place(repository, fullPath), deletedDate };
    const path = this.#client.endpoints.replica(['node', 'delete']);
    await this.#client.call({ method: 'POST', path, body, data: ignored }, signal);
  }

  #place(repository: TargetRepository, fullPath: string): Readonly<Record<string, unknown>> {
    const { projectId, name } = repository;
    return { projectId, repoName: name, fullPath, operator: this.#client.options.username };
  }
}

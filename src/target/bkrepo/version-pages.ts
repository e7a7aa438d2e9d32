import { z } from 'zod';

import type { TargetRepository, TargetVersion } from '../../engine/ports/target.ts';
import { compareNotSupported, isMissingCall } from './answer-errors.ts';
import type { BkRepoClient } from './client.ts';
import { targetVersion, versionSchema } from './package-answer.ts';

/** With metadata in both forms, pretty-printed, a version takes some kilobytes. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

const pageSchema = z.object({
  records: z.array(versionSchema),
  totalRecords: z.number(),
});

interface VersionPage {
  readonly records: readonly TargetVersion[];
  /** Of all pages. */
  readonly total: number;
}

/** `version/page` and `version/exist` of one package. An unknown package has no versions. */
export class VersionPages {
  readonly #client: BkRepoClient;
  readonly #repository: TargetRepository;
  readonly #packageKey: string;
  readonly #signal: AbortSignal;

  constructor(client: BkRepoClient, repository: TargetRepository, packageKey: string, signal: AbortSignal) {
    this.#client = client;
    this.#repository = repository;
    this.#packageKey = packageKey;
    this.#signal = signal;
  }

  /** What a message calls the reading of a page. */
  get what(): string {
    return this.#client.describe({ method: 'GET', path: this.#pagePath({}) });
  }

  /** `version` null = all; pages count from 1. */
  async read(asked: {
    readonly version: string | null;
    readonly pageNumber: number;
    readonly pageSize: number;
  }): Promise<VersionPage> {
    const path = this.#pagePath({
      packageKey: this.#packageKey,
      version: asked.version,
      pageNumber: String(asked.pageNumber),
      pageSize: String(asked.pageSize),
    });
    const page = await this.#call(
      this.#client.call({ method: 'GET', path, data: pageSchema, maxAnswerBytes: MAX_ANSWER_BYTES }, this.#signal),
    );
    return { records: page.records.map(targetVersion), total: page.totalRecords };
  }

  /** By exact name. */
  async exists(versionName: string): Promise<boolean> {
    const { projectId, name: repoName } = this.#repository;
    const path = this.#client.endpoints.replica(['package', 'version', 'exist']);
    const body = { projectId, repoName, packageKey: this.#packageKey, versionName };
    return await this.#call(this.#client.call({ method: 'POST', path, body, data: z.boolean() }, this.#signal));
  }

  #pagePath(query: Readonly<Record<string, string | null>>): string {
    const { projectId, name } = this.#repository;
    return this.#client.endpoints.repository(['version', 'page', projectId, name], query);
  }

  async #call<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (isMissingCall(error)) throw compareNotSupported(error, 'the far side cannot be asked for versions');
      throw error;
    }
  }
}

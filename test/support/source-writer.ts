/**
 * The source as its users see it: everything is done by calls to a server over the source's database, which writes the
 * log of changes when it is told to. What a server refuses is an answer like any other, for callers that act at random.
 */
import type { Db } from 'mongodb';
import type { EventLogForm } from '../../src/peer/event-entries.ts';
import { startPeer } from '../../src/peer/server.ts';
import { BkRepoBuilder } from './bkrepo/builder.ts';
import { SourceRepository } from './source-repository.ts';

const ACCOUNT = { username: 'writer', password: 'writes', admin: true };

export interface SourceWriterOptions {
  /** The source's database and store, also where the server is another process. */
  readonly db: Db;
  readonly storeDir: string;
  /** Default: one in this process. */
  readonly server?: { readonly url: string; readonly username: string; readonly password: string };
  /** Of a server in this process. Default: none. */
  readonly eventLog?: EventLogForm;
  readonly operateLogBytes?: number;
  readonly faithful?: boolean;
}

/** How a call was answered: 0 = done, else bk-repo's code, or the HTTP status where there is none. */
export interface Answer {
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
}

/** The server did not do it, or nobody knows whether it did. */
export class RefusedError extends Error {
  readonly answer: Answer;

  constructor(call: string, answer: Answer) {
    super(`${call}: ${answer.code} ${answer.message}`);
    this.name = 'RefusedError';
    this.answer = answer;
  }
}

export class SourceWriter {
  readonly builder: BkRepoBuilder;
  readonly #url: string;
  readonly #authorization: string;
  readonly #close: () => Promise<void>;

  private constructor(builder: BkRepoBuilder, url: string, authorization: string, close: () => Promise<void>) {
    this.builder = builder;
    this.#url = url;
    this.#authorization = authorization;
    this.#close = close;
  }

  static async start(options: SourceWriterOptions): Promise<SourceWriter> {
    const { db, storeDir, server, eventLog, operateLogBytes, faithful = false } = options;
    const builder = new BkRepoBuilder(db, storeDir, { user: ACCOUNT.username });
    const { username, password } = server ?? ACCOUNT;
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
    if (server !== undefined) return new SourceWriter(builder, server.url, authorization, async () => undefined);
    const peer = await startPeer({
      mongo: db,
      storePath: storeDir,
      users: [ACCOUNT],
      faithful,
      timeZone: 'UTC',
      eventLog,
      ...(operateLogBytes === undefined ? {} : { operateLogBytes }),
    });
    return new SourceWriter(builder, peer.url, authorization, () => peer.close());
  }

  /** The repository, and the project, are made when they are not there. */
  async repository(projectId: string, repoName: string, type: string = 'GENERIC'): Promise<SourceRepository> {
    const { user: operator } = this.builder;
    await this.call('project/create', { name: projectId, displayName: projectId, operator });
    const kind = { type, category: 'LOCAL', public: false, description: '' };
    await this.call('repo/create', { projectId, name: repoName, ...kind, operator });
    return new SourceRepository(this, projectId, repoName, type);
  }

  /** A call under /replica; fails with {@link RefusedError}. */
  async call(name: string, body: Readonly<Record<string, unknown>>): Promise<unknown> {
    return await this.#post(name, JSON.stringify(body), { 'content-type': 'application/json' });
  }

  async push(sha256: string, bytes: Uint8Array): Promise<void> {
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(bytes)]), sha256);
    form.append('size', String(bytes.length));
    form.append('sha256', sha256);
    await this.#post('blob/push', form, {});
  }

  async stop(): Promise<void> {
    await this.#close();
  }

  async #post(name: string, body: string | FormData, headers: Readonly<Record<string, string>>): Promise<unknown> {
    const answer = await this.#fetch(name, body, headers);
    if (answer.code !== 0) throw new RefusedError(name, answer);
    return answer.data;
  }

  async #fetch(name: string, body: string | FormData, headers: Readonly<Record<string, string>>): Promise<Answer> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}/replica/${name}`, {
        method: 'POST',
        headers: { ...headers, authorization: this.#authorization },
        body,
      });
    } catch (error) {
      return { code: -1, message: `no answer (${String(error)})`, data: null };
    }
    const text = await response.text();
    try {
      const { code, message, data } = JSON.parse(text) as { code: number; message: string | null; data: unknown };
      return { code, message: message ?? '', data };
    } catch {
      return { code: response.status, message: text.slice(0, 200), data: null };
    }
  }
}

/**
 * Answers the questions of a mapper (domain/packages/inquiry.ts) from the source, and keeps the nodes that it was told
 * about, so that a plan need not ask for them again. One object for one version: its memory ends with it.
 */
import { ReplicationError } from '../../domain/errors.ts';
import type { Answer, FileFacts, Inquiry, Question } from '../../domain/packages/inquiry.ts';
import type { ObjectContext } from '../context.ts';
import type { SourceNode } from '../ports/source.ts';
import { readContent } from '../source-content.ts';

/** Nodes asked for with one question. */
const BATCH = 1_000;

export class SourceAnswers {
  readonly #context: ObjectContext;
  readonly #signal: AbortSignal;
  readonly #nodes = new Map<string, SourceNode>();

  constructor(context: ObjectContext, signal: AbortSignal) {
    this.#context = context;
    this.#signal = signal;
  }

  /** Drives a decision to its end; fails as it does. */
  async answer<R>(inquiry: Inquiry<R>): Promise<R> {
    let step = inquiry.next();
    while (step.done !== true) {
      let answer: Answer;
      try {
        answer = await this.#answer(step.value);
      } catch (error) {
        step = inquiry.throw(error);
        continue;
      }
      step = inquiry.next(answer);
    }
    return step.value;
  }

  /** The live nodes of these paths, files made of blocks with their real digest. Fails for kinds that cannot travel. */
  async nodes(paths: readonly string[]): Promise<ReadonlyMap<string, SourceNode>> {
    const { reader, repository } = this.#context;
    const unknown = paths.filter((path) => !this.#nodes.has(path));
    for (let at = 0; at < unknown.length; at += BATCH) {
      const found = await reader.findNodes(repository, unknown.slice(at, at + BATCH), this.#signal);
      for (const node of found.values()) await this.#keep(node);
    }
    return new Map(
      paths.flatMap((path) => {
        const node = this.#nodes.get(path);
        return node === undefined ? [] : [[path, node] as const];
      }),
    );
  }

  async #answer(question: Question): Promise<Answer> {
    switch (question.ask) {
      case 'files':
        return [...(await this.nodes(question.paths)).values()].map(facts);
      case 'folder':
        return await this.#folder(question.path, question.limit);
      case 'content': {
        const node = (await this.nodes([question.path])).get(question.path);
        return node && (await readContent(this.#context, node, question.limit, this.#signal));
      }
    }
  }

  async #folder(path: string, limit: number): Promise<readonly FileFacts[]> {
    const { reader, repository, deps } = this.#context;
    const found: FileFacts[] = [];
    const folder = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    for await (const page of reader.nodes(repository, folder, deps.limits.pageSize, this.#signal)) {
      for (const node of page) {
        if (!node.fullPath.startsWith(`${folder}/`)) continue;
        if (found.length >= limit) {
          const message = `folder ${folder} holds more than ${limit} files: that is no folder of one package version`;
          throw new ReplicationError('unit', 'TooManyFiles', message);
        }
        found.push(facts(await this.#keep(node)));
      }
    }
    return found;
  }

  async #keep(node: SourceNode): Promise<SourceNode> {
    const { reader, repository } = this.#context;
    const resolved = node.kind === 'file' ? node : await reader.resolve(repository, node, this.#signal);
    this.#nodes.set(node.fullPath, resolved);
    return resolved;
  }
}

function facts({ fullPath, size, sha256, metadata }: SourceNode): FileFacts {
  return { fullPath, size, sha256, metadata };
}

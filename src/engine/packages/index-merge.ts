/**
 * What an index document and its checksum files have to be at one far side: the rules of the type (domain/indexes), with
 * their questions answered. Guarantees: what is decided follows from both sides' documents as they were read for it.
 * Nothing is written here. Memory: of documents of more than 1 MiB one is held and understood at a time in this process.
 */
import { createHash } from 'node:crypto';
import { travellingMetadata } from '../../domain/compare.ts';
import { ReplicationError } from '../../domain/errors.ts';
import type {
  IndexAnswer,
  IndexInquiry,
  IndexQuestion,
  IndexResult,
  IndexRules,
  Presence,
} from '../../domain/indexes/index-document.ts';
import { INDEX_DOCUMENT_LIMIT } from '../../domain/indexes/index-document.ts';
import type { ObjectContext } from '../context.ts';
import type { SourceNode } from '../ports/source.ts';
import type { TargetNode } from '../ports/target.ts';
import { nodeWithContent, readContent } from '../source-content.ts';
import { addressesOf } from './version-plan.ts';

/** A document, or a checksum file of one, as it has to be at the far side. */
export interface Wanted {
  readonly node: SourceNode;
  /** undefined = the source's own bytes. */
  readonly content: Uint8Array | undefined;
}

/** A document and its checksum files, where they are. */
export interface Sight {
  readonly source: ReadonlyMap<string, SourceNode>;
  readonly far: ReadonlyMap<string, TargetNode>;
}

export interface Decision {
  readonly wanted: readonly Wanted[];
  /** Nothing that the source's document names is still to come or to be replaced: equal facts will be decided equally. */
  readonly settled: boolean;
}

/** Versions asked for with one question. */
const VERSIONS_ASKED = 500;
/** Bytes. */
const LARGE = 1024 * 1024;
const LARGE_TURN = 'large index document';
/** Bytes. A checksum file is a hex digest and perhaps the name of its file. */
const CHECKSUM_FILE_LIMIT = 512;

export class IndexMerge {
  readonly #context: ObjectContext;
  readonly #rules: IndexRules;
  readonly #byPath: boolean;

  /** `byPath`: in a run of paths, which creates no versions: there an entry stands by its file alone. */
  constructor(context: ObjectContext, rules: IndexRules, byPath: boolean) {
    this.#context = context;
    this.#rules = rules;
    this.#byPath = byPath;
  }

  async look(paths: readonly string[], signal: AbortSignal): Promise<Sight> {
    const { reader, repository, link, target } = this.#context;
    return {
      source: await reader.findNodes(repository, paths, signal),
      far: await link.call((t) => t.findNodes(target, paths, signal), signal),
    };
  }

  /** `paths`: the document's, then those of its checksum files. Nothing is wanted when the source has no document. */
  async decide(paths: readonly string[], sight: Sight, signal: AbortSignal): Promise<Decision> {
    const [fullPath = ''] = paths;
    const document = sight.source.get(fullPath);
    if (document === undefined) return { wanted: [], settled: false };
    const work = (): Promise<Decision> => this.#decide(paths, document, sight, signal);
    const large = Math.max(document.size, sight.far.get(fullPath)?.size ?? 0) > LARGE;
    return large ? await this.#context.deps.locks.hold(LARGE_TURN, work, signal) : await work();
  }

  async #decide(paths: readonly string[], document: SourceNode, sight: Sight, signal: AbortSignal): Promise<Decision> {
    const mine = await readContent(this.#context, document, INDEX_DOCUMENT_LIMIT, signal);
    const there = sight.far.get(document.fullPath);
    const theirs = await this.#farContent(there, signal);
    const answers = new Answers(this.#context, this.#byPath, signal);
    const result = await answers.answered(this.#merge(document.fullPath, mine, theirs));
    const { settled } = answers;
    switch (result.kind) {
      case 'keep': {
        if (theirs === undefined) return { wanted: this.#nothing(document), settled };
        const checksums = this.#checksums(paths, document, sight, theirs, there?.sha256 === document.sha256);
        return { wanted: await this.#stale(checksums, sight, theirs, signal), settled };
      }
      case 'source': {
        const own = { node: this.#travelling(document), content: undefined };
        return { wanted: [own, ...this.#checksums(paths, document, sight, mine, true)], settled };
      }
      case 'content': {
        const made = this.#made(document, result.content);
        return { wanted: [made, ...this.#checksums(paths, document, sight, result.content, false)], settled };
      }
    }
  }

  /** Somebody who named the very document is told; elsewhere it is the versions that have failed. */
  #nothing({ fullPath }: SourceNode): readonly Wanted[] {
    if (!this.#byPath) return [];
    const message = `${fullPath} names nothing that is at far side ${this.#context.link.name}: what it names has to be copied, too`;
    throw new ReplicationError('unit', 'NothingNamed', message);
  }

  /** Those that one of the sides has: the source's own where the document is (`isSource`), else made from `content`. */
  #checksums(
    [, ...paths]: readonly string[],
    document: SourceNode,
    { source, far }: Sight,
    content: Uint8Array,
    isSource: boolean,
  ): readonly Wanted[] {
    return paths
      .filter((path) => source.has(path) || far.has(path))
      .map((path) => {
        const own = source.get(path);
        if (isSource && own !== undefined) return { node: this.#travelling(own), content: undefined };
        return this.#made({ ...(own ?? document), fullPath: path }, checksum(path, content));
      });
  }

  /** Beside a document that stays, a checksum file that says its digest stays as well, whatever else it says. */
  async #stale(
    checksums: readonly Wanted[],
    { far }: Sight,
    document: Uint8Array,
    signal: AbortSignal,
  ): Promise<readonly Wanted[]> {
    const stale: Wanted[] = [];
    for (const wanted of checksums) {
      const { fullPath, sha256 } = wanted.node;
      const there = far.get(fullPath);
      if (there?.sha256 === sha256) continue;
      const text = (there?.size ?? Infinity) > CHECKSUM_FILE_LIMIT ? undefined : await this.#farContent(there, signal);
      const [digest = ''] = Buffer.from(text ?? [])
        .toString()
        .trim()
        .split(/\s/u);
      if (digest.toLowerCase() !== checksum(fullPath, document).toString()) stale.push(wanted);
    }
    return stale;
  }

  #made(node: SourceNode, content: Uint8Array): Wanted {
    return { node: nodeWithContent(this.#travelling(node), content), content };
  }

  #travelling(node: SourceNode): SourceNode {
    return { ...node, metadata: travellingMetadata(node.metadata, this.#context.setting.includeMetadata) };
  }

  #merge(fullPath: string, source: Uint8Array, far: Uint8Array | undefined): IndexInquiry<IndexResult> {
    const { object } = this.#context;
    const selected = (object.packages ?? []).map(({ packageKey, versions }) => ({
      packageKey,
      ...(versions.length === 0 ? {} : { versions }),
    }));
    return this.#rules.merge({
      fullPath,
      source,
      far,
      wholeRepository: !this.#byPath && selected.length === 0,
      selected: this.#byPath ? 'any' : selected,
      addresses: addressesOf(this.#context),
    });
  }

  async #farContent(node: TargetNode | undefined, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { link, target } = this.#context;
    if (node === undefined || node.folder || node.sha256 === null) return undefined;
    const { sha256, size, fullPath } = node;
    if (size > INDEX_DOCUMENT_LIMIT) {
      const message = `${fullPath} at far side ${link.name} has ${size} bytes: documents of more than ${INDEX_DOCUMENT_LIMIT} bytes are not read`;
      throw new ReplicationError('unit', 'DocumentTooLarge', message);
    }
    return await link.call((t) => t.readBlob(target, sha256, size, signal), signal);
  }
}

/** Answers the questions of one decision, and remembers whether something was still to come. */
class Answers {
  readonly #context: ObjectContext;
  readonly #byPath: boolean;
  readonly #signal: AbortSignal;
  #settled = true;

  constructor(context: ObjectContext, byPath: boolean, signal: AbortSignal) {
    this.#context = context;
    this.#byPath = byPath;
    this.#signal = signal;
  }

  get settled(): boolean {
    return this.#settled;
  }

  async answered<R>(inquiry: IndexInquiry<R>): Promise<R> {
    let step = inquiry.next();
    while (step.done !== true) step = inquiry.next(await this.#answer(step.value));
    return step.value;
  }

  async #answer(question: IndexQuestion): Promise<IndexAnswer> {
    switch (question.ask) {
      case 'presence':
        return await this.#presence(question.paths);
      case 'far-versions':
        return await this.#farVersions(question.packageKey, question.names);
      case 'missing-versions': {
        if (this.#byPath) return new Set();
        const names = await this.#sourceVersions(question.packageKey, question.names);
        const there = await this.#farVersions(question.packageKey, names);
        const missing = new Set(names.filter((name) => !there.has(name)));
        if (missing.size > 0) this.#settled = false;
        return missing;
      }
    }
  }

  async #presence(paths: readonly string[]): Promise<ReadonlyMap<string, Presence>> {
    const { reader, repository, link, target } = this.#context;
    const source = await reader.findNodes(repository, paths, this.#signal);
    const far = await link.call((t) => t.findNodes(target, paths, this.#signal), this.#signal);
    const presence = paths.map((path): [string, Presence] => {
      const there = far.get(path);
      if (there === undefined || there.folder) return [path, 'absent'];
      return [path, there.sha256 === source.get(path)?.sha256 ? 'same' : 'different'];
    });
    if (presence.some(([path, state]) => state !== 'same' && source.has(path))) this.#settled = false;
    return new Map(presence);
  }

  async #farVersions(packageKey: string, asked: readonly string[]): Promise<ReadonlySet<string>> {
    const { link, target } = this.#context;
    const signal = this.#signal;
    const there = new Set<string>();
    for (let at = 0; at < asked.length; at += VERSIONS_ASKED) {
      const names = asked.slice(at, at + VERSIONS_ASKED);
      const found = await link.call((t) => t.findVersions(target, packageKey, names, signal), signal);
      for (const name of found.keys()) there.add(name);
    }
    return there;
  }

  async #sourceVersions(packageKey: string, asked: readonly string[]): Promise<readonly string[]> {
    const { reader, repository } = this.#context;
    const found = await reader.findPackage(repository, packageKey, this.#signal);
    if (found === undefined) return [];
    return [...(await reader.findVersions(found.id, asked, this.#signal)).keys()];
  }
}

/** Maven's checksum files hold the hex digest alone. */
function checksum(path: string, content: Uint8Array): Buffer {
  const algorithm = path.slice(path.lastIndexOf('.') + 1);
  return Buffer.from(createHash(algorithm).update(content).digest('hex'));
}

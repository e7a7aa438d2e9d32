/**
 * Index documents at one far side (domain/indexes): each is one unit together with its checksum files, made after the
 * versions that it names. conflictStrategy does not apply to them. Guarantees: what is written was merged from both
 * sides' documents as they were read in this run, and read back.
 */
import { createHash } from 'node:crypto';
import { judge, travellingMetadata } from '../domain/compare.ts';
import { ReplicationError } from '../domain/errors.ts';
import type {
  IndexAnswer,
  IndexInquiry,
  IndexQuestion,
  IndexRules,
  Presence,
} from '../domain/indexes/index-document.ts';
import { INDEX_DOCUMENT_LIMIT } from '../domain/indexes/index-document.ts';
import type { PackageFacts } from '../domain/packages/mapping.ts';
import { Claims } from './claims.ts';
import { type ObjectContext, type ObjectRunOptions, unitKey } from './context.ts';
import { findFarFiles } from './file-batches.ts';
import type { ProofMethod, SourceNode, TargetNode, UnitDetail, UnitStatus } from './ports.ts';
import { nodeWithContent, readContent } from './source-content.ts';
import { unitFailed } from './unit-errors.ts';

import { addressesOf } from './version-plan.ts';

export interface IndexWorkerOptions extends Omit<ObjectRunOptions, 'farSide'> {
  readonly rules: IndexRules;
  readonly claims: Claims;
}

/** Times that a document is merged anew because the far side's changed underneath. */
const MOST_REDONE = 3;
/** Versions asked for with one question. */
const VERSIONS_ASKED = 500;

/** A document, or a checksum file of one, as it has to be at the far side. */
interface Wanted {
  readonly node: SourceNode;
  readonly content: Uint8Array | undefined;
}

interface Sight {
  readonly source: ReadonlyMap<string, SourceNode>;
  readonly far: ReadonlyMap<string, TargetNode>;
}

export class IndexWorker {
  readonly #context: ObjectContext;
  readonly #options: IndexWorkerOptions;

  readonly #treated = new Claims();

  constructor(context: ObjectContext, options: IndexWorkerOptions) {
    this.#context = context;
    this.#options = options;
  }

  async ofPackage(facts: PackageFacts, signal: AbortSignal): Promise<void> {
    for (const path of this.#options.rules.ofPackage(facts)) await this.document(path, signal);
  }

  sharedBy(facts: PackageFacts): readonly string[] {
    return this.#options.rules.sharedWith(facts);
  }

  /** After all packages: the documents of the repository, and those met elsewhere, in the order of their type. */
  async atEnd(met: Iterable<string>, signal: AbortSignal): Promise<void> {
    const { rules } = this.#options;
    const paths = [...new Set([...rules.ofRepository, ...met])];
    for (const path of paths.toSorted((a, b) => rules.order(a) - rules.order(b))) await this.document(path, signal);
  }

  /** Whether a file met in the listing is an index document; then it and its checksum files are claimed. */
  meets(fullPath: string): boolean {
    const { rules, claims } = this.#options;
    if (!rules.isIndex(fullPath) || rules.checksumEndings.some((ending) => fullPath.endsWith(ending))) return false;
    for (const path of this.#paths(fullPath)) claims.add(path);
    return true;
  }

  /** Was a unit of this object already. */
  hasTreated(fullPath: string): boolean {
    return this.#treated.has(fullPath);
  }

  /** Does nothing when the source has no such document. */
  async document(fullPath: string, signal: AbortSignal): Promise<void> {
    const { claims, run, givenUp } = this.#options;
    const paths = this.#paths(fullPath);
    for (const path of paths) claims.add(path);
    this.#treated.add(fullPath);
    const startTime = new Date(this.#context.deps.clock.now());
    const { reader, repository } = this.#context;
    const node = (await reader.findNodes(repository, [fullPath], run)).get(fullPath);
    if (node === undefined) return;
    if (givenUp() !== undefined) {
      await this.#finish(node, 'NOT_TRIED', 0, startTime, givenUp());
      return;
    }
    const sent = { bytes: 0 };
    try {
      const changed = await this.#work(paths, sent, signal);
      await this.#finish(node, changed || sent.bytes > 0 ? 'SUCCESS' : 'UNCHANGED', sent.bytes, startTime);
    } catch (cause) {
      const notTried = signal.aborted && !run.aborted ? givenUp() : undefined;
      if (notTried !== undefined) await this.#finish(node, 'NOT_TRIED', sent.bytes, startTime, notTried);
      else {
        const record = (error: ReplicationError): Promise<void> =>
          this.#finish(node, 'FAILED', sent.bytes, startTime, error);
        await unitFailed(this.#context, fullPath, cause, record, run);
      }
    }
  }

  /** The row that this record has from before a crash. */
  async #recorded(key: string): Promise<UnitDetail | undefined> {
    const { deps, link } = this.#context;
    if (!deps.resumed) return undefined;
    return (await deps.journal.findDetails(link.id, [key], this.#options.run)).get(key);
  }

  #paths(fullPath: string): readonly string[] {
    return [fullPath, ...this.#options.rules.checksumEndings.map((ending) => fullPath + ending)];
  }

  async #work(paths: readonly string[], sent: { bytes: number }, signal: AbortSignal): Promise<boolean> {
    let changed = false;
    for (let round = 0; round <= MOST_REDONE; round += 1) {
      const sight = await this.#look(paths, signal);
      const wanted = await this.#wanted(paths, sight, signal);
      const differing = wanted.filter(({ node }) => judge(node, sight.far.get(node.fullPath), []) !== 'same');
      await this.#deliver(wanted, differing, sent, signal);
      if (differing.length === 0) return changed;
      changed = true;
      let existed = false;
      for (const { node } of differing)
        existed = (await this.#create(node, sight.far.get(node.fullPath), signal)) || existed;
      if (existed) continue;
      const after = await this.#look(paths, signal);
      if (wanted.every(({ node }) => judge(node, after.far.get(node.fullPath), []) === 'same')) return true;
    }
    throw new ReplicationError(
      'unit',
      'NotAsCommitted',
      `far side ${this.#context.link.name} accepted ${paths[0]} ${MOST_REDONE + 1} times, but afterwards it was another one`,
    );
  }

  async #look(paths: readonly string[], signal: AbortSignal): Promise<Sight> {
    const { reader, repository, link, target } = this.#context;
    return {
      source: await reader.findNodes(repository, paths, signal),
      far: await findFarFiles(link, target, paths, signal),
    };
  }

  /** The document and its checksum files, those that one of the sides has. */
  async #wanted(paths: readonly string[], { source, far }: Sight, signal: AbortSignal): Promise<readonly Wanted[]> {
    const [fullPath = '', ...checksums] = paths;
    const document = source.get(fullPath);
    if (document === undefined) return [];
    const mine = await readContent(this.#context, document, INDEX_DOCUMENT_LIMIT, signal);
    const theirs = await this.#farContent(far.get(fullPath), signal);
    const result = await this.#answered(this.#merge(fullPath, mine, theirs), signal);
    if (result.kind === 'keep') return [];
    const travelling = (node: SourceNode): SourceNode => ({
      ...node,
      metadata: travellingMetadata(node.metadata, this.#context.setting.includeMetadata),
    });
    if (result.kind === 'source') {
      return [document, ...checksums.flatMap((path) => source.get(path) ?? [])].map((node) => ({
        node: travelling(node),
        content: undefined,
      }));
    }
    const made = (node: SourceNode, content: Uint8Array): Wanted => ({
      node: nodeWithContent(travelling(node), content),
      content,
    });
    return [
      made(document, result.content),
      ...checksums
        .filter((path) => source.has(path) || far.has(path))
        .map((path) => made({ ...(source.get(path) ?? document), fullPath: path }, checksum(path, result.content))),
    ];
  }

  #merge(fullPath: string, source: Uint8Array, far: Uint8Array | undefined): ReturnType<IndexRules['merge']> {
    const { object } = this.#context;
    const selected = (object.packages ?? []).map(({ packageKey, versions }) => ({
      packageKey,
      ...(versions.length === 0 ? {} : { versions }),
    }));
    const addresses = addressesOf(this.#context);
    return this.#options.rules.merge({
      fullPath,
      source,
      far,
      wholeRepository: selected.length === 0,
      selected,
      addresses,
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

  async #answered<R>(inquiry: IndexInquiry<R>, signal: AbortSignal): Promise<R> {
    let step = inquiry.next();
    while (step.done !== true) step = inquiry.next(await this.#answer(step.value, signal));
    return step.value;
  }

  async #answer(question: IndexQuestion, signal: AbortSignal): Promise<IndexAnswer> {
    const { link, target } = this.#context;
    if (question.ask === 'presence') return await this.#presence(question.paths, signal);
    const there = new Set<string>();
    for (let at = 0; at < question.names.length; at += VERSIONS_ASKED) {
      const names = question.names.slice(at, at + VERSIONS_ASKED);
      const found = await link.call((t) => t.findVersions(target, question.packageKey, names, signal), signal);
      for (const name of found.keys()) there.add(name);
    }
    return there;
  }

  async #presence(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Presence>> {
    const { far, source } = await this.#look(paths, signal);
    return new Map(
      paths.map((path): [string, Presence] => {
        const there = far.get(path);
        if (there === undefined || there.folder) return [path, 'absent'];
        return [path, there.sha256 === source.get(path)?.sha256 ? 'same' : 'different'];
      }),
    );
  }

  async #deliver(
    wanted: readonly Wanted[],
    differing: readonly Wanted[],
    sent: { bytes: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { courier, repository, target, link, deps } = this.#context;
    if (wanted.length === 0) return;
    const digests = wanted.map(({ node }) => node.sha256);
    const proofs = await deps.journal.findProofs(link.id, target.storageKey, digests, signal);
    const made: { sha256: string; method: ProofMethod }[] = [];
    for (const item of wanted) {
      const proof = proofs.get(item.node.sha256);
      const stored = !differing.includes(item);
      if (stored && proof !== undefined) continue;
      const parcel = { repository, target, ...item, proof };
      const delivery = await this.#options.pool.step(
        () => (stored ? courier.prove(parcel, signal) : courier.ensure(parcel, signal)),
        signal,
      );
      sent.bytes += delivery.bytesSent;
      if (delivery.proof !== undefined) made.push({ sha256: item.node.sha256, method: delivery.proof });
    }
    if (made.length > 0) await deps.journal.writeProofs(link.id, target.storageKey, made, signal);
  }

  /** true = something is there that was not there before. */
  async #create(node: SourceNode, far: TargetNode | undefined, signal: AbortSignal): Promise<boolean> {
    const { link, target } = this.#context;
    if (far?.folder === true) {
      const message = `the far side has a folder at ${node.fullPath}; a file never replaces a folder`;
      throw new ReplicationError('unit', 'FolderAtFarSide', message);
    }
    if (far?.sha256 === node.sha256 && far.size === node.size) {
      await link.call((t) => t.saveMetadata(target, node.fullPath, node.metadata, signal), signal);
      return false;
    }
    const answer = await link.call((t) => t.createNode(target, node, { overwrite: far !== undefined }, signal), signal);
    return answer === 'existed';
  }

  /** What this record has as done from before a crash stays done. */
  async #finish(
    node: SourceNode,
    status: UnitStatus,
    bytesSent: number,
    startTime: Date,
    error?: ReplicationError,
  ): Promise<void> {
    const { recorder, index, object } = this.#context;
    const key = unitKey(index, node.fullPath);
    const prior = await this.#recorded(key);
    if (prior?.status === 'SUCCESS' && (status === 'UNCHANGED' || status === 'NOT_TRIED')) {
      recorder.countRecorded(prior);
      return;
    }
    await recorder.record(
      {
        unitKey: key,
        object,
        node,
        status,
        bytesSent,
        startTime,
        replaces: prior !== undefined,
        ...(error === undefined ? {} : { reason: error.code, message: error.message }),
      },
      this.#options.run,
    );
  }
}

/** Maven's checksum files hold the hex digest alone. */
function checksum(path: string, content: Uint8Array): Uint8Array {
  const algorithm = path.slice(path.lastIndexOf('.') + 1);
  return Buffer.from(createHash(algorithm).update(content).digest('hex'));
}

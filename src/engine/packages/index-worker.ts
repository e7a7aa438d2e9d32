/**
 * Index documents at one far side (domain/indexes): each is one unit together with its checksum files, made after the
 * versions that it names. conflictStrategy does not apply to them. Guarantees: what is written was merged from both
 * sides' documents as they were read in this run, and read back; runs of this installation take turns at a document, so
 * none loses what another has added. Not guaranteed: a write by somebody else between the last look and ours.
 */
import { judge } from '../../domain/compare.ts';
import { ReplicationError } from '../../domain/errors.ts';
import type { IndexRules } from '../../domain/indexes/index-document.ts';
import type { PackageFacts } from '../../domain/packages/mapping.ts';
import { filesFingerprint } from '../../domain/quarantine.ts';
import type { ObjectContext, ObjectRunOptions } from '../context.ts';
import { fingerprintOfFailure, withoutHeldBack } from '../failure-memory.ts';
import { finish } from '../finish-unit.ts';
import { goneMeanwhile, leftThere, own, ownedAmong, stateOf } from '../ownership.ts';
import type { ProofMethod, UnitDetail, UnitStatus } from '../ports/journal.ts';
import type { SourceNode } from '../ports/source.ts';
import type { TargetNode } from '../ports/target.ts';
import { goodProofs } from '../proofs.ts';
import { confirmStored } from '../storage-check.ts';
import { unitFailed } from '../unit-errors.ts';
import { unitKey } from '../unit-key.ts';
import { Claims } from './claims.ts';
import { fingerprintOf, recall, remember } from './index-memory.ts';
import { IndexMerge, type Sight, type Wanted } from './index-merge.ts';

export interface IndexWorkerOptions extends Omit<ObjectRunOptions, 'farSide'> {
  readonly rules: IndexRules;
  readonly claims: Claims;
  /** A run of paths. */
  readonly byPath: boolean;
}

interface IndexUnit {
  readonly node: Pick<SourceNode, 'fullPath' | 'size' | 'sha256'>;
  readonly startTime: Date;
  readonly prior: UnitDetail | undefined;
}

interface Sent {
  bytes: number;
  readonly nodes: SourceNode[];
}

/** Times that a document is merged anew because the far side's changed underneath. */
const MOST_REDONE = 3;

export class IndexWorker {
  readonly #context: ObjectContext;
  readonly #options: IndexWorkerOptions;
  readonly #merge: IndexMerge;
  /** Packages under way of which a version was written. */
  readonly #changed = new Set<string>();
  #anyChanged = false;
  readonly #treated = new Claims();
  /** Asked for by their names, in a run of single units: read whatever is remembered of them. */
  readonly #asked = new Set<string>();

  constructor(context: ObjectContext, options: IndexWorkerOptions) {
    this.#context = context;
    this.#options = options;
    this.#merge = new IndexMerge(context, options.rules, options.byPath);
  }

  /** A version of the package was written: its documents are read, whatever is remembered of them. */
  changed(packageKey: string): void {
    this.#changed.add(packageKey);
    this.#anyChanged = true;
  }

  /** One that is a document, in a run of single units, is read, whatever is remembered of it. */
  ask(fullPath: string): void {
    if (this.#isDocument(fullPath)) this.#asked.add(fullPath);
  }

  /** To be called last for a package. */
  async ofPackage(facts: PackageFacts, signal: AbortSignal): Promise<void> {
    for (const path of this.#options.rules.ofPackage(facts)) await this.document(path, signal, facts.key);
    this.#changed.delete(facts.key);
  }

  sharedBy(facts: PackageFacts): readonly string[] {
    return this.#options.rules.sharedWith(facts);
  }

  /**
   * After all files and packages: the documents of the repository, and those met elsewhere. In the order of their type,
   * deeper ones first: the list of a Maven group goes by the documents of its artifacts. `ofRepository`: the first, too.
   */
  async atEnd(met: ReadonlySet<string>, ofRepository: boolean, signal: AbortSignal): Promise<void> {
    const { rules } = this.#options;
    if (this.#context.only !== undefined) for (const path of met) this.#asked.add(path);
    const paths = [...new Set([...(ofRepository ? rules.ofRepository : []), ...met])];
    const depth = (path: string): number => path.split('/').length;
    const sorted = paths.toSorted((a, b) => rules.order(a) - rules.order(b) || depth(b) - depth(a));
    for (const path of sorted) await this.document(path, signal);
  }

  /** Whether a file met in the listing is an index document; then it and its checksum files are claimed. */
  meets(fullPath: string): boolean {
    if (!this.#isDocument(fullPath)) return false;
    for (const path of this.#paths(fullPath)) this.#options.claims.add(path);
    return true;
  }

  #isDocument(fullPath: string): boolean {
    const { rules, byPath } = this.#options;
    if (byPath && !rules.mergedByPath) return false;
    return rules.isIndex(fullPath) && !rules.checksumEndings.some((ending) => fullPath.endsWith(ending));
  }

  /** Was a unit of this object already. */
  hasTreated(fullPath: string): boolean {
    return this.#treated.has(fullPath);
  }

  /** Does nothing when the source has no such document. `packageKey`: of the only package that it names. */
  async document(fullPath: string, signal: AbortSignal, packageKey?: string): Promise<void> {
    const { claims, run, givenUp } = this.#options;
    const { deps, reader, repository, recorder } = this.#context;
    const paths = this.#paths(fullPath);
    for (const path of paths) claims.add(path);
    this.#treated.add(fullPath);
    let unit: IndexUnit = {
      node: { fullPath, size: 0, sha256: '' },
      startTime: new Date(deps.clock.now()),
      prior: undefined,
    };
    const sent: Sent = { bytes: 0, nodes: [] };
    let nodes: readonly SourceNode[] = [];
    try {
      unit = { ...unit, prior: await this.#prior(fullPath) };
      const found = await reader.findNodes(repository, paths, run);
      const node = found.get(fullPath);
      if (node === undefined) return;
      unit = { ...unit, node };
      nodes = paths.flatMap((path) => found.get(path) ?? []);
      if (givenUp() !== undefined) {
        await this.#notTried(unit, sent.bytes);
        return;
      }
      if (await this.#isHeldBack(unit, nodes, packageKey)) return;
      const work = (): Promise<boolean> => this.#work(paths, packageKey, sent, signal);
      const written = await deps.locks.hold(this.#lockKey(fullPath), work, signal);
      const changed = written || sent.nodes.length > 0;
      if (!changed && unit.prior?.status === 'SUCCESS') await recorder.countRecorded(unit.prior, run);
      else await this.#finish(unit, changed ? 'SUCCESS' : 'UNCHANGED', sent.bytes);
    } catch (cause) {
      if (signal.aborted && !run.aborted && givenUp() !== undefined) {
        await this.#notTried(unit, sent.bytes);
        return;
      }
      const record = async (error: ReplicationError): Promise<void> => {
        const fingerprint =
          nodes.length === 0 ? undefined : await fingerprintOfFailure(error, () => filesFingerprint(nodes), run);
        await this.#finish(unit, 'FAILED', sent.bytes, error, fingerprint);
      };
      await unitFailed(this.#context, fullPath, cause, record, run);
    }
  }

  /** Failed too lately or too often, and nothing that it names was written now. */
  async #isHeldBack(unit: IndexUnit, nodes: readonly SourceNode[], packageKey: string | undefined): Promise<boolean> {
    if (this.#isTouched(packageKey)) return false;
    const kind = {
      keyOf: () => unitKey(this.#context.index, unit.node.fullPath),
      fingerprint: () => filesFingerprint(nodes),
      hold: (_: IndexUnit, why: ReplicationError) => this.#finish(unit, 'FAILED', 0, why),
    };
    const free = await withoutHeldBack(this.#context, [unit], kind, this.#options.run);
    return free.length === 0;
  }

  /** A version that the document names was written in this run. */
  #isTouched(packageKey: string | undefined): boolean {
    return packageKey === undefined ? this.#anyChanged : this.#changed.has(packageKey);
  }

  #paths(fullPath: string): readonly string[] {
    return [fullPath, ...this.#options.rules.checksumEndings.map((ending) => fullPath + ending)];
  }

  #lockKey(fullPath: string): string {
    const { link, target } = this.#context;
    return JSON.stringify(['index', link.id, target.projectId, target.name, fullPath]);
  }

  async #prior(fullPath: string): Promise<UnitDetail | undefined> {
    const { deps, link, index } = this.#context;
    if (!deps.resumed) return undefined;
    const key = unitKey(index, fullPath);
    return (await deps.journal.findDetails(link.id, [key], this.#options.run)).get(key);
  }

  /** true = something was written. */
  async #work(
    paths: readonly string[],
    packageKey: string | undefined,
    sent: Sent,
    signal: AbortSignal,
  ): Promise<boolean> {
    const [fullPath = ''] = paths;
    const isRemembered = await recall(this.#context, fullPath, signal);
    const found = async (sight: Sight): Promise<void> => {
      const fingerprint = fingerprintOf(this.#context, paths, sight);
      if (!isRemembered(fingerprint)) await remember(this.#context, fullPath, fingerprint, signal);
    };
    const anew = this.#isTouched(packageKey) || this.#asked.has(fullPath);
    let changed = false;
    for (let round = 0; round <= MOST_REDONE; round += 1) {
      const sight = await this.#merge.look(paths, signal);
      if (round === 0 && !anew && isRemembered(fingerprintOf(this.#context, paths, sight))) return false;
      const { wanted, settled } = await this.#merge.decide(paths, sight, signal);
      const differing = wanted.filter(({ node }) => judge(node, sight.far.get(node.fullPath), []) !== 'same');
      await this.#deliver(wanted, differing, sent, signal);
      if (differing.length === 0) {
        await confirmStored(this.#context, sent.nodes, signal);
        if (settled) await found(sight);
        return changed;
      }
      const written = await this.#write(differing, sight, signal);
      changed ||= written > 0;
      if (written < differing.length) continue;
      const { source, far } = await this.#merge.look(paths, signal);
      if (wanted.every(({ node }) => judge(node, far.get(node.fullPath), []) === 'same')) {
        await confirmStored(this.#context, sent.nodes, signal);
        // The source's side as it was merged: what has changed there meanwhile is not in the far side's document.
        if (settled) await found({ source: sight.source, far });
        if (!source.has(fullPath)) await this.#goneMeanwhile(differing, signal);
        return changed;
      }
    }
    throw new ReplicationError(
      'unit',
      'NotAsCommitted',
      `${fullPath} at far side ${this.#context.link.name} was another one each of ${MOST_REDONE + 1} times that it was merged: someone else writes there`,
    );
  }

  async #deliver(
    wanted: readonly Wanted[],
    differing: readonly Wanted[],
    sent: Sent,
    signal: AbortSignal,
  ): Promise<void> {
    const { courier, repository, target, link, deps } = this.#context;
    if (wanted.length === 0) return;
    const digests = wanted.map(({ node }) => node.sha256);
    const proofs = await goodProofs(this.#context, digests, signal);
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
      if (delivery.pushed) sent.nodes.push(item.node);
      if (delivery.proof !== undefined) made.push({ sha256: item.node.sha256, method: delivery.proof });
    }
    if (made.length > 0) await deps.journal.writeProofs(link.id, target.storageKey, made, signal);
  }

  /** How many were written, in order: less than all when the far side has moved underneath. */
  async #write(differing: readonly Wanted[], { far }: Sight, signal: AbortSignal): Promise<number> {
    await this.#ownFirst(differing, far, signal);
    for (const [position, { node }] of differing.entries())
      if (!(await this.#create(node, far.get(node.fullPath), signal))) return position;
    return differing.length;
  }

  async #goneMeanwhile(written: readonly Wanted[], signal: AbortSignal): Promise<void> {
    const nodes = written.map(({ node }) => node);
    const before = await ownedAmong(
      this.#context,
      nodes.map(({ fullPath }) => fullPath),
      signal,
    );
    const owned = nodes.flatMap((node) => {
      const { fullPath } = node;
      return before.has(fullPath) ? [{ fullPath, file: stateOf(node) }] : [];
    });
    await own(this.#context, owned, signal);
    goneMeanwhile(this.#context, nodes);
  }

  /** What the task has made alone goes when the source loses it; what somebody else had a part in stays. */
  async #ownFirst(
    differing: readonly Wanted[],
    far: ReadonlyMap<string, TargetNode>,
    signal: AbortSignal,
  ): Promise<void> {
    const paths = differing.map(({ node }) => node.fullPath);
    const before = await ownedAmong(this.#context, paths, signal);
    const owned = differing.map(({ node }) => {
      const { fullPath } = node;
      const formerly = leftThere(before.get(fullPath), far.get(fullPath));
      const isOurs = formerly !== undefined || !far.has(fullPath);
      return { fullPath, file: isOurs ? stateOf(node, { formerly }) : null };
    });
    await own(this.#context, owned, signal);
  }

  /** false = something else is there than what was merged. */
  async #create(node: SourceNode, far: TargetNode | undefined, signal: AbortSignal): Promise<boolean> {
    const { link, target } = this.#context;
    if (far?.folder === true) {
      const message = `the far side has a folder at ${node.fullPath}; a file never replaces a folder`;
      throw new ReplicationError('unit', 'FolderAtFarSide', message);
    }
    if (far?.sha256 === node.sha256 && far.size === node.size) {
      await link.call((t) => t.saveMetadata(target, node.fullPath, node.metadata, signal), signal);
      return true;
    }
    if (far !== undefined) {
      const present = (await link.call((t) => t.findNodes(target, [node.fullPath], signal), signal)).get(node.fullPath);
      if (present?.sha256 !== far.sha256 || present.size !== far.size) return false;
    }
    const answer = await link.call((t) => t.createNode(target, node, { overwrite: far !== undefined }, signal), signal);
    if (answer === 'created') return true;
    // A lost answer makes the next try say "existed": then it may have been our own create.
    const present = await link.call((t) => t.findNodes(target, [node.fullPath], signal), signal);
    return judge(node, present.get(node.fullPath), []) === 'same';
  }

  /** What this record has as done from before a crash stays done. */
  async #notTried(unit: IndexUnit, bytesSent: number): Promise<void> {
    if (unit.prior?.status === 'SUCCESS') await this.#context.recorder.countRecorded(unit.prior, this.#options.run);
    else await this.#finish(unit, 'NOT_TRIED', bytesSent, this.#options.givenUp());
  }

  #finish(
    unit: IndexUnit,
    status: UnitStatus,
    bytesSent: number,
    error?: ReplicationError,
    fingerprint?: string,
  ): Promise<void> {
    const recorded = unit.prior !== undefined;
    return finish(this.#context, { ...unit, recorded }, status, bytesSent, this.#options.run, error, fingerprint);
  }
}

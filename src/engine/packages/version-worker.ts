/**
 * Takes one package version from its comparison to its final record (design §3, commit): blobs first, then its files in
 * the order of its type, then, when these were read back, the version itself; and that is read back too. Nothing at all
 * is created before every blob is stored, so a version whose bytes are gone at the source leaves no trace at a far side.
 * What source or far side changed meanwhile is planned and compared again, a few times.
 */
import { judge, travellingMetadata } from '../../domain/compare.ts';
import { classify, ReplicationError } from '../../domain/errors.ts';
import {
  decideVersion,
  differingFields,
  mergedMetadata,
  type OwnWrites,
  type VersionFields,
} from '../../domain/versions.ts';
import { settledAll } from '../../lib/settled-all.ts';
import type { Delivery } from '../blob-courier.ts';
import type { ObjectContext } from '../context.ts';
import { createNode, keysOf, repairMetadata } from '../node-writing.ts';
import { follows, goneMeanwhile } from '../ownership.ts';
import type { ProofMethod } from '../ports/journal.ts';
import type { SourceNode } from '../ports/source.ts';
import { confirmStored } from '../storage-check.ts';
import { PERHAPS_CHANGED } from '../unit-errors.ts';
import type { UnitPool } from '../unit-pool.ts';
import type { PackageWriter } from './package-writer.ts';
import { type ComparedVersion, compareVersions } from './version-compare.ts';
import { VersionOwnership } from './version-ownership.ts';
import { planVersion } from './version-plan.ts';
import { finishVersion, mainDigest, type VersionFile, type VersionUnit, versionName } from './version-unit.ts';

export interface VersionMeans {
  readonly context: ObjectContext;
  readonly pool: UnitPool;
  readonly writer: PackageWriter;
  /** Why the far side was given up. */
  readonly givenUp: () => ReplicationError | undefined;
}

/** Times that a version is planned anew because source or far side changed underneath. */
const MOST_REDONE = 3;

/** What a version has come to. `gone`: the source has removed it meanwhile, and there is nothing to say. */
export type VersionFate = 'same' | 'written' | 'kept' | 'gone';

export class VersionWorker {
  readonly #means: VersionMeans;
  readonly #signal: AbortSignal;
  #unit: VersionUnit;
  #bytesSent = 0;
  /** Files whose blobs were sent. */
  readonly #sent: SourceNode[] = [];
  /** A first step was taken. */
  #begun = false;
  /** This run has changed files or fields of this version. */
  #wrote = false;
  /** Files as this run committed them, and the version as it was sent: ours to replace as long as they lie there so. */
  readonly #ownFiles = new Map<string, SourceNode>();
  #ownVersion: VersionFields | undefined;
  readonly #ownership: VersionOwnership;
  #files: number | undefined;

  constructor(means: VersionMeans, unit: VersionUnit, signal: AbortSignal) {
    this.#means = means;
    this.#unit = unit;
    this.#signal = signal;
    this.#ownership = new VersionOwnership(means.context);
  }

  /** Fails with the error that its unit fails with; `compared` undefined = it has to be planned first. */
  async work(compared: ComparedVersion | undefined): Promise<VersionFate> {
    let known = compared;
    for (let round = 0; ; round += 1) {
      try {
        known ??= await this.#again();
        if (known === undefined) return this.#gone();
        const fate = await this.#perform(known);
        if (fate !== 'changed') return fate;
      } catch (cause) {
        this.#signal.throwIfAborted();
        const error = classify(cause);
        if (!PERHAPS_CHANGED.has(error.code) || round >= 1) throw error;
      }
      if (round >= MOST_REDONE) throw this.#keepsChanging();
      known = undefined;
    }
  }

  /** false = nothing was asked of the far side for it beyond its comparison. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Payload sent so far. */
  get bytesSent(): number {
    return this.#bytesSent;
  }

  /** How many files it consists of, once it was planned. */
  get files(): number | undefined {
    return this.#files;
  }

  get #changed(): boolean {
    return this.#wrote || this.#sent.length > 0;
  }

  /** What a version that the source has removed meanwhile leaves at the far side is told. */
  #gone(): 'gone' {
    if (!this.#changed) return 'gone';
    const message = `the source removed version ${versionName(this.#unit)} while it was copied; files of it are at the far side`;
    throw new ReplicationError('unit', 'VersionGone', message);
  }

  async #perform(known: ComparedVersion): Promise<VersionFate | 'changed'> {
    const { context } = this.#means;
    const action = decideVersion(known, context.setting.conflictStrategy, this.#own(known));
    const sha256 = mainDigest(this.#unit, known.plan);
    this.#files = known.plan.files.length;
    switch (action.kind) {
      case 'fail':
        await this.#ownership.notOurs(this.#signal);
        throw new ReplicationError('unit', action.reason, action.message);
      case 'conflict': {
        await this.#ownership.notOurs(this.#signal);
        const error = new ReplicationError('unit', 'Conflict', action.message);
        await this.#finish({ status: 'CONFLICT', sha256, error });
        return 'kept';
      }
      case 'none':
        await this.#deliver(known);
        await this.#ownership.met(known, this.#signal);
        await confirmStored(context, this.#sent, this.#signal);
        if (!this.#changed && this.#unit.prior?.status === 'SUCCESS' && this.#unit.prior.sha256 === sha256) {
          await context.recorder.countRecorded(this.#unit.prior, this.#signal);
          return 'same';
        }
        await this.#finish({ status: this.#changed ? 'SUCCESS' : 'UNCHANGED', sha256 });
        return this.#wrote ? 'written' : 'same';
      case 'write':
        await this.#deliver(known);
        await this.#ownership.beforeWriting(known, this.#signal);
        if (!(await this.#writeFiles(known)) || !(await this.#writeVersion(known))) return 'changed';
        await this.#ownership.written(known, this.#signal);
        await this.#lookAgain();
        await confirmStored(context, this.#sent, this.#signal);
        await this.#finish({ status: 'SUCCESS', sha256 });
        return 'written';
    }
  }

  /** What the far side shows that is still as this task left it: in this run, or before it. */
  #own({ farFiles, farVersion, ownFiles, ownsVersion }: ComparedVersion): OwnWrites {
    const files = [...this.#ownFiles].filter(([path, node]) => judge(node, farFiles.get(path)?.far, []) === 'same');
    const sent = this.#ownVersion;
    return {
      files: new Set([...ownFiles, ...files.map(([path]) => path)]),
      version:
        ownsVersion ||
        (sent !== undefined && farVersion !== undefined && differingFields(sent, farVersion, []).length === 0),
    };
  }

  /** Plans and compares from the present state of the source; undefined = the source has no such version any more. */
  async #again(): Promise<ComparedVersion | undefined> {
    const { context } = this.#means;
    const { package: found, version } = this.#unit;
    const present = await context.reader.findVersions(found.id, [version.name], this.#signal);
    const next = present.get(version.name);
    if (next === undefined) return undefined;
    this.#unit = { ...this.#unit, version: next };
    const plan = await planVersion(context, this.#unit, this.#signal);
    const [compared] = await compareVersions(context, [{ unit: this.#unit, plan }], this.#signal);
    return compared;
  }

  /** What was not begun when the far side was given up never begins: it fails with the reason of that. */
  async #step<T>(work: () => Promise<T>): Promise<T> {
    const { pool, givenUp } = this.#means;
    return await pool.step(async () => {
      const reason = givenUp();
      if (!this.#begun && reason !== undefined) throw reason;
      this.#begun = true;
      return await work();
    }, this.#signal);
  }

  /** Every blob stored, or proved: side by side, as permits come free. What was proved stays so when another one fails. */
  async #deliver(known: ComparedVersion): Promise<void> {
    const { repository, target, courier, link, deps } = this.#means.context;
    const proofs = new Map<string, ProofMethod>();
    const delivering = settledAll(
      known.plan.files.map(async ({ node, content }, index) => {
        const parcel = { repository, target, node, content, proof: known.proofs.get(node.sha256) };
        const there = known.files[index]?.verdict;
        const stored = there === 'same' || there === 'metadata-differs';
        if (stored && parcel.proof !== undefined) return;
        const delivery = await this.#step<Delivery>(() =>
          stored ? courier.prove(parcel, this.#signal) : courier.ensure(parcel, this.#signal),
        );
        this.#bytesSent += delivery.bytesSent;
        if (delivery.pushed) this.#sent.push(node);
        if (delivery.proof !== undefined) proofs.set(node.sha256, delivery.proof);
      }),
    );
    try {
      await delivering;
    } finally {
      const made = [...proofs].map(([sha256, method]) => ({ sha256, method }));
      if (made.length > 0) await deps.journal.writeProofs(link.id, target.storageKey, made, this.#signal);
    }
  }

  /** false = something was not as compared. In order, with one permit: few small requests. */
  async #writeFiles(known: ComparedVersion): Promise<boolean> {
    const written = await this.#step(async () => {
      for (const file of known.plan.files) if (!(await this.#writeFile(known, file))) return false;
      return true;
    });
    return written && (await this.#asPlanned(known));
  }

  async #writeFile(known: ComparedVersion, { node }: VersionFile): Promise<boolean> {
    const { link, target } = this.#means.context;
    const signal = this.#signal;
    const there = known.farFiles.get(node.fullPath);
    const verdict = judge(node, there?.far, there?.ownedKeys ?? []);
    if (verdict === 'same') return true;
    if (verdict === 'metadata-differs') {
      await repairMetadata(this.#means.context, node, there?.far, there?.ownedKeys ?? [], signal);
      this.#wrote = true;
      this.#ownFiles.set(node.fullPath, node);
      return true;
    }
    const overwrite = verdict === 'different';
    const { result, tries } = await createNode(this.#means.context, node, overwrite, signal);
    if (result === 'created' || tries > 1) this.#wrote = true;
    if (result === 'created') {
      this.#ownFiles.set(node.fullPath, node);
      return true;
    }
    // Versions that share files are written side by side: what another has just put there is as good.
    const present = await link.call((t) => t.findNodes(target, [node.fullPath], signal), signal);
    return judge(node, present.get(node.fullPath), []) === 'same';
  }

  /** Both sides once more, before the version is shown: the far side has the files, the source still means them. */
  async #asPlanned({ plan }: ComparedVersion): Promise<boolean> {
    const { link, target, reader, repository, setting } = this.#means.context;
    const paths = plan.files.map(({ node }) => node.fullPath);
    const far = await link.call((t) => t.findNodes(target, paths, this.#signal), this.#signal);
    const present = await reader.findNodes(repository, paths, this.#signal);
    return plan.files.every(({ node, origin, content }) => {
      if (judge(node, far.get(node.fullPath), []) !== 'same') return false;
      const source = present.get(node.fullPath);
      if (source === undefined) return false;
      if (source.kind !== 'file') return true;
      const metadata = travellingMetadata(source.metadata, setting.includeMetadata);
      return (
        source.sha256 === origin &&
        (content !== undefined || judge({ ...source, metadata }, { ...node, folder: false }, keysOf(node)) === 'same')
      );
    });
  }

  /** false = something was not as compared. Versions of one package are written one at a time. */
  async #writeVersion(known: ComparedVersion): Promise<boolean> {
    const { link, target } = this.#means.context;
    const { writer } = this.#means;
    const { version, package: found } = this.#unit;
    if (known.differing?.length === 0) return true;
    const metadata = mergedMetadata(version.metadata, known.farVersion?.metadata ?? [], known.ownedKeys);
    const extension = { ...known.farVersion?.extension, ...version.extension };
    const overwrite = known.farVersion !== undefined;
    const sent = { ...version, metadata, extension };
    const { answer, tries } = await writer.write(sent, overwrite, this.#signal);
    if (answer === 'created' || tries > 1) this.#wrote = true;
    if (answer === 'existed') return false;
    this.#ownVersion = sent;
    const there = await link.call((t) => t.findVersions(target, found.key, [version.name], this.#signal), this.#signal);
    const read = there.get(version.name);
    return read !== undefined && differingFields(version, read, []).length === 0;
  }

  /** The source may have removed the version while it was written. */
  async #lookAgain(): Promise<void> {
    const { context } = this.#means;
    if (!follows(context)) return;
    const { package: found, version } = this.#unit;
    const present = await context.reader.findVersions(found.id, [version.name], this.#signal);
    const unit = { fullPath: '', packageKey: found.key, version: version.name };
    if (!present.has(version.name)) goneMeanwhile(context, [unit]);
  }

  #finish(end: Pick<Parameters<typeof finishVersion>[2], 'status' | 'sha256' | 'error'>): Promise<void> {
    return finishVersion(
      this.#means.context,
      this.#unit,
      { ...end, bytesSent: this.#bytesSent, files: this.#files },
      this.#signal,
    );
  }

  #keepsChanging(): ReplicationError {
    return new ReplicationError(
      'unit',
      'NotAsCommitted',
      `far side ${this.#means.context.link.name} accepted version ${versionName(this.#unit)} ${MOST_REDONE + 1} times, but ` +
        'afterwards it was not what the source has: someone else writes there, or the account may not read it',
    );
  }
}

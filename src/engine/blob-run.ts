/**
 * One task object at a far side that gets blobs only (Cluster type EDGE): it shares the metadata of the source's centre,
 * so each blob is checked and, when it is not there, pushed; no metadata call is made, and conflictStrategy has nothing
 * to decide. A unit is a file, or, where packages are selected, a version with all its blobs. SUCCESS = something was
 * sent for it, UNCHANGED = its blobs were there.
 */
import { classify, ReplicationError } from '../domain/errors.ts';
import type { IndexRules } from '../domain/indexes/index-document.ts';
import { indexRulesFor } from '../domain/indexes/rules.ts';
import { normalisePath, selects } from '../domain/paths.ts';
import { filesFingerprint } from '../domain/quarantine.ts';
import type { ObjectContext, ObjectRunOptions } from './context.ts';
import { fingerprintOfFailure, withoutHeldBack } from './failure-memory.ts';
import { follows } from './ownership.ts';
import { selectedPackages } from './packages/package-selection.ts';
import { planVersion } from './packages/version-plan.ts';
import { fingerprintOfVersion, versionKey } from './packages/version-unit.ts';
import type { ProofMethod, UnitDetail, UnitStatus } from './ports/journal.ts';
import type { SourceNode } from './ports/source.ts';
import { goodProofs } from './proofs.ts';
import type { UnitResult } from './recorder.ts';
import { confirmStored } from './storage-check.ts';
import { unitFailed } from './unit-errors.ts';
import { unitKey } from './unit-key.ts';

/** What is recorded, and the nodes whose blobs make it up. */
interface BlobUnit {
  readonly record: Pick<UnitResult, 'unitKey' | 'node' | 'artifact'>;
  /** State at the source. */
  readonly fingerprint: () => string | Promise<string>;
  /** Fails when the unit cannot be read at the source. */
  readonly nodes: () => Promise<readonly SourceNode[]>;
}

export class BlobRun {
  readonly #context: ObjectContext;
  readonly #options: ObjectRunOptions;

  constructor(context: ObjectContext, options: ObjectRunOptions) {
    this.#context = context;
    this.#options = options;
  }

  async execute(): Promise<void> {
    const { object, recorder, deps } = this.#context;
    const { pool, run } = this.#options;
    if ((object.packages ?? []).length > 0) await this.#packages();
    else await this.#files();
    await pool.idle();
    await recorder.flush(run);
    deps.drain.throwIfAborted();
  }

  async #files(): Promise<void> {
    const { object, reader, repository, deps } = this.#context;
    const { only, index } = this.#context;
    const { run } = this.#options;
    const named = [...new Set(object.paths.map(normalisePath))];
    const all = named.length === 0 ? ['/'] : named;
    const paths = only === undefined ? all : await only.named(index, named, run);
    const isOf = (some: readonly string[], { fullPath }: SourceNode): boolean =>
      some.some((path) => selects(path, fullPath));
    for (const [position, path] of paths.entries()) {
      const earlier = paths.slice(0, position);
      let found = false;
      const scope = path === '/' ? undefined : path;
      for await (const page of reader.nodes(repository, scope, deps.limits.pageSize, this.#options.run)) {
        found = true;
        const nodes = page.filter((node) => !isOf(earlier, node));
        await this.#page(nodes.map((node) => this.#fileUnit(node)));
        if (deps.drain.aborted) return;
      }
      if (!found && path !== '/' && !follows(this.#context)) await this.#pathMissing(path);
    }
    if (only === undefined) return;
    for await (const page of only.paths(index, run)) {
      const found = await reader.findNodes(repository, page, run);
      const nodes = [...found.values()].filter((node) => !isOf(paths, node));
      await this.#page(nodes.map((node) => this.#fileUnit(node)));
      if (deps.drain.aborted) return;
    }
  }

  #fileUnit(node: SourceNode): BlobUnit {
    const { index, reader, repository } = this.#context;
    return {
      record: { unitKey: unitKey(index, node.fullPath), node },
      fingerprint: () => filesFingerprint([node]),
      nodes: async () => [await reader.resolve(repository, node, this.#options.run)],
    };
  }

  async #packages(): Promise<void> {
    const { deps, only, index, repository } = this.#context;
    const { run } = this.#options;
    const rules = indexRulesFor(repository.type);
    const shared = new Set(rules.ofRepository);
    for await (const chosen of selectedPackages(this.#context, run)) {
      const { key, name } = chosen.source;
      for await (const versions of chosen.versions) {
        const units = versions.map((version): BlobUnit => {
          const fullPath = version.artifactPath ?? version.manifestPath ?? '';
          return {
            record: {
              unitKey: versionKey(index, key, version.name),
              node: { fullPath, size: version.size, sha256: '' },
              artifact: { packageKey: key, packageName: name, version: version.name },
            },
            fingerprint: () => fingerprintOfVersion(this.#context, version, run),
            nodes: async () => {
              const plan = await planVersion(this.#context, { package: chosen.source, version }, run);
              const documents = await this.#resolved(await this.#documents(plan.indexes, rules));
              return [...plan.files.map(({ node }) => node), ...documents];
            },
          };
        });
        await this.#page(units);
        if (deps.drain.aborted) return;
      }
      if (only !== undefined) continue;
      await this.#page(await this.#documentUnits(rules.ofPackage(chosen.source), rules));
      for (const path of rules.sharedWith(chosen.source)) shared.add(path);
    }
    if (only === undefined) await this.#page(await this.#documentUnits([...shared], rules));
    else for await (const page of only.paths(index, run)) await this.#page(await this.#documentUnits(page, rules));
  }

  /** Documents that name versions, each with its checksum files: those that the source has, as it has them. */
  async #documentUnits(paths: readonly string[], rules: IndexRules): Promise<readonly BlobUnit[]> {
    const units: BlobUnit[] = [];
    for (const path of paths) {
      const nodes = await this.#documents([path], rules);
      const document = nodes.find(({ fullPath }) => fullPath === path);
      if (document === undefined) continue;
      const record = { unitKey: unitKey(this.#context.index, path), node: document };
      units.push({ record, fingerprint: () => filesFingerprint(nodes), nodes: () => this.#resolved(nodes) });
    }
    return units;
  }

  async #documents(paths: readonly string[], rules: IndexRules): Promise<readonly SourceNode[]> {
    const { reader, repository } = this.#context;
    const { run } = this.#options;
    if (paths.length === 0) return [];
    const wanted = paths.flatMap((path) => [path, ...rules.checksumEndings.map((ending) => path + ending)]);
    return [...(await reader.findNodes(repository, wanted, run)).values()];
  }

  /** Files made of blocks with their digest. */
  #resolved(nodes: readonly SourceNode[]): Promise<SourceNode[]> {
    const { reader, repository } = this.#context;
    return Promise.all(nodes.map((node) => reader.resolve(repository, node, this.#options.run)));
  }

  async #page(units: readonly BlobUnit[]): Promise<void> {
    const { pool, farSide, givenUp } = this.#options;
    const prior = await this.#prior(units);
    for (const unit of givenUp() === undefined ? await this.#withoutHeldBack(units, prior) : units) {
      if (this.#context.deps.drain.aborted) return;
      const known = prior.get(unit.record.unitKey);
      const sent = { bytes: 0 };
      if (known?.status === 'SUCCESS' && known.sha256 === unit.record.node.sha256)
        await this.#context.recorder.countRecorded(known, this.#options.run);
      else if (givenUp() !== undefined) await this.#record(unit, 'NOT_TRIED', 0, known, givenUp());
      else {
        try {
          await pool.start(
            (signal) => this.#work(unit, known, sent, signal),
            (error) => this.#failed(unit, error, known, sent.bytes),
            farSide,
          );
        } catch (error) {
          await this.#failed(unit, error, known, sent.bytes);
        }
      }
    }
  }

  async #work(
    unit: BlobUnit,
    known: UnitDetail | undefined,
    sent: { bytes: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { courier, deps, link, repository, target } = this.#context;
    const nodes = await unit.nodes();
    const digests = nodes.map(({ sha256 }) => sha256);
    const proofs = await goodProofs(this.#context, digests, signal);
    const made: { sha256: string; method: ProofMethod }[] = [];
    const crossed: SourceNode[] = [];
    try {
      for (const node of nodes) {
        const parcel = { repository, target, node, proof: proofs.get(node.sha256) };
        const delivery = await courier.ensure(parcel, signal);
        sent.bytes += delivery.bytesSent;
        if (delivery.pushed) crossed.push(node);
        if (delivery.proof !== undefined) made.push({ sha256: node.sha256, method: delivery.proof });
      }
    } finally {
      if (made.length > 0) await deps.journal.writeProofs(link.id, target.storageKey, made, signal);
    }
    await confirmStored(this.#context, crossed, signal);
    await this.#record(unit, crossed.length > 0 ? 'SUCCESS' : 'UNCHANGED', sent.bytes, known);
  }

  async #failed(unit: BlobUnit, cause: unknown, known: UnitDetail | undefined, bytesSent: number): Promise<void> {
    const { run, farSide, givenUp } = this.#options;
    if (run.aborted) return;
    if (farSide.aborted) {
      await this.#record(unit, 'NOT_TRIED', bytesSent, known, givenUp());
      return;
    }
    const { unitKey: key } = unit.record;
    const record = async (error: ReplicationError): Promise<void> => {
      const state = await fingerprintOfFailure(error, unit.fingerprint, run);
      await this.#record(unit, 'FAILED', bytesSent, known, error, state);
    };
    try {
      await unitFailed(this.#context, key.slice(key.indexOf(':') + 1), cause, record, run);
    } catch (error) {
      this.#context.fail(error);
    }
  }

  async #pathMissing(path: string): Promise<void> {
    const { object, localProjectId, index } = this.#context;
    const message = `${path} is not in repository ${localProjectId}/${object.localRepoName} of the source`;
    const unit = { record: { unitKey: unitKey(index, path), node: { fullPath: path, size: 0, sha256: '' } } };
    const error = new ReplicationError('unit', 'PathNotFound', message);
    const record = (): Promise<void> => this.#record(unit, 'FAILED', 0, undefined, error);
    await unitFailed(this.#context, path, error, record, this.#options.run);
  }

  async #prior(units: readonly BlobUnit[]): Promise<ReadonlyMap<string, UnitDetail>> {
    const { deps, link } = this.#context;
    if (!deps.resumed || units.length === 0) return new Map();
    const keys = units.map(({ record }) => record.unitKey);
    return await deps.journal.findDetails(link.id, keys, this.#options.run);
  }

  #withoutHeldBack(units: readonly BlobUnit[], prior: ReadonlyMap<string, UnitDetail>): Promise<readonly BlobUnit[]> {
    const kind = {
      keyOf: ({ record }: BlobUnit) => record.unitKey,
      fingerprint: ({ fingerprint }: BlobUnit) => fingerprint(),
      hold: (unit: BlobUnit, why: ReplicationError) =>
        this.#record(unit, 'FAILED', 0, prior.get(unit.record.unitKey), why),
    };
    return withoutHeldBack(this.#context, units, kind, this.#options.run);
  }

  #record(
    { record }: Pick<BlobUnit, 'record'>,
    status: UnitStatus,
    bytesSent: number,
    known: UnitDetail | undefined,
    cause?: unknown,
    fingerprint?: string,
  ): Promise<void> {
    const { recorder, object, deps } = this.#context;
    const error = cause === undefined ? undefined : classify(cause);
    return recorder.record(
      {
        ...record,
        object,
        status,
        bytesSent,
        startTime: new Date(deps.clock.now()),
        replaces: known !== undefined,
        fingerprint,
        ...(error === undefined ? {} : { reason: error.code, message: error.message }),
      },
      this.#options.run,
    );
  }
}

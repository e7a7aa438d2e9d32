/**
 * The packages of one task object at one far side: version by version, a bounded number of packages side by side.
 * Guarantees: every version selected is recorded once; latest is set after the versions of its package, index documents
 * after both; when the far side was given up, what is left is recorded as not tried. Files that belong to versions are
 * remembered as claims, whatever became of the version.
 */
import type { ReplicationError } from '../../domain/errors.ts';
import { mapperFor } from '../../domain/packages/mapper.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { settledAll } from '../../lib/settled-all.ts';
import type { ObjectContext, ObjectRunOptions } from '../context.ts';
import { fingerprintOfFailure, withoutHeldBack } from '../failure-memory.ts';
import type { UnitDetail } from '../ports/journal.ts';
import type { SourcePackage, SourceVersion } from '../ports/source.ts';
import { unitFailed } from '../unit-errors.ts';
import type { Claims } from './claims.ts';
import type { IndexWorker } from './index-worker.ts';
import { recordPackage, type SelectedPackage, selectedPackages } from './package-selection.ts';
import { PackageWriter } from './package-writer.ts';
import { type ComparedVersion, compareVersions, type PlannedVersion } from './version-compare.ts';
import { planVersion } from './version-plan.ts';
import { fingerprintOfVersion, finishVersion, type VersionUnit, versionKey, versionName } from './version-unit.ts';
import { VersionWorker } from './version-worker.ts';

export interface PackageRunOptions extends ObjectRunOptions {
  readonly claims: Claims;
  readonly indexes: IndexWorker;
}

/** Packages under way side by side. */
const PACKAGES_AT_ONCE = 8;
/** Versions planned side by side: each may hold documents and thousands of nodes meanwhile. */
const PLANS_AT_ONCE = 8;

export class PackageRun {
  readonly #context: ObjectContext;
  readonly #options: PackageRunOptions;
  readonly #plans = new Semaphore(PLANS_AT_ONCE);
  #begun = false;

  constructor(context: ObjectContext, options: PackageRunOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** At least one package was worked on. */
  get hasBegun(): boolean {
    return this.#begun;
  }

  /** Index documents that the packages share go to `shared`, where the listing of the repository does not show them. */
  async execute(shared: Set<string> | undefined): Promise<void> {
    const { run } = this.#options;
    const slots = new Semaphore(PACKAGES_AT_ONCE);
    const active = new Set<Promise<void>>();
    const failures: unknown[] = [];
    try {
      for await (const chosen of selectedPackages(this.#context, run)) {
        const release = await slots.acquire(run);
        if (this.#context.deps.drain.aborted || failures.length > 0) break;
        this.#begun = true;
        const running = this.#locked(chosen)
          .catch((error: unknown) => void failures.push(error))
          .finally(() => {
            active.delete(running);
            release();
          });
        active.add(running);
        if (shared !== undefined) for (const path of this.#options.indexes.sharedBy(chosen.source)) shared.add(path);
      }
    } finally {
      await Promise.all(active);
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Tasks that write one package take turns, or each would take the other's passing latest for the far side's own. */
  async #locked(chosen: SelectedPackage): Promise<void> {
    const { deps, link, target } = this.#context;
    const key = JSON.stringify([link.id, target.projectId, target.name, chosen.source.key]);
    const waiting = AbortSignal.any([this.#options.run, deps.drain]);
    try {
      await deps.locks.hold(key, () => this.#package(chosen), waiting);
    } catch (error) {
      if (!deps.drain.aborted || error !== deps.drain.reason) throw error;
    }
  }

  async #package(chosen: SelectedPackage): Promise<void> {
    const { source } = chosen;
    const writer = new PackageWriter(this.#context, source);
    for await (const page of chosen.versions) {
      if (this.#context.deps.drain.aborted) break;
      await this.#page(source, page, writer);
    }
    const { drain } = this.#context.deps;
    const { givenUp } = this.#options;
    // An orderly stop ends what was begun: a package that was written to gets its latest back.
    if (writer.hasWritten || (!drain.aborted && givenUp() === undefined))
      await this.#concluded(source, () => writer.finish(this.#options.farSide));
    if (drain.aborted) return;
    await this.#options.indexes.ofPackage(source, this.#options.farSide);
  }

  async #page(source: SourcePackage, page: readonly SourceVersion[], writer: PackageWriter): Promise<void> {
    const units = await this.#units(source, page);
    if (this.#options.givenUp() !== undefined) {
      for (const unit of units) await this.#notTried(unit);
      return;
    }
    const planned = await this.#plan(await this.#withoutHeldBack(units));
    const compared = await this.#compare(planned);
    await settledAll(compared.map((version) => this.#version(version, writer)));
  }

  async #units(source: SourcePackage, page: readonly SourceVersion[]): Promise<readonly VersionUnit[]> {
    const { deps, link, index, repository } = this.#context;
    const mapper = mapperFor(repository.type);
    const startTime = new Date(deps.clock.now());
    const keys = page.map(({ name }) => versionKey(index, source.key, name));
    const prior = deps.resumed
      ? await deps.journal.findDetails(link.id, keys, this.#options.run)
      : new Map<string, UnitDetail>();
    return page.map((version, at) => {
      for (const claim of mapper.claims({ package: source, version })) this.#options.claims.add(claim);
      return { package: source, version, startTime, prior: prior.get(keys[at] ?? '') };
    });
  }

  #withoutHeldBack(units: readonly VersionUnit[]): Promise<readonly VersionUnit[]> {
    const { run } = this.#options;
    const kind = {
      keyOf: (unit: VersionUnit) => versionKey(this.#context.index, unit.package.key, unit.version.name),
      fingerprint: (unit: VersionUnit) => fingerprintOfVersion(this.#context, unit.version, run),
      hold: (unit: VersionUnit, error: ReplicationError) =>
        finishVersion(this.#context, unit, { status: 'FAILED', bytesSent: 0, sha256: '', error }, run),
    };
    return withoutHeldBack(this.#context, units, kind, run);
  }

  async #plan(units: readonly VersionUnit[]): Promise<readonly PlannedVersion[]> {
    const planned = await settledAll(
      units.map(async (unit) => {
        const release = await this.#plans.acquire(this.#options.run);
        try {
          const plan = await planVersion(this.#context, unit, this.#options.run);
          for (const { node } of plan.files) this.#options.claims.add(node.fullPath);
          return { unit, plan };
        } catch (error) {
          await this.#failed(unit, error);
          return undefined;
        } finally {
          release();
        }
      }),
    );
    return planned.filter((item) => item !== undefined);
  }

  async #compare(planned: readonly PlannedVersion[]): Promise<readonly ComparedVersion[]> {
    try {
      return await compareVersions(this.#context, planned, this.#options.farSide);
    } catch (error) {
      // Not held against a version: it was asked about together with others.
      for (const { unit } of planned) await this.#failed(unit, error, undefined, false);
      return [];
    }
  }

  async #version(compared: ComparedVersion, writer: PackageWriter): Promise<void> {
    const { unit } = compared;
    const { pool, givenUp } = this.#options;
    if (this.#context.deps.drain.aborted) return;
    if (givenUp() !== undefined) {
      await this.#notTried(unit);
      return;
    }
    const means = { context: this.#context, pool, writer, givenUp };
    const worker = new VersionWorker(means, unit, this.#options.farSide);
    try {
      const fate = await worker.work(compared);
      if (fate === 'same' || fate === 'written') writer.settled(unit.version);
      if (fate === 'written') this.#options.indexes.changed(unit.package.key);
      if (fate === 'gone') return;
    } catch (error) {
      if (!worker.begun && givenUp() !== undefined) await this.#notTried(unit);
      else await this.#failed(unit, error, worker);
      return;
    }
    for (const path of compared.plan.indexes)
      await this.#options.indexes.document(path, this.#options.farSide, unit.package.key);
  }

  /** What the end of a package's work failed with is a failure of its own. */
  async #concluded(source: SourcePackage, work: () => Promise<void>): Promise<void> {
    const { run, farSide } = this.#options;
    if (farSide.aborted) return;
    try {
      await work();
    } catch (cause) {
      if (farSide.aborted && !run.aborted) return;
      const { key, name } = source;
      const record = (error: ReplicationError): Promise<void> =>
        recordPackage(this.#context, { key, name }, error, run);
      await unitFailed(this.#context, key, cause, record, run);
    }
  }

  async #failed(
    unit: VersionUnit,
    cause: unknown,
    { bytesSent, files }: Pick<VersionWorker, 'bytesSent' | 'files'> = { bytesSent: 0, files: undefined },
    held = true,
  ): Promise<void> {
    const { run, farSide } = this.#options;
    if (farSide.aborted && !run.aborted) {
      await this.#notTried(unit);
      return;
    }
    const record = async (error: ReplicationError): Promise<void> => {
      const now = (): Promise<string> => fingerprintOfVersion(this.#context, unit.version, run);
      const fingerprint = held ? await fingerprintOfFailure(error, now, run) : undefined;
      const end = { status: 'FAILED', bytesSent, sha256: '', files, error, fingerprint } as const;
      await finishVersion(this.#context, unit, end, run);
    };
    await unitFailed(this.#context, versionName(unit), cause, record, run);
  }

  /** What this record has as done from before a crash stays done. */
  async #notTried(unit: VersionUnit): Promise<void> {
    const { run, givenUp } = this.#options;
    if (unit.prior?.status === 'SUCCESS') {
      await this.#context.recorder.countRecorded(unit.prior, run);
      return;
    }
    const end = { status: 'NOT_TRIED', bytesSent: 0, sha256: '', error: givenUp() } as const;
    await finishVersion(this.#context, unit, end, run);
  }
}

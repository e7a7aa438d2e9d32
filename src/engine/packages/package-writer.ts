/**
 * Writes the versions of one package to one far side, one at a time, and its latest at the end (design §3): a create
 * replaces what is left out and makes its version the latest, so the package's own fields are read first and sent back,
 * and afterwards latest is put where it belongs. The source's latest is followed only when the far side has that version
 * as the source has it; else the far side's stays what it was: that is noted in the journal before it moves, so that a run
 * which was cut off in between cannot lose it. The fields of a package that a following task has made follow the source
 * under every strategy. Whoever uses a writer holds the package's lock.
 */
import { mergedPackage, samePackage } from '../../domain/versions.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import type { ObjectContext } from '../context.ts';
import { follows } from '../ownership.ts';
import type { SourcePackage, SourceVersion } from '../ports/source.ts';
import type { TargetPackage, VersionRequest } from '../ports/target.ts';

type Content = VersionRequest['version'];

interface Written {
  readonly answer: 'created' | 'existed';
  /** A lost answer makes the next try say "existed": from two on it may have been our own create. */
  readonly tries: number;
}

export class PackageWriter {
  readonly #context: ObjectContext;
  readonly #package: SourcePackage;
  readonly #turn = new Semaphore(1);
  /** Versions that the far side has as the source has them, with the date of their creation there. */
  readonly #same = new Map<string, Date>();
  /** The far side's package before this run wrote to it; null = none. */
  #before: TargetPackage | null | undefined;
  /** Under this name, which is no path, the journal keeps the latest to put back. */
  readonly #noteName: string;
  #noted = false;
  /** And under this one that the task has made the package. */
  readonly #madeName: string;
  #made: boolean | undefined;

  constructor(context: ObjectContext, source: SourcePackage) {
    this.#context = context;
    this.#package = source;
    this.#noteName = `latest:${source.key}`;
    this.#madeName = `package:${source.key}`;
  }

  get hasWritten(): boolean {
    return this.#before !== undefined;
  }

  async write(version: Content, overwrite: boolean, signal: AbortSignal): Promise<Written> {
    const release = await this.#turn.acquire(signal);
    try {
      if (this.#before === undefined) this.#before = await this.#first(signal);
      return await this.#send(version, this.#before ?? undefined, { overwrite }, signal);
    } finally {
      release();
    }
  }

  /** The far side has this version as the source has it. */
  settled(version: SourceVersion): void {
    this.#same.set(version.name, version.createdDate);
  }

  /** After all versions: latest, and with OVERWRITE, or where the task has made it, the package's own fields. */
  async finish(signal: AbortSignal): Promise<void> {
    if (this.#same.size === 0 && this.#before === undefined) return;
    const far = await this.#find(signal);
    if (far === undefined) return;
    const latest = await this.#latest(far, signal);
    const wanted = mergedPackage(this.#package, far, await this.#strategy(signal), (name) => this.#same.has(name));
    if (latest !== null && (latest !== far.latest || !samePackage(wanted, far))) await this.#again(latest, far, signal);
    if (this.#noted) await this.#note([], signal);
  }

  /** A version of the far side once more, as it is there, for what the package shall be. */
  async #again(name: string, far: TargetPackage, signal: AbortSignal): Promise<void> {
    const { link, target } = this.#context;
    const { key } = this.#package;
    const found = await link.call((t) => t.findVersions(target, key, [name], signal), signal);
    const version = found.get(name);
    if (version !== undefined) await this.#send(version, far, { overwrite: true, again: true }, signal);
  }

  async #latest(far: TargetPackage, signal: AbortSignal): Promise<string | null> {
    const { latest } = this.#package;
    if (latest !== null && this.#same.has(latest)) return latest;
    if (this.#before === undefined) return (await this.#readNote(signal)) ?? far.latest;
    if (this.#before !== null) return this.#before.latest;
    const newest = [...this.#same].toSorted(([a, x], [b, y]) => y.getTime() - x.getTime() || (a < b ? 1 : -1));
    return newest[0]?.[0] ?? far.latest;
  }

  /** The far side's package before this run writes, with the latest that a run which was cut off has left to put back. */
  async #first(signal: AbortSignal): Promise<TargetPackage | null> {
    const far = await this.#find(signal);
    if (far === undefined) {
      await this.#willMake(signal);
      return null;
    }
    const latest = (await this.#readNote(signal)) ?? far.latest;
    if (!this.#noted && latest !== null) await this.#note([latest], signal);
    return { ...far, latest };
  }

  async #willMake(signal: AbortSignal): Promise<void> {
    this.#made = follows(this.#context);
    if (!this.#made) return;
    const { link, target, deps } = this.#context;
    await deps.journal.writeOwnedKeys(link.id, target, [{ fullPath: this.#madeName, keys: ['made'] }], signal);
  }

  async #strategy(signal: AbortSignal): Promise<'SKIP' | 'OVERWRITE' | 'FAST_FAIL'> {
    const { link, target, deps, setting } = this.#context;
    if (!follows(this.#context)) return setting.conflictStrategy;
    this.#made ??= (await deps.journal.findOwnedKeys(link.id, target, [this.#madeName], signal)).has(this.#madeName);
    return this.#made ? 'OVERWRITE' : setting.conflictStrategy;
  }

  async #readNote(signal: AbortSignal): Promise<string | undefined> {
    const { link, target, deps } = this.#context;
    const found = await deps.journal.findOwnedKeys(link.id, target, [this.#noteName], signal);
    const latest = found.get(this.#noteName)?.[0];
    this.#noted ||= latest !== undefined;
    return latest;
  }

  async #note(keys: readonly string[], signal: AbortSignal): Promise<void> {
    const { link, target, deps } = this.#context;
    await deps.journal.writeOwnedKeys(link.id, target, [{ fullPath: this.#noteName, keys }], signal);
    this.#noted = keys.length > 0;
  }

  async #find(signal: AbortSignal): Promise<TargetPackage | undefined> {
    const { link, target } = this.#context;
    return await link.call((t) => t.findPackage(target, this.#package.key, signal), signal);
  }

  async #send(
    version: Content,
    far: TargetPackage | undefined,
    how: Pick<VersionRequest, 'overwrite' | 'again'>,
    signal: AbortSignal,
  ): Promise<Written> {
    const { link, target } = this.#context;
    const has = (name: string): boolean => name === version.name || this.#same.has(name);
    const fields = mergedPackage(this.#package, far, await this.#strategy(signal), has);
    const request = { package: { ...this.#package, ...fields }, version, ...how };
    let tries = 0;
    const answer = await link.call((t) => {
      tries += 1;
      return t.createVersion(target, request, signal);
    }, signal);
    return { answer, tries };
  }
}

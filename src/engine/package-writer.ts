/**
 * Writes the versions of one package to one far side, one at a time, and its latest at the end (design §3): a create
 * replaces what is left out and makes its version the latest, so the package's own fields are read first and sent back,
 * and afterwards latest is put where it belongs. The source's latest is followed only when the far side has that version
 * as the source has it; else the far side's stays what it was.
 */
import { mergedPackage, samePackage } from '../domain/versions.ts';
import { Semaphore } from '../lib/semaphore.ts';
import type { ObjectContext } from './context.ts';
import type { SourcePackage, SourceVersion, TargetPackage, VersionRequest } from './ports.ts';

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
  /** Versions that the far side has as the source has them. */
  readonly #same = new Map<string, Pick<SourceVersion, 'createdBy' | 'createdDate'>>();
  /** The far side's package before this run wrote to it; null = none. */
  #before: TargetPackage | null | undefined;

  constructor(context: ObjectContext, source: SourcePackage) {
    this.#context = context;
    this.#package = source;
  }

  get hasWritten(): boolean {
    return this.#before !== undefined;
  }

  async write(version: Content, overwrite: boolean, signal: AbortSignal): Promise<Written> {
    const release = await this.#turn.acquire(signal);
    try {
      if (this.#before === undefined) this.#before = (await this.#find(signal)) ?? null;
      return await this.#send(version, this.#before ?? undefined, overwrite, signal);
    } finally {
      release();
    }
  }

  /** The far side has this version as the source has it. */
  settled(version: SourceVersion): void {
    const { createdBy, createdDate } = version;
    this.#same.set(version.name, { createdBy, createdDate });
  }

  /** After all versions: latest, and with OVERWRITE the package's own fields. */
  async finish(signal: AbortSignal): Promise<void> {
    if (this.#same.size === 0 && this.#before === undefined) return;
    const { link, target, setting } = this.#context;
    const far = await this.#find(signal);
    if (far === undefined) return;
    const latest = this.#latest(far);
    const wanted = mergedPackage(this.#package, far, setting.conflictStrategy, (name) => this.#same.has(name));
    if (latest === null || (latest === far.latest && samePackage(wanted, far))) return;
    const { key } = this.#package;
    const found = await link.call((t) => t.findVersions(target, key, [latest], signal), signal);
    const version = found.get(latest);
    if (version === undefined) return;
    const createdBy = this.#same.get(latest)?.createdBy ?? 'system';
    await this.#send({ ...version, createdBy }, far, true, signal);
  }

  #latest(far: TargetPackage): string | null {
    const { latest } = this.#package;
    if (latest !== null && this.#same.has(latest)) return latest;
    if (this.#before === undefined) return far.latest;
    if (this.#before !== null) return this.#before.latest;
    const newest = [...this.#same].toSorted(
      ([a, { createdDate: x }], [b, { createdDate: y }]) => y.getTime() - x.getTime() || (a < b ? 1 : -1),
    );
    return newest[0]?.[0] ?? far.latest;
  }

  async #find(signal: AbortSignal): Promise<TargetPackage | undefined> {
    const { link, target } = this.#context;
    return await link.call((t) => t.findPackage(target, this.#package.key, signal), signal);
  }

  async #send(
    version: Content,
    far: TargetPackage | undefined,
    overwrite: boolean,
    signal: AbortSignal,
  ): Promise<Written> {
    const { link, target, setting } = this.#context;
    const has = (name: string): boolean => name === version.name || this.#same.has(name);
    const fields = mergedPackage(this.#package, far, setting.conflictStrategy, has);
    const request = { package: { ...this.#package, ...fields }, version, overwrite };
    let tries = 0;
    const answer = await link.call((t) => {
      tries += 1;
      return t.createVersion(target, request, signal);
    }, signal);
    return { answer, tries };
  }
}

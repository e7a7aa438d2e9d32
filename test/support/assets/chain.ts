import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheName, publish, verify } from './cache.ts';
import { type LockOptions, withLock } from './lock.ts';
import { type Found, type Part, reasonOf, type Say, type Supplier, WayFailed } from './way.ts';

/*
 * How a real part for tests and the demo is had: 1 what the user has, 2 the project's cache, 3 the official download,
 * 4 the package registries. One line says which way was taken; a part that cannot be had is an error that names all four
 * and why each failed. Safe to run again and from several processes at once.
 */

/** No way led to the part. */
export class PartUnavailable extends Error {
  readonly code = 'PART_UNAVAILABLE';
  readonly part: string;
  readonly reasons: readonly string[];

  constructor(part: string, reasons: readonly string[]) {
    super(`${part} cannot be had; every way was tried:\n${reasons.map((reason) => `  ${reason}`).join('\n')}`);
    this.part = part;
    this.reasons = reasons;
  }
}

/** @throws {PartUnavailable} */
export async function obtain<Paths>(
  part: Part<Paths>,
  root: string,
  say: Say,
  lock: LockOptions = {},
): Promise<Found<Paths>> {
  const reasons: string[] = [];
  const saying: Say = (line) => say(`${part.name}: ${line}`);
  try {
    const found = await part.fromUser(saying);
    saying(`${found.version} from what is installed (${found.where})`);
    return found;
  } catch (error) {
    reasons.push(`1 what the user has: ${reasonOf(error)}`);
  }
  const directory = join(root, cacheName(part.name, part.recipe));
  try {
    return await fromCache(part, directory, saying);
  } catch (error) {
    reasonOf(error);
  }
  await mkdir(root, { recursive: true });
  return withLock(`${directory}.lock`, saying, () => obtainLocked(part, directory, saying, reasons), lock);
}

async function obtainLocked<Paths>(
  part: Part<Paths>,
  directory: string,
  say: Say,
  reasons: string[],
): Promise<Found<Paths>> {
  try {
    return await fromCache(part, directory, say);
  } catch (error) {
    const reason = reasonOf(error);
    if (reason.includes('damaged')) say(`${reason}; it is made anew`);
    reasons.push(`2 the project's cache: ${reason}`);
  }
  for (const [index, supplier] of part.suppliers.entries()) {
    try {
      return await fromSupplier(part, supplier, directory, say);
    } catch (error) {
      reasons.push(`${index + 3} ${supplier.name}: ${reasonOf(error)}`);
    }
  }
  throw new PartUnavailable(part.name, reasons);
}

async function fromCache<Paths>(part: Part<Paths>, directory: string, say: Say): Promise<Found<Paths>> {
  const manifest = await verify(directory);
  say(`${manifest.version} from the project's cache (${directory})`);
  return { paths: part.pathsIn(directory), version: manifest.version, where: directory };
}

async function fromSupplier<Paths>(
  part: Part<Paths>,
  supplier: Supplier,
  directory: string,
  say: Say,
): Promise<Found<Paths>> {
  const started = performance.now();
  say(`trying ${supplier.name}`);
  const manifest = await publish(directory, async (draft) => {
    const { version } = await supplier.supply(draft, say);
    return { part: part.name, version, how: supplier.name };
  });
  const seconds = Math.round((performance.now() - started) / 1000);
  say(`${manifest.version} from ${supplier.name}, now in the cache (${directory}), in ${seconds} s`);
  return { paths: part.pathsIn(directory), version: manifest.version, where: directory };
}

/** Runs what may fail for reasons of its own kind and turns any failure into a reason to try the next way. */
export async function orWayFailed<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WayFailed) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : '';
    throw new WayFailed(`${what}: ${message}${cause}`, { cause: error });
  }
}

/** Removes a working directory inside a draft, so that it does not become part of what is cached. */
export async function discard(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

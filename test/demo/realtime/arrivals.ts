/**
 * How long after a write's answer a far side has it for good, told from the far side's database and store alone: nodes
 * and versions as a majority of the replica set has them, bytes as they lie in the store. Looked at every few
 * milliseconds, so a lag is rather told too long. Writes that wait at the same time must not undo each other.
 */
import { access, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Document } from 'mongodb';
import { blobPath, shardOf } from '../../support/bkrepo/layout.ts';
import type { Side } from '../verdict.ts';
import type { Arrived } from './lag.ts';

/** By what a far side shows that it has a write. */
export type Sign = FileSign | VersionSign;

export interface FileSign {
  /** As the repository is called at the source. */
  readonly repository: string;
  readonly path: string;
  readonly there: boolean;
  /** Default: any. */
  readonly sha256?: string;
  readonly metadata?: { readonly key: string; readonly value: unknown };
  /** A text that has to be in its content, or must not be. */
  readonly text?: { readonly is: boolean; readonly value: string };
}

export interface VersionSign {
  readonly repository: string;
  readonly packageKey: string;
  readonly version: string;
  readonly there: boolean;
}

export interface Write {
  /** What was done, in words. */
  readonly what: string;
  /** All of them together. */
  readonly signs: readonly Sign[];
}

interface Waiting extends Write {
  readonly answeredAt: number;
}

interface Watched {
  readonly side: Side;
  waiting: readonly Waiting[];
  arrived: readonly Arrived[];
}

interface Seen {
  readonly nodes: ReadonlyMap<string, Document>;
  readonly versions: ReadonlySet<string>;
}

const LOOK_MS = 20;
const MAJORITY = { readConcern: { level: 'majority' } } as const;

export class Arrivals {
  readonly #watched: readonly Watched[];
  readonly #remoteNames: ReadonlyMap<string, string>;
  #begun = performance.now();
  readonly #end = new AbortController();
  readonly #watching: Promise<unknown>;
  #failure: Error | undefined;

  /** `remoteNames`: what each repository of the source is called at the far sides. */
  constructor(farSides: readonly Side[], remoteNames: ReadonlyMap<string, string>) {
    this.#remoteNames = remoteNames;
    this.#watched = farSides.map((side) => ({ side, waiting: [], arrived: [] }));
    this.#watching = Promise.all(this.#watched.map((watched) => this.#watch(watched))).catch((error: unknown) => {
      this.#failure = new Error('the far sides cannot be looked at', { cause: error });
    });
  }

  /** To be called as soon as the write was answered. @throws what looking failed with */
  expect(write: Write): void {
    if (this.#failure !== undefined) throw this.#failure;
    const waiting = { ...write, answeredAt: performance.now() };
    for (const watched of this.#watched) watched.waiting = [...watched.waiting, waiting];
  }

  /** Whether some far side does not show yet what was last done to this path. */
  isAwaited(path: string): boolean {
    const about = (sign: Sign): boolean => 'path' in sign && sign.path === path;
    return this.#watched.some(({ waiting }) => waiting.some(({ signs }) => signs.some(about)));
  }

  /** Forgets what has arrived before now. */
  begin(): void {
    this.#begun = performance.now();
    for (const watched of this.#watched) watched.arrived = [];
  }

  /** By the far side's name. */
  get arrived(): ReadonlyMap<string, readonly Arrived[]> {
    return new Map(this.#watched.map(({ side, arrived }) => [side.name, arrived]));
  }

  /** By the far side's name. */
  get waiting(): ReadonlyMap<string, readonly Write[]> {
    return new Map(this.#watched.map(({ side, waiting }) => [side.name, waiting]));
  }

  /** Waits until nothing is awaited any more, or so many milliseconds. @throws what looking failed with */
  async settled(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#watched.some(({ waiting }) => waiting.length > 0) && performance.now() < deadline) {
      if (this.#failure !== undefined) break;
      await delay(LOOK_MS);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#watching;
  }

  async #watch(watched: Watched): Promise<void> {
    while (!this.#end.signal.aborted) {
      if (watched.waiting.length > 0) await this.#look(watched);
      await delay(LOOK_MS);
    }
  }

  async #look(watched: Watched): Promise<void> {
    const { side, waiting } = watched;
    const seen = await this.#seen(
      side,
      waiting.flatMap(({ signs }) => signs),
    );
    const done = new Set<Waiting>();
    for (const write of waiting) {
      const shown = await Promise.all(write.signs.map((sign) => this.#shows(side, seen, sign)));
      if (shown.includes(false)) continue;
      const now = performance.now();
      watched.arrived = [
        ...watched.arrived,
        { what: write.what, at: now - this.#begun, lagMs: now - write.answeredAt },
      ];
      done.add(write);
    }
    watched.waiting = watched.waiting.filter((write) => !done.has(write));
  }

  async #seen(side: Side, signs: readonly Sign[]): Promise<Seen> {
    const repoNames = [...new Set(signs.map(({ repository }) => this.#remoteName(repository)))];
    const [nodes, versions] = await Promise.all([nodesAt(side, repoNames, signs), versionsAt(side, repoNames, signs)]);
    return { nodes, versions };
  }

  async #shows({ storeDir }: Side, { nodes, versions }: Seen, sign: Sign): Promise<boolean> {
    const repoName = this.#remoteName(sign.repository);
    if ('packageKey' in sign) return versions.has(idOf(repoName, sign.packageKey, sign.version)) === sign.there;
    const node = nodes.get(idOf(repoName, sign.path));
    if (node === undefined || !sign.there) return (node !== undefined) === sign.there;
    const { sha256, metadata, text } = sign;
    if (sha256 !== undefined && node['sha256'] !== sha256) return false;
    if (metadata !== undefined && !has(node, metadata)) return false;
    const blob = blobPath(storeDir, String(node['sha256']));
    if (text === undefined) return await isThere(blob);
    return (await contentOf(blob))?.includes(text.value) === text.is;
  }

  #remoteName(repository: string): string {
    return this.#remoteNames.get(repository) ?? repository;
  }
}

async function nodesAt(
  { db, projectId }: Side,
  repoNames: readonly string[],
  signs: readonly Sign[],
): Promise<Seen['nodes']> {
  const paths = signs.flatMap((sign) => ('path' in sign ? [sign.path] : []));
  const filter = { projectId, repoName: { $in: repoNames }, fullPath: { $in: paths }, deleted: null, folder: false };
  const nodes = await db
    .collection(`node_${shardOf(projectId)}`)
    .find(filter, MAJORITY)
    .toArray();
  return new Map(nodes.map((node) => [idOf(node['repoName'], node['fullPath']), node]));
}

async function versionsAt(
  { db, projectId }: Side,
  repoNames: readonly string[],
  signs: readonly Sign[],
): Promise<Seen['versions']> {
  const keys = signs.flatMap((sign) => ('packageKey' in sign ? [sign.packageKey] : []));
  if (keys.length === 0) return new Set();
  const filter = { projectId, repoName: { $in: repoNames }, key: { $in: keys } };
  const packages = await db.collection('package').find(filter, MAJORITY).toArray();
  const byId = new Map(packages.map((one) => [one._id.toHexString(), one]));
  const ofThese = { packageId: { $in: [...byId.keys()] } };
  const versions = await db.collection('package_version').find(ofThese, MAJORITY).toArray();
  return new Set(
    versions.map(({ packageId, name }) => {
      const of = byId.get(String(packageId));
      return idOf(of?.['repoName'], of?.['key'], name);
    }),
  );
}

function idOf(...parts: readonly unknown[]): string {
  return parts.join('\n');
}

function has(node: Document, { key, value }: NonNullable<FileSign['metadata']>): boolean {
  const entries = (node['metadata'] ?? []) as readonly Document[];
  return entries.some((entry) => entry['key'] === key && entry['value'] === value);
}

async function isThere(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

/** undefined = it is not there, perhaps not any more. */
async function contentOf(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(() => undefined);
}

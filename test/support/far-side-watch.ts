/**
 * Readers at the far sides while others write: again and again they take every live node and look whether its bytes are
 * there, whole and right, and whether the source ever had these bytes under this path. What they find wrong stays found.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Collection, Db } from 'mongodb';
import { blobPath } from './bkrepo/layout.ts';

export interface WatchedSide {
  readonly name: string;
  readonly db: Db;
  readonly storeDir: string;
}

const PAUSE_MS = 100;
const FOUND_LIMIT = 20;

export class FarSideWatch {
  readonly #collection: string;
  readonly #projectId: string;
  readonly #sourceNodes: Collection;
  readonly #seen = new Set<string>();
  readonly #problems: string[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  looks = 0;

  constructor(sides: readonly WatchedSide[], collection: string, projectId: string, sourceNodes: Collection) {
    this.#collection = collection;
    this.#projectId = projectId;
    this.#sourceNodes = sourceNodes;
    this.#running = this.#watch(sides);
    this.#running.catch(() => undefined);
  }

  /** How many different nodes were looked at. */
  get nodes(): number {
    return this.#seen.size;
  }

  /** Ends the watch; in words, what was wrong at any time. */
  async stop(): Promise<readonly string[]> {
    this.#stop.abort();
    await this.#running;
    return this.#problems;
  }

  async #watch(sides: readonly WatchedSide[]): Promise<void> {
    while (!this.#stop.signal.aborted && this.#problems.length < FOUND_LIMIT) {
      for (const side of sides) await this.#look(side);
      this.looks += 1;
      await delay(PAUSE_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #look({ name, db, storeDir }: WatchedSide): Promise<void> {
    const nodes = await db
      .collection(this.#collection)
      .find({ projectId: this.#projectId, folder: false, deleted: null })
      .project({ fullPath: 1, sha256: 1, size: 1 })
      .toArray();
    for (const node of nodes) {
      const key = `${name} ${String(node['_id'])} ${node['sha256']}`;
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      const wrong = await this.#wrongWith(storeDir, String(node['fullPath']), String(node['sha256']), node['size']);
      if (wrong !== undefined) this.#problems.push(`${name}: ${node['fullPath']}: ${wrong}`);
    }
  }

  async #wrongWith(storeDir: string, fullPath: string, sha256: string, size: unknown): Promise<string | undefined> {
    const file = blobPath(storeDir, sha256);
    const bytes = await stat(file).catch(() => undefined);
    if (bytes === undefined) return 'visible without bytes';
    if (bytes.size !== Number(size)) return `visible with ${bytes.size} of ${String(size)} bytes`;
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    if (hash.digest('hex') !== sha256) return 'visible with wrong bytes';
    // The mongod of the source may be down at the moment, by intention: then the bytes themselves are the proof.
    const known = await this.#sourceNodes.countDocuments({ fullPath, sha256 }, { limit: 1 }).catch(() => 1);
    return known === 0 ? `visible with a digest that the source never had: ${sha256}` : undefined;
  }
}

/**
 * A witness at one far side's database that misses nothing: it follows the change stream, so it sees every state that a
 * reader could have seen, in its order. At the moment a version appears its files have to be there, and the bytes of every
 * file; at the moment an index document appears, what it names.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { ChangeStream, ChangeStreamDocument, Collection, Db, Document } from 'mongodb';
import { blobPath } from '../bkrepo/layout.ts';
import { eventually } from '../wait.ts';
import { isRewritten, isShared, namedIn } from './documents.ts';
import type { Expectations } from './expectations.ts';

export interface WatchedFarSide {
  readonly name: string;
  readonly db: Db;
  readonly storeDir: string;
}

interface LiveNode {
  readonly id: string;
  readonly sha256: string;
}

interface VersionAt {
  readonly repoName: string;
  readonly packageKey: string;
}

const MARKER = 'witness_marker';
const FOUND_LIMIT = 20;

export class WholeWatch {
  readonly #side: WatchedFarSide;
  readonly #expectations: Expectations;
  readonly #sourceNodes: Collection;
  readonly #types: ReadonlyMap<string, string>;
  readonly #stream: ChangeStream;
  readonly #live = new Map<string, LiveNode>();
  readonly #pathOf = new Map<string, string>();
  readonly #packages = new Map<string, VersionAt>();
  readonly #visible = new Map<string, string>();
  readonly #everLive = new Set<string>();
  readonly #good = new Set<string>();
  readonly #problems: string[] = [];
  readonly #seeds = new Set<string>();
  #markers = 0;
  #running: Promise<void> | undefined;
  #failure: Error | undefined;
  #seeding = true;
  versions = 0;

  /** `types`: of each repository by its name. */
  constructor(
    side: WatchedFarSide,
    expectations: Expectations,
    sourceNodes: Collection,
    types: ReadonlyMap<string, string>,
  ) {
    this.#side = side;
    this.#expectations = expectations;
    this.#sourceNodes = sourceNodes;
    this.#types = types;
    this.#stream = side.db.watch([], { maxAwaitTimeMS: 200 });
  }

  /** From here on everything is seen. Until {@link seeded} it is the far side's own. */
  async start(): Promise<void> {
    await this.#stream.tryNext();
    this.#running = this.#follow().catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
  }

  async seeded(): Promise<void> {
    await this.caughtUp();
    this.#seeding = false;
  }

  get seeds(): ReadonlySet<string> {
    return this.#seeds;
  }

  /** Waits until all that was written so far has been looked at; what was wrong at any time, in words. */
  async caughtUp(): Promise<readonly string[]> {
    const wanted = this.#markers + 1;
    await this.#side.db.collection(MARKER).insertOne({ at: new Date() });
    await eventually(() => this.#failure !== undefined || this.#markers >= wanted, { timeoutMs: 20_000 });
    if (this.#failure !== undefined) throw this.#failure;
    return this.#problems;
  }

  /** Files that were there once and are not any more. */
  get gone(): readonly string[] {
    return [...this.#everLive].filter((place) => !this.#live.has(place));
  }

  async stop(): Promise<void> {
    await this.#stream.close();
    await this.#running;
  }

  async #follow(): Promise<void> {
    while (!this.#stream.closed) {
      const change = await this.#stream.tryNext().catch((error: unknown) => {
        if (this.#stream.closed) return null;
        throw error;
      });
      if (change !== null) await this.#take(change);
    }
  }

  async #take(change: ChangeStreamDocument): Promise<void> {
    if (!('ns' in change) || !('coll' in change.ns)) return;
    const { coll } = change.ns;
    if (coll === MARKER) this.#markers += 1;
    else if (/^node_\d+$/.test(coll)) await this.#node(change);
    else if (coll === 'package' && 'fullDocument' in change && change.fullDocument !== undefined) {
      const { _id, repoName, key } = change.fullDocument as Document;
      this.#packages.set(String(_id), { repoName: String(repoName), packageKey: String(key) });
    } else if (coll === 'package_version') await this.#version(change);
  }

  async #node(change: ChangeStreamDocument): Promise<void> {
    if (change.operationType === 'insert' || change.operationType === 'replace') {
      const node = change.fullDocument as Document;
      const id = String(node['_id']);
      if (node['folder'] === true || node['deleted'] instanceof Date) return;
      const place = `${node['repoName']} ${node['fullPath']}`;
      this.#live.set(place, { id, sha256: String(node['sha256']) });
      this.#pathOf.set(id, place);
      this.#everLive.add(place);
      if (this.#seeding) this.#seeds.add(place);
      else await this.#judgeNode(place, node);
      return;
    }
    if (change.operationType !== 'update' && change.operationType !== 'delete') return;
    const id = String(change.documentKey._id);
    const fields = change.operationType === 'update' ? change.updateDescription.updatedFields : { deleted: new Date() };
    const place = this.#pathOf.get(id) ?? '';
    if (change.operationType === 'delete') this.#problem(`a node of ${place} was erased`);
    if (fields?.['deleted'] instanceof Date && this.#live.get(place)?.id === id) this.#live.delete(place);
  }

  async #judgeNode(place: string, node: Document): Promise<void> {
    const [repoName, fullPath, sha256] = [String(node['repoName']), String(node['fullPath']), String(node['sha256'])];
    const type = this.#types.get(repoName) ?? '';
    const wrong = await this.#wrongBytes(sha256, Number(node['size']));
    if (wrong !== undefined) this.#problem(`${place}: visible ${wrong}`);
    else if (isShared(type, fullPath)) await this.#judgeDocument(type, repoName, fullPath, sha256);
    else if (!isRewritten(type, fullPath)) {
      const known = await this.#sourceNodes.countDocuments({ repoName, fullPath, sha256 }, { limit: 1 });
      if (known === 0) this.#problem(`${place}: visible with a digest that the source never had: ${sha256}`);
    }
  }

  async #judgeDocument(type: string, repoName: string, fullPath: string, sha256: string): Promise<void> {
    const bytes = await readFile(blobPath(this.#side.storeDir, sha256));
    for (const { packageKey, versions } of namedIn(type, fullPath, bytes)) {
      for (const version of versions) {
        if (this.#visible.has(`${repoName} ${packageKey}@${version}`)) continue;
        const [main = ''] = this.#expectations.find(repoName, packageKey, version)?.paths ?? [];
        if (!this.#live.has(`${repoName} ${main}`))
          this.#problem(`${repoName} ${fullPath}: names ${packageKey}@${version}, which is not there`);
      }
    }
  }

  async #version(change: ChangeStreamDocument): Promise<void> {
    if (change.operationType === 'delete') {
      const erased = this.#visible.get(String(change.documentKey._id)) ?? String(change.documentKey._id);
      this.#problem(`version ${erased} was erased`);
    }
    if (change.operationType !== 'insert') return;
    const document = change.fullDocument as Document;
    const at = this.#packages.get(String(document['packageId']));
    if (at === undefined) {
      this.#problem(`version ${document['name']} of no package`);
      return;
    }
    const name = `${at.repoName} ${at.packageKey}@${document['name']}`;
    this.#visible.set(name, String(document['_id']));
    if (this.#seeding) return;
    this.versions += 1;
    for (const path of this.#pathsOf(at, document)) {
      const node = this.#live.get(`${at.repoName} ${path}`);
      if (node === undefined) this.#problem(`version ${name} became visible before ${path}`);
      else if ((await this.#wrongBytes(node.sha256, undefined)) !== undefined)
        this.#problem(`version ${name} became visible with wrong bytes at ${path}`);
    }
  }

  #pathsOf({ repoName, packageKey }: VersionAt, document: Document): readonly string[] {
    const expected = this.#expectations.find(repoName, packageKey, String(document['name']));
    if (expected?.moving === false) return expected.paths;
    const recorded: unknown[] = [document['manifestPath'], document['artifactPath']];
    return recorded.flatMap((path) => (typeof path === 'string' ? [path.replace(/^\/direct-dists\//, '/')] : []));
  }

  async #wrongBytes(sha256: string, size: number | undefined): Promise<string | undefined> {
    if (this.#good.has(sha256)) return undefined;
    const bytes = await readFile(blobPath(this.#side.storeDir, sha256)).catch(() => undefined);
    if (bytes === undefined) return 'without bytes';
    if (size !== undefined && bytes.length !== size) return `with ${bytes.length} of ${size} bytes`;
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) return 'with wrong bytes';
    this.#good.add(sha256);
    return undefined;
  }

  #problem(text: string): void {
    if (this.#problems.length < FOUND_LIMIT) this.#problems.push(`${this.#side.name}: ${text}`);
  }
}

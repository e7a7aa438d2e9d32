/**
 * What events of the change stream say, in the engine's words. Guarantees: of a document that cannot be looked at any more
 * its `_id` is told. Memory: the packages of the versions that changed last.
 */
import { ObjectId } from 'mongodb';
import type { Change, FeedBatch } from '../../engine/ports/feed.ts';
import type { SourceDatabase } from '../database/database.ts';
import { PACKAGE_COLLECTION } from '../schema/collections.ts';
import type { PackageDoc } from '../schema/documents.ts';
import { documentKind, type EventDocument, type StreamEvent } from './change-stream-events.ts';
import { positionLost } from './feed-errors.ts';

/** Packages whose names are remembered. */
const PACKAGES = 10_000;

interface PackageName {
  readonly projectId: string;
  readonly repoName: string;
  readonly packageKey: string;
}

export class ChangeStreamChanges {
  readonly #database: SourceDatabase;
  /** By hex `_id`, the one longest not asked for first. */
  readonly #packages = new Map<string, PackageName>();

  constructor(database: SourceDatabase) {
    this.#database = database;
  }

  /** Fails as the driver does, and with `FeedPositionLost` for events that concern whole collections. */
  async of(events: readonly StreamEvent[], signal: AbortSignal): Promise<Omit<FeedBatch, 'position'>> {
    const packages = await this.#packagesOf(events, signal);
    const changes: FeedBatch['changes'][number][] = [];
    let unknown = 0;
    for (const event of events) {
      const found = changesOf(event, packages);
      if (found === undefined) unknown += 1;
      else for (const change of found) changes.push({ change, at: timeOf(event) });
    }
    return { changes, unknown };
  }

  /** The packages of the versions among `events`, as far as they are still there. */
  async #packagesOf(events: readonly StreamEvent[], signal: AbortSignal): Promise<ReadonlyMap<string, PackageName>> {
    const known = new Map<string, PackageName>();
    const asked = new Set<string>();
    for (const { ns, fullDocument } of events) {
      const id = fullDocument?.packageId;
      if (documentKind(ns?.coll ?? '') !== 'version' || typeof id !== 'string' || !ObjectId.isValid(id)) continue;
      const name = this.#packages.get(id);
      if (name === undefined) asked.add(id);
      else known.set(id, name);
    }
    for (const [id, name] of [...known, ...(await this.#ask([...asked], signal))]) {
      known.set(id, name);
      this.#remember(id, name);
    }
    return known;
  }

  async #ask(ids: readonly string[], signal: AbortSignal): Promise<readonly (readonly [string, PackageName])[]> {
    if (ids.length === 0) return [];
    const docs = await this.#database
      .collection<PackageDoc>(PACKAGE_COLLECTION)
      .find({ _id: { $in: ids.map((id) => new ObjectId(id)) } }, { signal, maxTimeMS: this.#database.maxTimeMs })
      .project<Pick<PackageDoc, '_id' | 'projectId' | 'repoName' | 'key'>>({ projectId: 1, repoName: 1, key: 1 })
      .toArray();
    return docs.map(({ _id, projectId, repoName, key }) => [
      _id.toHexString(),
      { projectId, repoName, packageKey: key },
    ]);
  }

  #remember(id: string, name: PackageName): void {
    this.#packages.delete(id);
    this.#packages.set(id, name);
    for (const oldest of this.#packages.keys()) {
      if (this.#packages.size <= PACKAGES) return;
      this.#packages.delete(oldest);
    }
  }
}

/** Absent = not understood. */
function changesOf(event: StreamEvent, packages: ReadonlyMap<string, PackageName>): readonly Change[] | undefined {
  const { operationType, ns, documentKey, fullDocument: doc } = event;
  const gone = (): readonly Change[] | undefined =>
    documentKey === undefined ? undefined : [{ kind: 'document', id: String(documentKey._id) }];
  switch (operationType) {
    case 'drop':
    case 'rename':
    case 'dropDatabase':
    case 'invalidate':
      throw positionLost(`${ns?.coll ?? 'the whole database'} was dropped or renamed at the source`);
    case 'delete':
      return gone();
    default:
      if (doc === null || doc === undefined) return gone();
      return documentChanges(event, doc, packages, gone);
  }
}

function documentChanges(
  { operationType, ns, moved }: StreamEvent,
  doc: EventDocument,
  packages: ReadonlyMap<string, PackageName>,
  gone: () => readonly Change[] | undefined,
): readonly Change[] | undefined {
  switch (documentKind(ns?.coll ?? '')) {
    case 'node': {
      const node = nodeChange(doc, doc.fullPath, doc.folder === true);
      // Where it was before is not told: a document that was replaced may have been anywhere, too.
      const before = moved === true || operationType === 'replace' ? (gone() ?? []) : [];
      return node && [node, ...before];
    }
    case 'block': {
      const node = nodeChange(doc, doc.nodeFullPath, false);
      return node && [node];
    }
    case 'package':
      return packageChanges(doc);
    case 'version':
      return versionChanges(doc, packages, gone);
    case 'repository': {
      const { projectId, name } = doc;
      return isText(projectId) && isText(name) ? [{ kind: 'repository', projectId, repoName: name }] : undefined;
    }
    case 'other':
      return undefined;
  }
}

function nodeChange({ projectId, repoName }: EventDocument, fullPath: unknown, below: boolean): Change | undefined {
  if (!isText(projectId) || !isText(repoName) || !isText(fullPath)) return undefined;
  return { kind: 'node', projectId, repoName, fullPath, below };
}

/**
 * bk-repo writes the package with each of its versions, which tell themselves; what else there is to a package travels with
 * any version, so its latest is enough.
 */
function packageChanges({ projectId, repoName, key, latest }: EventDocument): readonly Change[] | undefined {
  if (!isText(projectId) || !isText(repoName) || !isText(key)) return undefined;
  const version = isText(latest) ? { version: latest } : {};
  return [{ kind: 'package', projectId, repoName, packageKey: key, ...version }];
}

function versionChanges(
  { packageId, name: version }: EventDocument,
  packages: ReadonlyMap<string, PackageName>,
  gone: () => readonly Change[] | undefined,
): readonly Change[] | undefined {
  if (!isText(packageId) || !isText(version)) return undefined;
  const name = packages.get(packageId);
  return name === undefined ? gone() : [{ kind: 'package', ...name, version }];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Before MongoDB 6.0 only seconds are known: the change looks older than it is, never younger. */
function timeOf({ wallTime, clusterTime }: StreamEvent): Date {
  return wallTime ?? new Date((clusterTime?.t ?? 0) * 1_000);
}

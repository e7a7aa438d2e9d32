/**
 * What events of the change stream say, in the engine's words. Guarantees: of a document that cannot be looked at any more
 * its `_id` is told.
 */
import type { Change, FeedBatch } from '../../engine/ports/feed.ts';
import type { SourceDatabase } from '../database/database.ts';
import { documentsOf, type PackageName, PackageNames } from './change-stream-documents.ts';
import { documentKind, type EventDocument, type StreamEvent } from './change-stream-events.ts';
import { positionLost } from './feed-errors.ts';

/** Absent = not understood. */
type Told = readonly Change[] | undefined;

export class ChangeStreamChanges {
  readonly #database: SourceDatabase;
  readonly #packages: PackageNames;

  constructor(database: SourceDatabase) {
    this.#database = database;
    this.#packages = new PackageNames(database);
  }

  /** Fails as the driver does, and with `FeedPositionLost` for events that concern whole collections. */
  async of(events: readonly StreamEvent[], signal: AbortSignal): Promise<Omit<FeedBatch, 'position'>> {
    const documentOf = await documentsOf(this.#database, events, signal);
    const documents = events.map((event) => [event, documentOf(event)] as const);
    const packages = await this.#packages.of(documents, signal);
    const changes: FeedBatch['changes'][number][] = [];
    let unknown = 0;
    for (const [event, document] of documents) {
      const told = changesOf(event, document, packages);
      if (told === undefined) unknown += 1;
      else for (const change of told) changes.push({ change, at: timeOf(event) });
    }
    return { changes, unknown };
  }
}

function changesOf(
  event: StreamEvent,
  document: EventDocument | undefined,
  packages: ReadonlyMap<string, PackageName>,
): Told {
  switch (event.operationType) {
    case 'drop':
    case 'rename':
    case 'dropDatabase':
    case 'invalidate':
      return wholeChange(event);
    case 'insert':
    case 'update':
    case 'replace':
      return document === undefined ? gone(event) : documentChanges(event, document, packages);
    case 'delete':
      return gone(event);
    default:
      return undefined;
  }
}

/** Nobody can tell what was in a collection that is not there any more. */
function wholeChange({ ns, to }: StreamEvent): Told {
  const names = [ns?.coll, to?.coll].filter((name) => name !== undefined);
  if (names.length > 0 && names.every((name) => documentKind(name) === 'other')) return [];
  throw positionLost(`${names.join(' and ') || 'the whole database'} was dropped or renamed at the source`);
}

/** Blocks are cleared away long after their file. */
function gone({ ns, documentKey }: StreamEvent): Told {
  if (documentKind(ns?.coll) === 'block') return [];
  return documentKey === undefined ? undefined : [{ kind: 'document', id: String(documentKey._id) }];
}

function documentChanges(
  event: StreamEvent,
  document: EventDocument,
  packages: ReadonlyMap<string, PackageName>,
): Told {
  switch (documentKind(event.ns?.coll)) {
    case 'node':
      return nodeChanges(event, document);
    case 'block': {
      // Blocks of an upload that has not ended belong to no file.
      if (isText(document.uploadId)) return [];
      const node = nodeChange(document, document.nodeFullPath, false);
      return node && [node];
    }
    case 'package':
      return packageChanges(document);
    case 'version':
      return versionChanges(event, document, packages);
    case 'repository': {
      const { projectId, name } = document;
      return isText(projectId) && isText(name) ? [{ kind: 'repository', projectId, repoName: name }] : undefined;
    }
    case 'other':
      return undefined;
  }
}

function nodeChanges(event: StreamEvent, document: EventDocument): Told {
  const isFolder = document.folder === true;
  const node = nodeChange(document, document.fullPath, isFolder);
  if (node === undefined) return undefined;
  // Where it was before is not told; a document that was replaced may have been anywhere, too.
  const before = event.moved === true || event.operationType === 'replace' ? (gone(event) ?? []) : [];
  // bk-repo makes folders for their files, and writes their size into them; what is in them tells itself.
  if (isFolder && event.moved !== true && (document.deleted ?? null) === null) return [];
  return [node, ...before];
}

function nodeChange({ projectId, repoName }: EventDocument, fullPath: unknown, below: boolean): Change | undefined {
  if (!isText(projectId) || !isText(repoName) || !isText(fullPath)) return undefined;
  return { kind: 'node', projectId, repoName, fullPath, below };
}

/**
 * bk-repo writes the package with each of its versions, which tell themselves; what else there is to a package travels with
 * any version, so its latest is enough.
 */
function packageChanges({ projectId, repoName, key, latest }: EventDocument): Told {
  if (!isText(projectId) || !isText(repoName) || !isText(key)) return undefined;
  const version = isText(latest) ? { version: latest } : {};
  return [{ kind: 'package', projectId, repoName, packageKey: key, ...version }];
}

function versionChanges(
  event: StreamEvent,
  { packageId, name: version }: EventDocument,
  packages: ReadonlyMap<string, PackageName>,
): Told {
  if (!isText(packageId) || !isText(version)) return undefined;
  const name = packages.get(packageId);
  return name === undefined ? gone(event) : [{ kind: 'package', ...name, version }];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Before MongoDB 6.0 only seconds are known: the change looks older than it is, never younger. */
function timeOf({ wallTime, clusterTime }: StreamEvent): Date {
  return wallTime ?? new Date((clusterTime?.t ?? 0) * 1_000);
}

/** What events are about, as it is now: asked for in few questions, of the primary, which knows all that was ever told. */
import { ObjectId } from 'mongodb';
import type { SourceDatabase } from '../database/database.ts';
import { PACKAGE_COLLECTION } from '../schema/collections.ts';
import type { PackageDoc } from '../schema/documents.ts';
import { documentKind, EVENT_DOCUMENT_FIELDS, type EventDocument, type StreamEvent } from './change-stream-events.ts';

/** Packages whose names are remembered. */
const PACKAGES = 10_000;

interface Identified extends EventDocument {
  readonly _id: ObjectId;
}

export interface PackageName {
  readonly projectId: string;
  readonly repoName: string;
  readonly packageKey: string;
}

/** Answers for each event of a document with the document; absent = it is not there any more. Fails as the driver does. */
export async function documentsOf(
  database: SourceDatabase,
  events: readonly StreamEvent[],
  signal: AbortSignal,
): Promise<(event: StreamEvent) => EventDocument | undefined> {
  const updated = events.filter(({ operationType }) => operationType === 'update');
  const found = new Map<string, EventDocument>();
  for (const [name, members] of Map.groupBy(updated, ({ ns }) => ns?.coll ?? '')) {
    const ids = new Map(
      members.flatMap(({ documentKey }) =>
        documentKey === undefined ? [] : [[String(documentKey._id), documentKey._id]],
      ),
    );
    const documents = await database
      .collection<Identified>(name)
      .find({ _id: { $in: [...ids.values()] } }, { ...questionOptions(database), signal })
      .project<Identified>(Object.fromEntries(EVENT_DOCUMENT_FIELDS.map((field) => [field, 1])))
      .toArray();
    for (const document of documents) found.set(`${name} ${String(document._id)}`, document);
  }
  return (event) => event.fullDocument ?? found.get(`${event.ns?.coll} ${String(event.documentKey?._id)}`);
}

/** Which packages versions belong to. Memory: the packages of the versions that changed last. */
export class PackageNames {
  readonly #database: SourceDatabase;
  /** By hex `_id`, the one longest not asked for first. */
  readonly #names = new Map<string, PackageName>();

  constructor(database: SourceDatabase) {
    this.#database = database;
  }

  /** The packages of the versions among these documents, as far as they are still there. Fails as the driver does. */
  async of(
    documents: readonly (readonly [StreamEvent, EventDocument | undefined])[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, PackageName>> {
    const wanted = new Set<string>();
    for (const [{ ns }, document] of documents) {
      const id = document?.packageId;
      if (documentKind(ns?.coll) === 'version' && typeof id === 'string' && ObjectId.isValid(id)) wanted.add(id);
    }
    const known = new Map<string, PackageName>();
    for (const id of wanted) {
      const name = this.#names.get(id);
      if (name !== undefined) known.set(id, name);
    }
    const asked = await this.#ask(
      [...wanted].filter((id) => !known.has(id)),
      signal,
    );
    for (const [id, name] of asked) known.set(id, name);
    for (const [id, name] of known) this.#remember(id, name);
    return known;
  }

  async #ask(ids: readonly string[], signal: AbortSignal): Promise<readonly (readonly [string, PackageName])[]> {
    if (ids.length === 0) return [];
    const packages = await this.#database
      .collection<PackageDoc>(PACKAGE_COLLECTION)
      .find({ _id: { $in: ids.map((id) => new ObjectId(id)) } }, { ...questionOptions(this.#database), signal })
      .project<Pick<PackageDoc, '_id' | 'projectId' | 'repoName' | 'key'>>({ projectId: 1, repoName: 1, key: 1 })
      .toArray();
    return packages.map(({ _id, projectId, repoName, key }) => [
      _id.toHexString(),
      { projectId, repoName, packageKey: key },
    ]);
  }

  #remember(id: string, name: PackageName): void {
    this.#names.delete(id);
    this.#names.set(id, name);
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= PACKAGES) return;
      this.#names.delete(oldest);
    }
  }
}

function questionOptions({ maxTimeMs: maxTimeMS }: SourceDatabase) {
  return { maxTimeMS, readPreference: 'primary' } as const;
}

import { ReplicationError } from '../../domain/errors.ts';
import type { SourceProject, SourceRepository } from '../../engine/ports/source.ts';
import { PROJECT_COLLECTION, REPOSITORY_COLLECTION } from '../schema/collections.ts';
import type { ProjectDoc, RepositoryDoc } from '../schema/documents.ts';
import type { SourceDatabase } from './database.ts';
import { classified } from './driver-errors.ts';

export async function findProject(
  database: SourceDatabase,
  projectId: string,
  signal: AbortSignal,
): Promise<SourceProject | undefined> {
  const doc = await classified(`project ${projectId}`, signal, () =>
    database
      .collection<ProjectDoc>(PROJECT_COLLECTION)
      .findOne({ name: projectId }, { maxTimeMS: database.maxTimeMs, signal }),
  );
  if (doc === null) return undefined;
  return { name: doc.name, displayName: doc.displayName ?? doc.name, description: doc.description ?? null };
}

/** A repository that was deleted keeps its document and its name; it is not there. */
export async function findRepository(
  database: SourceDatabase,
  projectId: string,
  name: string,
  signal: AbortSignal,
): Promise<SourceRepository | undefined> {
  const doc = await classified(`repository ${projectId}/${name}`, signal, () =>
    database
      .collection<RepositoryDoc>(REPOSITORY_COLLECTION)
      .findOne({ projectId, name, deleted: null }, { maxTimeMS: database.maxTimeMs, signal }),
  );
  if (doc === null) return undefined;
  return {
    projectId,
    name,
    type: doc.type,
    category: doc.category,
    description: doc.description ?? null,
    configuration: parseConfiguration(doc),
    credentialsKey: doc.credentialsKey ?? null,
  };
}

function parseConfiguration(doc: RepositoryDoc): Readonly<Record<string, unknown>> {
  const text = doc.configuration ?? '';
  if (text.trim() === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Readonly<Record<string, unknown>>;
  } catch {
    // Told below, without the text: configurations of proxies hold passwords.
  }
  throw new ReplicationError(
    'unit',
    'SourceDataInvalid',
    `the configuration of repository ${doc.projectId}/${doc.name} is not a JSON object`,
  );
}

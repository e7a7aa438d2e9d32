/**
 * Makes sure that project and repository are there. What is created gets only what design §3 allows: category LOCAL,
 * not public, no permissions for the source's users, a configuration from an allow-list. What exists is never changed.
 */
import { z } from 'zod';

import { ReplicationError } from '../../domain/errors.ts';
import type { SourceRepository } from '../../engine/ports/source.ts';
import type { RepositoryRequest, TargetRepository } from '../../engine/ports/target.ts';
import { isMissingCall, REMOTE } from './answer-errors.ts';
import { type BkRepoClient, ignored } from './client.ts';

/** Settings that say how content is indexed; all others (clean-up, proxies, rights, …) stay at home. */
const ALLOWED_SETTINGS: ReadonlySet<string> = new Set(['repodataDepth', 'enabledFileLists', 'groupXmlSet']);
const settingSchema = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

/** Limits of contract §2.6. */
const MAX_DISPLAY_NAME = 32;
const MAX_DESCRIPTION = 200;

/** Of the answer only what is named here is kept: `storageCredentials` holds secrets. */
const repositorySchema = z.object({
  type: z.string(),
  category: z.string().nullish(),
  storageCredentials: z.object({ key: z.string().nullish() }).nullish(),
  storageCredentialsKey: z.string().nullish(),
});
type RemoteRepository = z.infer<typeof repositorySchema>;

export async function prepareRepository(
  client: BkRepoClient,
  request: RepositoryRequest,
  signal: AbortSignal,
): Promise<TargetRepository> {
  const found = request.create ? await create(client, request, signal) : await lookUp(client, request, signal);
  assertWritable(client, request, found);
  return {
    projectId: request.remoteProjectId,
    name: request.remoteRepoName,
    repoType: found.type,
    storageKey: found.storageCredentials?.key ?? found.storageCredentialsKey ?? null,
  };
}

/** Both calls are get-or-create at the far side (contract §2.6). */
async function create(
  client: BkRepoClient,
  request: RepositoryRequest,
  signal: AbortSignal,
): Promise<RemoteRepository> {
  await createProject(client, request, signal);
  try {
    return await createRepository(client, request, signal);
  } catch (error) {
    if (!(error instanceof ReplicationError) || error.remoteCode !== REMOTE.repositoryExisted) throw error;
    // Another creation came in between (then it is there now), or the server itself refuses the type.
    return createRepository(client, request, signal);
  }
}

async function createProject(client: BkRepoClient, request: RepositoryRequest, signal: AbortSignal): Promise<void> {
  const { displayName, description } = request.project;
  const usable = displayName.length >= 2 && displayName.length <= MAX_DISPLAY_NAME;
  const body = {
    name: request.remoteProjectId,
    displayName: usable ? displayName : request.remoteProjectId,
    description: cut(description),
    createPermission: false,
    operator: client.options.username,
  };
  const path = client.endpoints.replica(['project', 'create']);
  try {
    await client.call({ method: 'POST', path, body, data: ignored }, signal);
  } catch (error) {
    if (!(error instanceof ReplicationError) || error.remoteCode !== REMOTE.projectExisted) throw error;
  }
}

function createRepository(
  client: BkRepoClient,
  request: RepositoryRequest,
  signal: AbortSignal,
): Promise<RemoteRepository> {
  const body = {
    projectId: request.remoteProjectId,
    name: request.remoteRepoName,
    type: request.repository.type,
    category: 'LOCAL',
    public: false,
    description: cut(request.repository.description),
    configuration: { type: 'local', settings: allowedSettings(request.repository) },
    operator: client.options.username,
  };
  const path = client.endpoints.replica(['repo', 'create']);
  return client.call({ method: 'POST', path, body, data: repositorySchema }, signal);
}

/** Older servers have the call only with the type at its end. */
async function lookUp(
  client: BkRepoClient,
  request: RepositoryRequest,
  signal: AbortSignal,
): Promise<RemoteRepository> {
  const segments = ['repo', 'info', request.remoteProjectId, request.remoteRepoName];
  const ask = (path: string): Promise<RemoteRepository | null> =>
    client.call({ method: 'GET', path, data: repositorySchema.nullable() }, signal);
  const missing = `project ${request.remoteProjectId} or repository ${request.remoteRepoName} does not exist at far side ${client.options.name}, and automaticCreateRemoteRepo is false`;
  try {
    const found = await ask(client.endpoints.repository(segments)).catch((error: unknown) => {
      if (!isMissingCall(error)) throw error;
      return ask(client.endpoints.repository([...segments, request.repository.type]));
    });
    if (found !== null) return found;
  } catch (error) {
    if (isMissingCall(error)) throw lookUpMissing(error);
    if (!(error instanceof ReplicationError) || error.code !== 'RemoteRepoMissing') throw error;
  }
  throw new ReplicationError('spec', 'RemoteRepoMissing', missing);
}

function lookUpMissing(cause: ReplicationError): ReplicationError {
  const words = `${cause.message}; the far side cannot be asked for a repository without creating it, so only automaticCreateRemoteRepo: true works with it`;
  return new ReplicationError('spec', 'RemoteRepoUnknown', words, { cause });
}

function assertWritable(client: BkRepoClient, request: RepositoryRequest, found: RemoteRepository): void {
  const there = `repository ${request.remoteProjectId}/${request.remoteRepoName} at far side ${client.options.name}`;
  if (found.type !== request.repository.type)
    throw mismatch(`${there} has type ${found.type}, the source has ${request.repository.type}`);
  if (found.category != null && found.category !== 'LOCAL' && found.category !== 'COMPOSITE')
    throw mismatch(`${there} has category ${found.category}, which takes no uploads`);
}

function mismatch(why: string): ReplicationError {
  return new ReplicationError('spec', 'RepositoryTypeMismatch', why);
}

function allowedSettings(repository: SourceRepository): Readonly<Record<string, unknown>> {
  const { settings } = repository.configuration;
  if (typeof settings !== 'object' || settings === null) return {};
  return Object.fromEntries(
    Object.entries(settings).filter(
      ([key, value]) => ALLOWED_SETTINGS.has(key) && settingSchema.safeParse(value).success,
    ),
  );
}

function cut(description: string | null): string | null {
  return description === null ? null : Array.from(description).slice(0, MAX_DESCRIPTION).join('');
}

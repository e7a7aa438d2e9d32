/** Projects and repositories (contract §2.6): create is get-or-create, and never changes what is there. */
import { Long, ObjectId } from 'mongodb';
import type { LocalTime } from '../lib/local-time.ts';
import type { ProjectDoc, RepositoryDoc } from '../source/schema/documents.ts';
import { now, type PeerContext } from './context.ts';
import { isDuplicateKey } from './database.ts';
import { PeerError } from './errors.ts';
import { type Fields, isRecord } from './fields.ts';
import { type Deletion, deleteSubtree } from './node-tree.ts';

const PROJECT_NAME = /^[a-zA-Z_][a-zA-Z0-9\-_.]{1,99}$/;
const REPOSITORY_NAME = /^[a-zA-Z_][a-zA-Z0-9\-_.]{1,63}$/;
const MAX_DISPLAY_NAME = 100;

/** Contract §6.4. */
const REPOSITORY_TYPES = new Set(
  (
    'NONE GENERIC DOCKER MAVEN PYPI NPM HELM COMPOSER RPM NUGET GIT RDS OCI CONAN LFS DDC SVN S3 MEDIA OHPM CARGO ' +
    'HUGGINGFACE DRIVE SKILL'
  ).split(' '),
);
const CATEGORIES = new Set(['LOCAL', 'REMOTE', 'VIRTUAL', 'COMPOSITE', 'PROXY']);

export async function requireRepository(
  context: PeerContext,
  projectId: string,
  repoName: string,
): Promise<RepositoryDoc> {
  const repositories = await context.database.repositories();
  const repository = await repositories.findOne({ projectId, name: repoName, deleted: null });
  if (repository === null) throw new PeerError('repositoryNotFound', repoName);
  return repository;
}

/** `created` is false for one that was there. */
export async function createProject(
  context: PeerContext,
  body: Fields,
): Promise<{ readonly project: ProjectDoc; readonly created: boolean }> {
  const name = body.text('name');
  const displayName = body.text('displayName');
  if (!PROJECT_NAME.test(name)) throw new PeerError('parameterInvalid', 'name');
  if (displayName.trim() === '' || displayName.length > MAX_DISPLAY_NAME)
    throw new PeerError('parameterInvalid', 'displayName');
  const projects = await context.database.projects();
  const existing = await projects.findOne({ name });
  if (existing !== null) return { project: existing, created: false };
  const project: ProjectDoc = {
    _id: new ObjectId(),
    ...audit(context, body),
    name,
    displayName,
    description: body.optionalText('description') ?? '',
    metadata: [],
    ...(body.has('credentialsKey') ? { credentialsKey: body.text('credentialsKey') } : {}),
  };
  try {
    await projects.insertOne(project);
    return { project, created: true };
  } catch (error) {
    const winner = isDuplicateKey(error) ? await projects.findOne({ name }) : null;
    if (winner === null) throw error;
    return { project: winner, created: false };
  }
}

/** A name that a deleted repository still holds is used again for a new one. `created` is false for one that was there. */
export async function createRepository(
  context: PeerContext,
  body: Fields,
): Promise<{ readonly repository: RepositoryDoc; readonly created: boolean }> {
  const repository = readRepository(context, body);
  const projects = await context.database.projects();
  if ((await projects.findOne({ name: repository.projectId })) === null)
    throw new PeerError('projectNotFound', repository.projectId);
  const repositories = await context.database.repositories();
  const key = { projectId: repository.projectId, name: repository.name };
  const existing = await repositories.findOne({ ...key, deleted: null });
  if (existing !== null) return { repository: existing, created: false };
  if (!REPOSITORY_NAME.test(repository.name)) throw new PeerError('parameterInvalid', 'name');
  try {
    await repositories.deleteOne({ ...key, deleted: { $type: 'date' } });
    await repositories.insertOne(repository);
    return { repository, created: true };
  } catch (error) {
    const winner = isDuplicateKey(error) ? await repositories.findOne({ ...key, deleted: null }) : null;
    if (winner === null) throw error;
    return { repository: winner, created: false };
  }
}

function readRepository(context: PeerContext, body: Fields): RepositoryDoc {
  const type = body.text('type');
  const category = body.text('category');
  if (!REPOSITORY_TYPES.has(type) || !CATEGORIES.has(category)) throw new PeerError('contentInvalid');
  const description = body.optionalText('description');
  const storageKey = body.optionalText('storageCredentialsKey');
  const displayName = body.optionalText('displayName');
  return {
    _id: new ObjectId(),
    ...audit(context, body),
    name: body.text('name'),
    type,
    category,
    public: body.flag('public', false),
    ...(description === undefined ? {} : { description }),
    configuration: JSON.stringify(configuration(body.record('configuration'), category)),
    ...(storageKey === undefined ? {} : { credentialsKey: storageKey }),
    display: body.flag('display', true),
    ...(displayName === undefined ? {} : { displayName }),
    projectId: body.text('projectId'),
    used: Long.ZERO,
    visibility: body.optionalText('visibility') ?? 'PROJECT',
  };
}

function audit(context: PeerContext, body: Fields): Pick<RepositoryDoc, AuditField> {
  const operator = body.optionalText('operator') ?? 'system';
  const time = now(context);
  return { createdBy: operator, createdDate: time, lastModifiedBy: operator, lastModifiedDate: time };
}
type AuditField = 'createdBy' | 'createdDate' | 'lastModifiedBy' | 'lastModifiedDate';

function configuration(
  given: Readonly<Record<string, unknown>> | undefined,
  category: string,
): Readonly<Record<string, unknown>> {
  const type = given?.['type'] ?? category.toLowerCase();
  const local = type === 'local' || type === 'rpm-local' || type === 'composite';
  return {
    type,
    ...(local ? { webHook: { webHookList: [] } } : {}),
    ...(type === 'composite' ? { proxy: { channelList: [] } } : {}),
    settings: {},
    ...given,
  };
}

export async function updateRepository(context: PeerContext, body: Fields): Promise<void> {
  const repository = await requireRepository(context, body.text('projectId'), body.text('name'));
  const repositories = await context.database.repositories();
  const description = body.optionalText('description');
  const displayName = body.optionalText('displayName');
  const changed = body.record('configuration');
  await repositories.updateOne(
    { _id: repository._id },
    {
      $set: {
        lastModifiedBy: body.optionalText('operator') ?? 'system',
        lastModifiedDate: now(context),
        ...(body.has('public') ? { public: body.flag('public', false) } : {}),
        ...(description === undefined ? {} : { description }),
        ...(displayName === undefined ? {} : { displayName }),
        ...(changed === undefined
          ? {}
          : { configuration: JSON.stringify(configuration(changed, repository.category)) }),
      },
    },
  );
}

/** Without `forced` a repository that still holds files is refused with 251008. */
export async function deleteRepository(context: PeerContext, body: Fields): Promise<Deletion> {
  const repository = await requireRepository(context, body.text('projectId'), body.text('name'));
  const { projectId, name } = repository;
  const nodes = await context.database.nodes(projectId);
  const file = await nodes.findOne({ projectId, repoName: name, folder: false, deleted: null });
  if (file !== null && !body.flag('forced', false)) throw new PeerError('repositoryContainsFile', name);
  const deletion = await deleteSubtree(context, projectId, name, '/', now(context));
  const repositories = await context.database.repositories();
  await repositories.updateOne({ _id: repository._id }, { $set: { deleted: now(context) } });
  return deletion;
}

export function projectInfo(project: ProjectDoc, time: LocalTime): Readonly<Record<string, unknown>> {
  return {
    name: project.name,
    displayName: project.displayName,
    description: project.description ?? null,
    ...auditInfo(project, time),
    rbacFlag: false,
    metadata: project.metadata ?? [],
    credentialsKey: project.credentialsKey ?? null,
    tenantId: null,
  };
}

/** Of the storage only type and key are told: a real server sends its secrets, which nobody needs. */
export function repositoryDetail(repository: RepositoryDoc, time: LocalTime): Readonly<Record<string, unknown>> {
  const key = repository.credentialsKey ?? null;
  return {
    ...commonRepository(repository, time),
    storageCredentials: key === null ? null : { type: 'filesystem', key },
  };
}

/** RepositoryInfo: what `repo/info` shows, without anything of the storage but its key. */
export function repositoryInfo(repository: RepositoryDoc, time: LocalTime): Readonly<Record<string, unknown>> {
  return {
    id: repository._id.toHexString(),
    ...commonRepository(repository, time),
    storageCredentialsKey: repository.credentialsKey ?? null,
    display: repository.display ?? true,
  };
}

function commonRepository(repository: RepositoryDoc, time: LocalTime): Readonly<Record<string, unknown>> {
  const stored: unknown = JSON.parse(repository.configuration ?? '{}');
  return {
    projectId: repository.projectId,
    name: repository.name,
    type: repository.type,
    category: repository.category,
    public: repository.public,
    description: repository.description ?? null,
    configuration: isRecord(stored) ? stored : {},
    oldCredentialsKey: repository.oldCredentialsKey ?? null,
    ...auditInfo(repository, time),
    quota: null,
    used: Number(repository.used ?? 0),
    displayName: repository.displayName ?? null,
    visibility: repository.visibility ?? 'PROJECT',
    owner: null,
  };
}

function auditInfo(from: Pick<RepositoryDoc, AuditField>, time: LocalTime): Readonly<Record<string, unknown>> {
  return {
    createdBy: from.createdBy,
    createdDate: time.format(from.createdDate),
    lastModifiedBy: from.lastModifiedBy,
    lastModifiedDate: time.format(from.lastModifiedDate),
  };
}

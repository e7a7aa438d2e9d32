/**
 * `package/version/create` (contract §2.6). It makes the package when there is none, sets its latest to this version, and
 * replaces what is left out; so every field is sent. `source` is never sent: it switches servers to federation rules.
 */
import { ReplicationError } from '../../domain/errors.ts';
import type { TargetRepository, VersionRequest } from '../../engine/ports/target.ts';
import { REMOTE } from './answer-errors.ts';
import { type BkRepoClient, ignored } from './client.ts';
import { writeMetadata } from './metadata.ts';

/**
 * A call brings one artifact path: without `multiArtifact` the version has it alone, with it the path is added to those
 * of the version that is there, and `artifactPath` is always the one sent last (bk-repo's `buildArtifactPaths`). So a
 * version of n paths takes n calls: the first as asked for, the others with `overwrite` and `multiArtifact`, the
 * source's `artifactPath` last. Servers without `multiArtifact` end with that one. A failure between the calls leaves a
 * version that lacks paths: it is found as different, not as the same. A version that is sent `again` takes one call that
 * adds the path that it has.
 */
export async function createVersion(
  client: BkRepoClient,
  repository: TargetRepository,
  request: VersionRequest,
  signal: AbortSignal,
): Promise<'created' | 'existed'> {
  const path = client.endpoints.replica(['package', 'version', 'create']);
  if (request.again === true) {
    const body = versionCreateBody(repository, request, { artifactPath: request.version.artifactPath, added: true });
    await client.call({ method: 'POST', path, body, data: ignored }, signal);
    return 'created';
  }
  const [first = null, ...others] = artifactPathsInOrder(request.version);
  try {
    const body = versionCreateBody(repository, request, { artifactPath: first, added: false });
    await client.call({ method: 'POST', path, body, data: ignored }, signal);
  } catch (error) {
    const existed = error instanceof ReplicationError && error.remoteCode === REMOTE.versionExisted;
    if (existed && !request.overwrite) return 'existed';
    throw error;
  }
  for (const artifactPath of others) {
    const body = versionCreateBody(repository, request, { artifactPath, added: true });
    await client.call({ method: 'POST', path, body, data: ignored }, signal);
  }
  return 'created';
}

export function versionCreateBody(
  { projectId, name: repoName }: TargetRepository,
  { package: owner, version, overwrite }: VersionRequest,
  artifact: { readonly artifactPath: string | null; readonly added: boolean },
): Readonly<Record<string, unknown>> {
  return {
    projectId,
    repoName,
    packageName: owner.name,
    packageKey: owner.key,
    packageType: owner.type,
    packageDescription: owner.description,
    versionTag: owner.versionTag,
    packageExtension: owner.extension,
    versionName: version.name,
    size: version.size,
    manifestPath: version.manifestPath,
    artifactPath: artifact.artifactPath,
    stageTag: version.stageTag,
    ...writeMetadata(version.metadata, 'packageMetadata'),
    tags: version.tags,
    extension: version.extension,
    overwrite: overwrite || artifact.added,
    createdBy: version.createdBy,
    multiArtifact: artifact.added,
  };
}

function artifactPathsInOrder({ artifactPath, artifactPaths }: VersionRequest['version']): readonly string[] {
  const others = [...new Set(artifactPaths)].filter((path) => path !== artifactPath);
  return artifactPath === null ? others : [...others, artifactPath];
}

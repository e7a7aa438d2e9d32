import { ReplicationError } from '../../domain/errors.ts';
import type { TargetRepository } from '../../engine/ports/target.ts';
import { isMissingCall, REMOTE } from './answer-errors.ts';
import { type BkRepoClient, ignored } from './client.ts';

/** `package/version/delete` (contract §2.5): servers older than federation do not have it. */
export async function deleteVersion(
  client: BkRepoClient,
  { projectId, name }: TargetRepository,
  { packageKey, version }: { readonly packageKey: string; readonly version: string; readonly deletedAt: Date },
  signal: AbortSignal,
): Promise<void> {
  const path = client.endpoints.replica(['package', 'version', 'delete']);
  const body = { projectId, repoName: name, packageKey, versionName: version, operator: client.options.username };
  try {
    await client.call({ method: 'POST', path, body, data: ignored }, signal);
  } catch (error) {
    if (error instanceof ReplicationError && error.remoteCode === REMOTE.packageNotFound) return;
    if (!isMissingCall(error)) throw error;
    throw new ReplicationError(
      'unit',
      'VersionDeleteUnsupported',
      `far side ${client.options.name} has no call to delete a version of a package; delete version ${version} of ${packageKey} there by hand`,
      { cause: error },
    );
  }
}

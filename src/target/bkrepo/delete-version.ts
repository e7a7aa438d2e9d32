import { ReplicationError } from '../../domain/errors.ts';
import type { TargetRepository } from '../../engine/ports/target.ts';
import { isMissingCall } from './answer-errors.ts';
import { type BkRepoClient, ignored } from './client.ts';
import type { FarZone } from './far-zone.ts';

/**
 * `package/version/delete` (contract §2.5): servers older than federation do not have it. It removes the version's
 * document, and the package's with its last version; the files stay, and `latest` becomes the highest version that is
 * left. A package or version that is not there is a success. `deletedDate` and `source` must be in the body: the empty
 * `source` is what says that this is no federation, so that no dates are compared.
 */
export async function deleteVersion(
  client: BkRepoClient,
  zone: FarZone,
  { projectId, name }: TargetRepository,
  gone: { readonly packageKey: string; readonly version: string; readonly deletedAt: Date },
  signal: AbortSignal,
): Promise<void> {
  const { packageKey, version: versionName, deletedAt } = gone;
  const deletedDate = await zone.localTime(deletedAt, signal);
  const body = { projectId, repoName: name, packageKey, versionName, deletedDate, source: '' };
  const path = client.endpoints.replica(['package', 'version', 'delete']);
  try {
    await client.call({ method: 'POST', path, body, data: ignored }, signal);
  } catch (error) {
    if (!isMissingCall(error)) throw error;
    throw new ReplicationError(
      'unit',
      'VersionDeleteUnsupported',
      `far side ${client.options.name} has no call to delete a version of a package; delete version ${versionName} of ${packageKey} there by hand`,
      { cause: error },
    );
  }
}

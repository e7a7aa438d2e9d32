import { ReplicationError } from '../../domain/errors.ts';
import type { TargetPackage, TargetRepository } from '../../engine/ports/target.ts';
import { compareNotSupported, isMissingCall, REMOTE, unexpectedAnswer } from './answer-errors.ts';
import type { BkRepoClient } from './client.ts';
import { packageSchema, targetPackage } from './package-answer.ts';

/** Old packages have a history of all their versions in the answer. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** `package/info`: no data, or 251017 at some servers, means that there is no such package. */
export async function findPackage(
  client: BkRepoClient,
  { projectId, name }: TargetRepository,
  packageKey: string,
  signal: AbortSignal,
): Promise<TargetPackage | undefined> {
  const path = client.endpoints.repository(['package', 'info', projectId, name], { packageKey });
  try {
    const found = await client.call(
      { method: 'GET', path, data: packageSchema.nullable(), maxAnswerBytes: MAX_ANSWER_BYTES },
      signal,
    );
    if (found === null) return undefined;
    if (found.key === packageKey) return targetPackage(found);
    throw unexpectedAnswer(
      client.describe({ method: 'GET', path }),
      `gave package ${found.key} for ${packageKey}`,
      200,
    );
  } catch (error) {
    if (isMissingCall(error)) throw compareNotSupported(error, 'the far side cannot be asked for packages');
    if (error instanceof ReplicationError && error.remoteCode === REMOTE.packageNotFound) return undefined;
    throw error;
  }
}

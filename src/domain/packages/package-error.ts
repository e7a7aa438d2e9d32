import { ReplicationError } from '../errors.ts';

/** Reasons why a package version cannot be copied; final for its unit. */
export type PackageErrorCode =
  | 'PackageKeyInvalid'
  | 'PackagePathInvalid'
  | 'ManifestMissing'
  | 'ManifestInvalid'
  | 'ArtifactMissing'
  | 'BlobNotInRepository'
  | 'IndexCycle'
  | 'IndexTooDeep'
  | 'TooManyFiles';

export function packageError(code: PackageErrorCode, message: string, cause?: unknown): ReplicationError {
  return new ReplicationError('unit', code, message, cause === undefined ? {} : { cause });
}

/** UTF-16 code units of foreign text in a message. */
const MAX_QUOTED = 300;

/** Text of others for a message: on one line and bounded. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

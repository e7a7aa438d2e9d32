/**
 * The one table of what a bk-repo's refusal means. bk-repo's own code decides where it is unambiguous (numbers of the
 * common module changed their meaning between versions, contract §1.4), else the HTTP status. Both stay in the error.
 */
import { type ErrorClass, ReplicationError } from '../../domain/errors.ts';

interface Verdict {
  readonly errorClass: ErrorClass;
  readonly code: string;
  /** What a person can do about it. */
  readonly hint?: string;
}

/** Codes of contract §1.4 that the program asks for by number. */
export const REMOTE = {
  urlNotFound: 250130,
  artifactBroken: 250311,
  projectExisted: 251005,
  repositoryExisted: 251007,
  nodeNotFound: 251010,
  nodeExisted: 251012,
  packageNotFound: 251017,
  versionExisted: 251020,
  blobNotFound: 251024,
  /** "Failed to store file"; to a chunked call also: no such upload session. */
  storeFailed: 251101,
} as const;

const DIGEST_MISMATCH: Verdict = { errorClass: 'retryable', code: 'DigestMismatch' };
const BUSY: Verdict = { errorClass: 'retryable', code: 'TooManyRequests' };
const REPO_MISSING: Verdict = { errorClass: 'cluster', code: 'RemoteRepoMissing' };
const FULL: Verdict = { errorClass: 'cluster', code: 'FarSideFull' };

const REMOTE_CODE_VERDICTS: Readonly<Record<number, Verdict>> = {
  250124: BUSY,
  250128: { errorClass: 'retryable', code: 'Locked' },
  250129: BUSY,
  [REMOTE.artifactBroken]: DIGEST_MISMATCH,
  251003: DIGEST_MISMATCH,
  251004: REPO_MISSING,
  251006: REPO_MISSING,
  [REMOTE.repositoryExisted]: { errorClass: 'spec', code: 'RepositoryTypeMismatch' },
  [REMOTE.nodeNotFound]: { errorClass: 'unit', code: 'NodeNotFound' },
  [REMOTE.nodeExisted]: { errorClass: 'unit', code: 'NodeExisted' },
  251013: { errorClass: 'unit', code: 'NodeConflict', hint: 'a folder and a file have the same path' },
  [REMOTE.packageNotFound]: { errorClass: 'unit', code: 'PackageNotFound' },
  [REMOTE.versionExisted]: { errorClass: 'unit', code: 'VersionExisted' },
  [REMOTE.blobNotFound]: { errorClass: 'unit', code: 'BlobNotFound' },
  251025: { ...FULL, hint: 'the quota of the repository is used up' },
  251027: { errorClass: 'unit', code: 'ArtifactTooLarge' },
  251030: { errorClass: 'retryable', code: 'FarSideError' },
  251031: DIGEST_MISMATCH,
};

const STATUS_VERDICTS: Readonly<Record<number, Verdict>> = {
  401: { errorClass: 'cluster', code: 'Unauthorized', hint: 'check user name and password in the Secret' },
  403: { errorClass: 'cluster', code: 'Forbidden', hint: 'the account lacks rights there' },
  408: { errorClass: 'retryable', code: 'FarSideTimeout' },
  413: { ...FULL, hint: 'a server or proxy there limits the size of requests' },
  425: BUSY,
  429: BUSY,
  501: { errorClass: 'unit', code: 'NotImplemented' },
  505: { errorClass: 'unit', code: 'NotImplemented' },
  507: { ...FULL, hint: 'its disk is full' },
};

const REFUSED: Verdict = { errorClass: 'unit', code: 'RequestRefused' };
const FAR_SIDE_ERROR: Verdict = { errorClass: 'retryable', code: 'FarSideError' };

interface Refusal {
  readonly status: number;
  /** The envelope's code, undefined without envelope. */
  readonly remoteCode: number | undefined;
  /** The envelope's message, already cleaned and bounded. */
  readonly message: string | undefined;
  readonly retryAfterMs: number | undefined;
}

export function verdictOf(status: number, remoteCode: number | undefined): Verdict {
  const byCode = remoteCode === undefined ? undefined : REMOTE_CODE_VERDICTS[remoteCode];
  return byCode ?? STATUS_VERDICTS[status] ?? (status >= 500 ? FAR_SIDE_ERROR : REFUSED);
}

export function refusalError(what: string, refusal: Refusal): ReplicationError {
  const { status, remoteCode, message, retryAfterMs } = refusal;
  const verdict = verdictOf(status, remoteCode);
  const said = remoteCode === undefined ? 'without a bk-repo envelope' : `${remoteCode} ${message ?? ''}`.trimEnd();
  const hint = verdict.hint === undefined ? '' : ` (${verdict.hint})`;
  return new ReplicationError(verdict.errorClass, verdict.code, `${what}: answered ${status}, ${said}${hint}`, {
    status,
    ...(remoteCode === undefined ? {} : { remoteCode }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** An answer that bk-repo would not give: a proxy's page, a broken server. It may pass. */
export function unexpectedAnswer(what: string, why: string, status: number): ReplicationError {
  return new ReplicationError('retryable', 'UnexpectedAnswer', `${what}: ${why}`, { status });
}

/** The server does not have this call (or has no route to it), contract §11. */
export function isMissingCall(error: unknown): error is ReplicationError {
  if (!(error instanceof ReplicationError)) return false;
  const { status, remoteCode } = error;
  if (remoteCode === REMOTE.urlNotFound || status === 405) return true;
  return status === 404 && remoteCode === undefined;
}

/** A far side that lacks the calls by which it could be compared; the words say what it lacks. */
export function compareNotSupported(cause: ReplicationError, lacks: string): ReplicationError {
  return new ReplicationError('cluster', 'CompareNotSupported', `${cause.message}; ${lacks}`, { cause });
}

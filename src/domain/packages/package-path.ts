/**
 * Paths that a package version records, or that follow from its key. They come from a database and from documents, so
 * each is checked before it is used: none may lead out of its repository, or to another path than it says.
 */
import { ReplicationError } from '../errors.ts';
import { packageError, quoted } from './package-error.ts';

/** Folders deep, and UTF-16 code units of a name (contract §5.2). */
const MAX_DEPTH = 64;
const MAX_NAME_LENGTH = 1_024;

/**
 * A fullPath: `/a/b`. bk-repo itself records some paths without the leading or with a trailing slash (HUGGINGFACE); these
 * are put right. Everything else that bk-repo would read as another path is the unit error `PackagePathInvalid`.
 */
export function packagePath(recorded: string): string {
  const refuse = (what: string) => packageError('PackagePathInvalid', `the path ${quoted(recorded)} ${what}`);
  const inner = recorded.replace(/^\//, '').replace(/\/$/, '');
  if (inner === '') throw refuse('names the whole repository');
  const names = inner.split('/');
  if (names.length > MAX_DEPTH) throw refuse(`is more than ${MAX_DEPTH} folders deep`);
  for (const name of names) {
    if (name === '..' || name === '.') throw refuse(`has the folder ${quoted(name)}`);
    if (name === '') throw refuse('has an empty name');
    if (name.length > MAX_NAME_LENGTH) throw refuse(`has a name of more than ${MAX_NAME_LENGTH} characters`);
    if (name.includes('\\') || name.includes('\0')) throw refuse('has a backslash or a zero byte');
    if (/^[\t-\r ]|[\t-\r ]$/.test(name)) throw refuse('has a name that begins or ends with a blank');
  }
  return `/${names.join('/')}`;
}

/** undefined = not a path of the repository: for claims, which tell no errors. */
export function tryPackagePath(recorded: string): string | undefined {
  try {
    return packagePath(recorded);
  } catch (error) {
    if (error instanceof ReplicationError && error.code === 'PackagePathInvalid') return undefined;
    throw error;
  }
}

export function fileName(fullPath: string): string {
  return fullPath.slice(fullPath.lastIndexOf('/') + 1);
}

/** Without a trailing slash; `` for what lies in the root. */
export function folderOf(fullPath: string): string {
  return fullPath.slice(0, fullPath.lastIndexOf('/'));
}

/** Keys of packages (contract §6.5): `<scheme>://<name>`. bk-repo makes the scheme from the type of the repository. */
import { ReplicationError } from '../errors.ts';
import { packageError, quoted } from './package-error.ts';

export interface PackageKey {
  readonly scheme: string;
  /** What stands behind `://`, e.g. `@scope/name`, `com.example:lib`, `team/app`. */
  readonly name: string;
}

/** Types that are not here (GENERIC has no packages; what later servers add) take any scheme. */
const SCHEMES: Readonly<Record<string, string>> = {
  MAVEN: 'gav',
  NPM: 'npm',
  DOCKER: 'docker',
  OCI: 'oci',
  HELM: 'helm',
  PYPI: 'pypi',
  COMPOSER: 'composer',
  RPM: 'rpm',
  NUGET: 'nuget',
  CONAN: 'conan',
  OHPM: 'ohpm',
  CARGO: 'cargo',
  HUGGINGFACE: 'huggingface',
  SKILL: 'skill',
};

const EXAMPLES: Readonly<Record<string, string>> = {
  MAVEN: 'gav://com.example:lib',
  NPM: 'npm://@scope/name',
  COMPOSER: 'composer://vendor/name',
  CONAN: 'conan://user@name/channel',
  HUGGINGFACE: 'huggingface://model/organisation/name',
};

/** UTF-16 code units. */
const MAX_KEY_LENGTH = 2_048;

/** Fails with the unit error `PackageKeyInvalid`, whose words say what a key of this type looks like. */
export function parsePackageKey(repoType: string, key: string): PackageKey {
  const scheme = SCHEMES[repoType];
  const example = EXAMPLES[repoType] ?? `${scheme ?? 'type'}://name`;
  const refuse = (what: string) =>
    packageError(
      'PackageKeyInvalid',
      `${what}: a package of a repository of type ${quoted(repoType)} has a key like ${example}`,
    );
  if (key === '') throw refuse('the package key is empty');
  if (key.length > MAX_KEY_LENGTH) throw refuse(`the package key is longer than ${MAX_KEY_LENGTH} characters`);
  const cut = key.indexOf('://');
  if (cut <= 0) throw refuse(`the package key ${quoted(key)} has no type before ://`);
  const parsed = { scheme: key.slice(0, cut), name: key.slice(cut + 3) };
  if (scheme !== undefined && parsed.scheme !== scheme)
    throw refuse(`the package key ${quoted(key)} is of another type`);
  if (parsed.name.trim() === '') throw refuse(`the package key ${quoted(key)} names no package`);
  if (repoType === 'MAVEN' && !/^[^:]+:[^:]+$/.test(parsed.name))
    throw refuse(`the package key ${quoted(key)} is not one group and one artifact`);
  return parsed;
}

/** {@link parsePackageKey} for who only wants to know that the key is right. */
export function assertPackageKey(repoType: string, key: string): void {
  parsePackageKey(repoType, key);
}

/** The same without an error: undefined = the key does not match the type. */
export function tryPackageKey(repoType: string, key: string): PackageKey | undefined {
  try {
    return parsePackageKey(repoType, key);
  } catch (error) {
    if (error instanceof ReplicationError && error.code === 'PackageKeyInvalid') return undefined;
    throw error;
  }
}

/** The key of a package of this name; undefined = there is none, or the type tells no scheme. */
export function tryKeyOf(repoType: string, name: string): string | undefined {
  const scheme = SCHEMES[repoType];
  const key = `${scheme}://${name}`;
  return scheme === undefined || tryPackageKey(repoType, key) === undefined ? undefined : key;
}

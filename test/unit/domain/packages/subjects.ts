import type { MapperInput, VersionFacts } from '../../../../src/domain/packages/mapping.ts';

/** A version that records nothing but what is given. */
export function version(key: string, name: string, facts: Partial<VersionFacts> = {}): MapperInput {
  const paths = facts.artifactPath ? [facts.artifactPath] : [];
  return {
    package: { key, name: key.slice(key.indexOf('://') + 3) },
    version: { name, manifestPath: null, artifactPath: null, artifactPaths: paths, metadata: [], ...facts },
  };
}

/** For `assert.throws`. */
export function reason(code: string, words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof Error && 'code' in error && error.code === code && words.test(error.message);
}

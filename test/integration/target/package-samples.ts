import type { SourceVersion } from '../../../src/engine/ports/source.ts';
import type { VersionRequest } from '../../../src/engine/ports/target.ts';

export const PACKAGE: VersionRequest['package'] = {
  key: 'npm://@scope/lib',
  name: '@scope/lib',
  type: 'NPM',
  description: 'a library',
  versionTag: { 'next.1': '1.0.0' },
  extension: { 'app.version': '7' },
};

export function sourceVersion(name: string, changes: Partial<SourceVersion> = {}): VersionRequest['version'] {
  return {
    name,
    size: 288,
    manifestPath: `/.npm/@scope/lib/lib-${name}.json`,
    artifactPath: `/@scope/lib/-/lib-${name}.tgz`,
    artifactPaths: [`/@scope/lib/-/lib-${name}.tgz`],
    stageTag: ['@release'],
    tags: ['one', 'two'],
    metadata: [
      { key: 'license', value: 'MIT', system: false },
      { key: 'keywords', value: ['a', 'b'], system: false },
      { key: 'count', value: 5_000_000_000, system: false },
      { key: 'ratio', value: 0.5, system: false },
      { key: 'signed', value: true, system: true },
    ],
    extension: { 'x.y': { z: [1, 'two'] } },
    createdBy: 'alice',
    ...changes,
  };
}

export function versionRequest(
  name: string,
  changes: Partial<SourceVersion> = {},
  overwrite: boolean = false,
): VersionRequest {
  return { package: PACKAGE, version: sourceVersion(name, changes), overwrite };
}

/** NUGET: `/{id}/{id}.{version}.nupkg` and, where the server has unpacked it, `/.nuspec/{id}/{id}.{version}.nuspec`. */
import { artifacts, type Layout, manifest, plain, type Subject } from './layout.ts';

export const NUGET: Layout = {
  claims: (subject) => [packageFile(subject), specification(subject)],
  /** In lower case, as the path has it. */
  owners: (fullPath) => {
    const found =
      /^\/(?<name>[^/]+)\/\k<name>\.(?<version>[^/]+)\.nupkg$/su.exec(fullPath) ??
      /^\/\.nuspec\/(?<name>[^/]+)\/\k<name>\.(?<version>[^/]+)\.nuspec$/su.exec(fullPath);
    const { name = '', version = '' } = found?.groups ?? {};
    return found === null ? [] : [{ name, version }];
  },
  *map(subject) {
    const packages = yield* artifacts(subject, [packageFile(subject)]);
    const nuspec = yield* manifest(subject, [specification(subject)]);
    return { files: plain([...(nuspec === undefined ? [] : [nuspec]), ...packages]), indexes: [] };
  },
};

function packageFile({ name, version }: Subject): string {
  return `/${name}/${name}.${version.name}.nupkg`.toLowerCase();
}

function specification({ name, version }: Subject): string {
  return `/.nuspec/${name}/${name}.${version.name}.nuspec`.toLowerCase();
}

/** CARGO: `/crates/{name}/{name}-{version}.crate`, then the server's document about it below `/.cargo`. */
import { artifacts, type Layout, manifest, plain, type Subject } from './layout.ts';

export const CARGO: Layout = {
  claims: (subject) => [crate(subject), description(subject)],
  owners: (fullPath) => {
    const found =
      /^\/crates\/(?<name>[^/]+)\/\k<name>-(?<version>[^/]+)\.crate$/su.exec(fullPath) ??
      /^\/\.cargo\/crates\/(?<name>[^/]+)\/\k<name>-(?<version>[^/]+)\.json$/su.exec(fullPath);
    const { name = '', version = '' } = found?.groups ?? {};
    return found === null ? [] : [{ name, version }];
  },
  *map(subject) {
    const crates = yield* artifacts(subject, [crate(subject)]);
    const json = yield* manifest(subject, [description(subject)]);
    return { files: plain([...crates, ...(json === undefined ? [] : [json])]), indexes: [] };
  },
};

function crate({ name, version }: Subject): string {
  return `/crates/${name}/${name}-${version.name}.crate`;
}

function description({ name, version }: Subject): string {
  return `/.cargo/crates/${name}/${name}-${version.name}.json`;
}

/** NuGet, Composer and Cargo: types whose version is one archive, with what servers keep beside it. */
import type { RepositoryBuilder } from '../repository-builder.ts';
import { tgz, zip } from './archives.ts';
import { entriesOf, hashOf } from './digests.ts';
import { putGeneral } from './general.ts';
import type { PutResult } from './version.ts';

/** `/{id}/{id}.{version}.nupkg`, all lower-case; the package keeps the case of its id as its name. */
export async function putNuget(repository: RepositoryBuilder, id: string, version: string): Promise<PutResult> {
  const about = { id, version, authors: 'fixture', description: `fixture ${id}` };
  const elements = Object.entries(about).map(([name, value]) => `<${name}>${value}</${name}>`);
  const nuspec = `<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata>${elements.join('')}</metadata></package>
`;
  const archive = zip({
    '[Content_Types].xml':
      '<?xml version="1.0" encoding="utf-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="nuspec" ContentType="application/octet"/><Default Extension="txt" ContentType="application/octet"/></Types>',
    '_rels/.rels': `<?xml version="1.0" encoding="utf-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/${id}.nuspec" Id="R1"/></Relationships>`,
    [`${id}.nuspec`]: nuspec,
    'content/readme.txt': `${id} ${version}\n`,
  });
  const lower = id.toLowerCase();
  const artifactPath = `/${lower}/${lower}.${version.toLowerCase()}.nupkg`;
  return await putGeneral(
    repository,
    { key: `nuget://${lower}`, name: id, type: 'NUGET', description: about.description },
    { name: version, artifactPath, metadata: entriesOf(about) },
    { [artifactPath]: { content: archive, metadata: entriesOf({ id, version }) } },
  );
}

/** The archive lies where it was uploaded to; the version names it below `/direct-dists`, where clients load it. */
export async function putComposer(
  repository: RepositoryBuilder,
  name: string,
  version: string,
  host = 'http://127.0.0.1:18085',
): Promise<PutResult> {
  const packageKey = `composer://${name}`;
  const description = { name, version, type: 'library', description: `fixture ${name}`, license: 'MIT' };
  const archive = zip({
    'composer.json': json(description),
    'src/version.php': `<?php\nreturn '${version}';\n`,
  });
  const path = `/${name.split('/').join('-')}-${version}.zip`;
  const base = `${host}/composer/${repository.projectId}/${repository.name}`;
  const put = await putGeneral(
    repository,
    { key: packageKey, name, type: 'COMPOSER', description: description.description },
    { name: version, artifactPath: `/direct-dists${path}` },
    { [path]: { content: archive, metadata: entriesOf({ packageKey, version }) } },
  );
  const indexPath = `/p/${name}.json`;
  const stored = await repository.content(indexPath);
  const index = (stored === undefined ? { packages: {} } : JSON.parse(stored.toString())) as {
    readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const entry = {
    ...description,
    dist: { type: 'zip', url: `${base}/direct-dists${path}`, shasum: hashOf('sha1', archive) },
  };
  const versions = { ...index.packages[name], [version]: { ...entry, uid: hashOf('md5', archive) } };
  await repository.putFile(indexPath, json({ packages: { ...index.packages, [name]: versions } }));
  const root = {
    packages: {},
    search: `${base}/search.json?q=%query%&type=%type%`,
    'providers-lazy-url': `${base}/p/%package%.json`,
  };
  await repository.putFile('/packages.json', json(root));
  return { ...put, paths: [...put.paths, indexPath, '/packages.json'] };
}

/** The crate, the server's own document about it, and its line in the index. */
export async function putCargo(
  repository: RepositoryBuilder,
  name: string,
  version: string,
  options: { readonly yanked?: boolean } = {},
): Promise<PutResult> {
  const root = `${name}-${version}`;
  const crate = tgz({
    [`${root}/Cargo.toml`]: `[package]\nname = "${name}"\nversion = "${version}"\nedition = "2021"\n`,
    [`${root}/src/lib.rs`]: `pub const VERSION: &str = "${version}";\n`,
  });
  const line = {
    name,
    vers: version,
    deps: [],
    cksum: hashOf('sha256', crate),
    features: {},
    yanked: options.yanked ?? false,
  };
  const artifactPath = `/crates/${name}/${root}.crate`;
  const jsonPath = `/.cargo/crates/${name}/${root}.json`;
  const put = await putGeneral(
    repository,
    { key: `cargo://${name}`, name, type: 'CARGO', description: `fixture ${name}` },
    {
      name: version,
      size: crate.length,
      artifactPath,
      metadata: entriesOf({ name, vers: version, yanked: line.yanked }),
    },
    { [artifactPath]: crate, [jsonPath]: json({ ...line, description: `fixture ${name}` }) },
  );
  const indexPath = `/index/${cargoFolder(name)}/${name}`;
  const before = (await repository.content(indexPath))?.toString() ?? '';
  await repository.putFile(indexPath, `${before}${JSON.stringify(line)}\n`);
  return { ...put, paths: [...put.paths, indexPath] };
}

/** By the first letters of the name, as in every Cargo index. */
function cargoFolder(name: string): string {
  if (name.length < 3) return String(name.length);
  return name.length === 3 ? `3/${name.slice(0, 1)}` : `${name.slice(0, 2)}/${name.slice(2, 4)}`;
}

function json(document: unknown): string {
  return JSON.stringify(document, null, 2);
}

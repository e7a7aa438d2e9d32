/** Versions of packages that come and go at a source: published, published again with other bytes, and deleted. */
import { tgz } from './bkrepo/packages/archives.ts';
import { putHelm } from './bkrepo/packages/helm.ts';
import { putImage } from './bkrepo/packages/image.ts';
import { putMaven } from './bkrepo/packages/maven.ts';
import { putNpm } from './bkrepo/packages/npm.ts';
import type { PutResult } from './bkrepo/packages/version.ts';
import type { SourceRepository } from './source-repository.ts';

interface Layout {
  /** `variant` makes other bytes of the same version. */
  readonly put: (repository: SourceRepository, name: string, version: string, variant: number) => Promise<PutResult>;
  readonly remove: (repository: SourceRepository, name: string, version: string) => Promise<void>;
}

const IMAGE: Layout = {
  put: async (repository, name, tag, variant) => {
    // A tag that is pushed again loses its blobs first (fixture README).
    await repository.deleteFile(`/${name}/blobs/${tag}`);
    const layers = [tgz({ 'app/base.txt': 'base' }), tgz({ [`app/${name}.txt`]: `${tag} ${variant}` })];
    return await putImage(repository, name, tag, { layers });
  },
  remove: async (repository, name, version) => {
    const scheme = repository.type === 'DOCKER' ? 'docker' : 'oci';
    const paths = [`/${name}/manifest/${version}`, `/${name}/blobs/${version}`];
    await repository.deleteVersion({ packageKey: `${scheme}://${name}`, version, paths });
  },
};

const LAYOUTS: Readonly<Record<string, Layout>> = {
  MAVEN: {
    put: (repository, name, version, variant) =>
      putMaven(repository, 'org.example', name, version, { main: `${name} ${version} ${variant}` }),
    remove: (repository, name, version) => {
      const paths = [`/org/example/${name}/${version}`];
      return repository.deleteVersion({ packageKey: `gav://org.example:${name}`, version, paths });
    },
  },
  NPM: {
    put: (repository, name, version, variant) =>
      putNpm(repository, name, version, { files: { 'index.js': `// ${variant}\n` } }),
    remove: removeNpm,
  },
  HELM: {
    put: (repository, name, version, variant) =>
      putHelm(repository, name, version, { appVersion: `${variant}`, prov: variant % 2 === 0 }),
    remove: (repository, name, version) => {
      const archive = `/${name}-${version}.tgz`;
      return repository.deleteVersion({ packageKey: `helm://${name}`, version, paths: [archive, `${archive}.prov`] });
    },
  },
  OCI: IMAGE,
  DOCKER: IMAGE,
};

export function hasVersions(type: string): boolean {
  return LAYOUTS[type] !== undefined;
}

export async function putVersionOf(
  repository: SourceRepository,
  name: string,
  version: string,
  variant: number = 0,
): Promise<PutResult> {
  return await layoutOf(repository).put(repository, name, version, variant);
}

/** With its files. One that is not there is no error. */
export async function removeVersionOf(repository: SourceRepository, name: string, version: string): Promise<void> {
  await layoutOf(repository).remove(repository, name, version);
}

function layoutOf({ type }: SourceRepository): Layout {
  const layout = LAYOUTS[type];
  if (layout === undefined) throw new Error(`no versions of ${type} are made here`);
  return layout;
}

/** The package document names the others still; with the last version the whole package goes. */
async function removeNpm(repository: SourceRepository, name: string, version: string): Promise<void> {
  const packageKey = `npm://${name}`;
  const documentPath = `/.npm/${name}/package.json`;
  const stored = await repository.content(documentPath);
  const document = JSON.parse(stored?.toString() ?? '{}') as NpmDocument;
  const { [version]: gone, ...versions } = document.versions ?? {};
  const left = Object.keys(versions);
  if (left.length === 0) {
    for (const folder of [`/${name}`, `/.npm/${name}`]) await repository.deleteFile(folder);
    await repository.deletePackage(packageKey);
    return;
  }
  const tags = Object.entries(document['dist-tags'] ?? {}).map(([tag, of]) => [tag, of === version ? left.at(-1) : of]);
  const { [version]: _, ...time } = document.time ?? {};
  const changed = { ...document, versions, 'dist-tags': Object.fromEntries(tags), time };
  if (gone !== undefined) await repository.putFile(documentPath, JSON.stringify(changed, null, 2));
  const paths = [`/${name}/-/${name}-${version}.tgz`, `/.npm/${name}/${name}-${version}.json`];
  await repository.deleteVersion({ packageKey, version, paths });
}

interface NpmDocument {
  readonly versions?: Readonly<Record<string, unknown>>;
  readonly 'dist-tags'?: Readonly<Record<string, string>>;
  readonly time?: Readonly<Record<string, string>>;
}

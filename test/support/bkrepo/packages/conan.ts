/** Conan recipes with their revisions and binary packages, as the second protocol lays them out. */
import type { RepositoryBuilder } from '../repository-builder.ts';
import { tgz } from './archives.ts';
import { entriesOf, hashOf } from './digests.ts';
import { putGeneral } from './general.ts';
import type { PutResult } from './version.ts';

export interface ConanOptions {
  readonly user?: string;
  readonly channel?: string;
  /** Recipe revisions, the newest last. Default: one that follows from name and version. */
  readonly revisions?: readonly string[];
  /** Ids of the binary packages of each revision. Default: one. */
  readonly packages?: readonly string[];
}

export async function putConan(
  repository: RepositoryBuilder,
  name: string,
  version: string,
  options: ConanOptions = {},
): Promise<PutResult> {
  const { user = '_', channel = '_' } = options;
  const revisions = options.revisions ?? [hashOf('md5', `${name}/${version}`)];
  const packages = options.packages ?? [hashOf('sha1', `${name}/${version}`)];
  const root = `/${user}/${name}/${version}/${channel}`;
  const time = repository.builder.now().toISOString();
  const listOf = (known: readonly string[], reference: string): string =>
    JSON.stringify({ reference, revisions: known.map((revision) => ({ revision, time })) });
  const nodes: Record<string, string | Buffer> = {};
  for (const revision of revisions) {
    const recipe = `from conan import ConanFile\nclass Recipe(ConanFile):\n    name = "${name}"\n    version = "${version}"\n`;
    nodes[`${root}/${revision}/export/conanfile.py`] = recipe;
    nodes[`${root}/${revision}/export/conanmanifest.txt`] = manifest({ 'conanfile.py': recipe });
    for (const id of packages) {
      const folder = `${root}/${revision}/package/${id}`;
      const info = '[settings]\nos=Linux\n';
      const packageRevision = hashOf('md5', `${revision}${id}`);
      nodes[`${folder}/${packageRevision}/conaninfo.txt`] = info;
      nodes[`${folder}/${packageRevision}/conan_package.tgz`] = tgz({ [`include/${name}.h`]: `// ${version}\n` });
      nodes[`${folder}/${packageRevision}/conanmanifest.txt`] = manifest({ 'conaninfo.txt': info });
      nodes[`${folder}/index.json`] = listOf(
        [packageRevision],
        `${name}/${version}@${user}/${channel}#${revision}:${id}`,
      );
    }
  }
  nodes[`${root}/index.json`] = listOf(revisions, `${name}/${version}@${user}/${channel}`);
  const artifactPath = `${root}/${revisions.at(-1)}/export/conanmanifest.txt`;
  const artifact = nodes[artifactPath] ?? '';
  const metadata = entriesOf({ name, version, user, channel });
  return await putGeneral(
    repository,
    { key: `conan://${user}@${name}/${channel}`, name, type: 'CONAN' },
    { name: version, size: artifact.length, artifactPath, metadata },
    nodes,
  );
}

/** A time, then a digest for each file. */
function manifest(files: Readonly<Record<string, string>>): string {
  const lines = Object.entries(files).map(([name, content]) => `${name}: ${hashOf('md5', content)}`);
  return `1793491200\n${lines.join('\n')}\n`;
}

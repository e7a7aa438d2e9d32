/** Real images: their layers hold what npm and Maven fetched, and are the same bytes for the same content. */
import { type Entries, tgz } from '../../support/bkrepo/packages/archives.ts';
import { putImage, putImageIndex } from '../../support/bkrepo/packages/image.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import type { MavenArtifact } from './maven.ts';
import type { NpmPackage } from './npm.ts';

const ARCHITECTURES = ['amd64', 'arm64'];

/**
 * `demo/tools` with two tags on one manifest, and `demo/service` as an index of an image for each architecture. They
 * share the layer of npm packages; the images of the index differ in one small layer.
 */
export async function pushImages(
  repository: RepositoryBuilder,
  npmPackages: readonly NpmPackage[],
  artifacts: readonly MavenArtifact[],
): Promise<void> {
  const shared = tgz(
    Object.fromEntries(npmPackages.map(({ file, tarball }) => [`opt/packages/${file}`, tarball] as const)),
  );
  const libraries = tgz(librariesOf(artifacts));
  for (const tag of ['1.0', 'latest']) await putImage(repository, 'demo/tools', tag, { layers: [shared, libraries] });

  const children = [];
  for (const architecture of ARCHITECTURES) {
    const own = tgz({ 'etc/demo/architecture': `${architecture}\n` });
    children.push(await putImage(repository, 'demo/service', architecture, { architecture, layers: [shared, own] }));
  }
  await putImageIndex(repository, 'demo/service', '1.0', children);
}

function librariesOf(artifacts: readonly MavenArtifact[]): Entries {
  return Object.fromEntries(
    artifacts.flatMap(({ artifact, version, packaging, main }) =>
      main === undefined ? [] : [[`opt/lib/${artifact}-${version}.${packaging}`, main] as const],
    ),
  );
}

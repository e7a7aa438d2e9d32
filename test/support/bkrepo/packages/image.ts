/**
 * Images, artifacts and indexes as a push leaves them on a server, in each layout that servers have had. The repository's
 * type, DOCKER or OCI, decides media types and package key.
 */
import { gunzipSync } from 'node:zlib';
import type { RepositoryBuilder, StoredMetadata } from '../repository-builder.ts';
import { tgz } from './archives.ts';
import { entriesOf, hashOf } from './digests.ts';
import { type PutResult, putVersion } from './version.ts';

/**
 * `today`: /{name}/manifest/{tag}/manifest.json, /{name}/blobs/{tag}/sha256__{hex}, both DOCKER and OCI.
 * `flat-blobs`: the same, but /{name}/blobs/sha256__{hex}, and nothing on the manifest says where its blobs lie.
 * `docker`: the old docker service: /{name}/{tag}/manifest.json and /{name}/{tag}/sha256__{hex}.
 */
export type ImageLayout = 'today' | 'flat-blobs' | 'docker';

export interface ImageOptions {
  /** Gzipped tars, lowest first. Default: one that follows from name and tag. */
  readonly layers?: readonly Uint8Array[];
  /** Default: an image configuration for the layers. */
  readonly config?: Uint8Array;
  readonly architecture?: string;
  readonly layout?: ImageLayout;
  /** Pushed by digest: the version has the digest for a name, and the manifest lies under it. `tag` only seeds. */
  readonly byDigest?: boolean;
  /** false = only nodes, no version. Default true. */
  readonly register?: boolean;
  /** Digests (hex) of blobs whose nodes are left out: a manifest that names missing blobs. */
  readonly missing?: readonly string[];
  /** What the manifest is to be instead: no JSON, another document. */
  readonly manifest?: Uint8Array | string;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly size: number;
  /** `sha256:{hex}` */
  readonly digest: string;
}

export interface PutImage extends PutResult {
  readonly manifestPath: string;
  /** Of the manifest: what an index names. */
  readonly descriptor: Descriptor;
  readonly architecture: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

interface MediaTypes {
  readonly manifest: string;
  readonly index: string;
  readonly config: string;
  readonly layer: string;
}

const DOCKER_TYPES: MediaTypes = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  index: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
};
const OCI_TYPES: MediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
};

export async function putImage(
  repository: RepositoryBuilder,
  name: string,
  tag: string,
  options: ImageOptions = {},
): Promise<PutImage> {
  const types = typesOf(repository);
  const architecture = options.architecture ?? 'amd64';
  const layers = options.layers ?? [tgz({ [`app/${name.split('/').join('-')}.txt`]: `${name}:${tag}\n` })];
  const config = options.config ?? imageConfig(architecture, layers);
  const described = {
    config: descriptorOf(types.config, config),
    layers: layers.map((layer) => descriptorOf(types.layer, layer)),
  };
  const manifest = Buffer.from(
    options.manifest ?? JSON.stringify({ schemaVersion: 2, mediaType: types.manifest, ...described }),
  );
  const descriptor = descriptorOf(types.manifest, manifest);
  const reference = options.byDigest === true ? descriptor.digest : tag;
  const layout = layoutOf(options.layout ?? 'today', name, reference);

  const written = new Set<string>();
  for (const blob of [config, ...layers]) {
    const hex = hashOf('sha256', blob);
    const path = `${layout.blobs}/sha256__${hex}`;
    if (options.missing?.includes(hex) === true || written.has(path)) continue;
    await repository.putFile(path, blob, { crc: false });
    written.add(path);
  }
  const digests = [described.config, ...described.layers].map((blob) => blob.digest.replace(':', '__'));
  await repository.putFile(layout.manifest, manifest, {
    crc: false,
    metadata: manifestMetadata(options.layout ?? 'today', types.manifest, reference, digests),
  });
  const size = [described.config, ...described.layers].reduce((total, blob) => total + blob.size, 0);
  if (options.register !== false)
    await register(repository, name, reference, {
      size,
      descriptor,
      manifestPath: layout.manifest,
      layout: options.layout,
    });
  return {
    packageKey: keyOf(repository, name),
    version: reference,
    paths: [...written, layout.manifest],
    manifestPath: layout.manifest,
    descriptor,
    architecture,
    ...described,
  };
}

/** `children` are images of the same name, each a tag of its own or pushed by digest; or descriptors of anything. */
export async function putImageIndex(
  repository: RepositoryBuilder,
  name: string,
  tag: string,
  children: readonly (PutImage | Descriptor)[],
  options: Pick<ImageOptions, 'register' | 'manifest'> = {},
): Promise<PutImage> {
  const types = typesOf(repository);
  const manifests = children.map((child) =>
    'descriptor' in child
      ? { ...child.descriptor, platform: { architecture: child.architecture, os: 'linux' } }
      : child,
  );
  const content = Buffer.from(
    options.manifest ?? JSON.stringify({ schemaVersion: 2, mediaType: types.index, manifests }),
  );
  const descriptor = descriptorOf(types.index, content);
  const manifestPath = `/${name}/manifest/${tag}/list.manifest.json`;
  const metadata = manifestMetadata('today', types.index, tag, []);
  await repository.putFile(manifestPath, content, { crc: false, metadata });
  if (options.register !== false)
    await register(repository, name, tag, { size: content.length, descriptor, manifestPath, layout: 'today' });
  return {
    packageKey: keyOf(repository, name),
    version: tag,
    paths: [manifestPath],
    manifestPath,
    descriptor,
    architecture: '',
    config: descriptor,
    layers: [],
  };
}

async function register(
  repository: RepositoryBuilder,
  name: string,
  reference: string,
  of: {
    readonly size: number;
    readonly descriptor: Descriptor;
    readonly manifestPath: string;
    readonly layout: ImageLayout | undefined;
  },
): Promise<void> {
  const { digest, mediaType } = of.descriptor;
  await putVersion(
    repository,
    { key: keyOf(repository, name), name, type: repository.type },
    {
      name: reference,
      size: of.size,
      manifestPath: of.manifestPath,
      // The old docker service named the manifest alone.
      ...(of.layout === 'docker' ? {} : { artifactPath: of.manifestPath }),
      metadata: entriesOf(
        {
          'docker.manifest': reference,
          'docker.repoName': name,
          sha256: digest.slice('sha256:'.length),
          'docker.manfiest.digest': digest,
          manifest_digest: digest,
          'docker.manifest.type': mediaType,
        },
        true,
      ),
    },
  );
}

function layoutOf(layout: ImageLayout, name: string, reference: string): { blobs: string; manifest: string } {
  if (layout === 'docker') return { blobs: `/${name}/${reference}`, manifest: `/${name}/${reference}/manifest.json` };
  const blobs = `/${name}/blobs${layout === 'today' ? `/${reference}` : ''}`;
  return { blobs, manifest: `/${name}/manifest/${reference}/manifest.json` };
}

function manifestMetadata(
  layout: ImageLayout,
  mediaType: string,
  reference: string,
  digests: readonly string[],
): StoredMetadata[] {
  if (layout === 'docker') return entriesOf({ 'docker.manifest.type': mediaType, 'docker.manifest': reference });
  return entriesOf(
    {
      blobPathVersion: layout === 'today' ? 'v1' : undefined,
      digest_list: [...digests],
      mediaType,
      blob_version: reference,
      blobPathRefreshed: layout === 'today' ? true : undefined,
    },
    true,
  );
}

function imageConfig(architecture: string, layers: readonly Uint8Array[]): Buffer {
  return Buffer.from(
    JSON.stringify({
      architecture,
      os: 'linux',
      created: '2026-11-01T00:00:00Z',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map((layer) => `sha256:${hashOf('sha256', gunzipSync(layer))}`) },
      history: layers.map(() => ({ created: '2026-11-01T00:00:00Z', created_by: 'fixture' })),
    }),
  );
}

export function descriptorOf(mediaType: string, content: Uint8Array): Descriptor {
  return { mediaType, size: content.length, digest: `sha256:${hashOf('sha256', content)}` };
}

function typesOf(repository: RepositoryBuilder): MediaTypes {
  return repository.type === 'DOCKER' ? DOCKER_TYPES : OCI_TYPES;
}

function keyOf(repository: RepositoryBuilder, name: string): string {
  return `${repository.type === 'DOCKER' ? 'docker' : 'oci'}://${name}`;
}

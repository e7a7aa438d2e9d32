/**
 * Where bk-repo keeps the parts of images (contract §6.6; TencentBlueKing/bk-repo: OciLocationUtils,
 * OciManifestArtifactInfo). A manifest pushed by digest is kept as if the digest were its tag, `sha256:…` with the colon,
 * and a package version of that name is made for it. The oldest Docker layout has all parts in `/{name}/{tag}/`.
 */
import type { Digest } from './image-manifest.ts';
import { packagePath } from './package-path.ts';

const FILES = ['manifest.json', 'list.manifest.json'] as const;

/** Newest layout first. */
export function manifestPlaces(name: string, reference: string): readonly string[] {
  return [`/${name}/manifest/${reference}`, `/${name}/${reference}`].flatMap((folder) =>
    FILES.map((file) => packagePath(`${folder}/${file}`)),
  );
}

/** Of a manifest that an index names by digest. */
export function childPlaces(name: string, digest: Digest): readonly string[] {
  return [
    ...manifestPlaces(name, digest.text),
    packagePath(`/${name}/manifest/${digest.fileName}`),
    ...manifestPlaces(name, digest.fileName),
  ];
}

/** Tagged manifests of an image all lie below this folder: the new layout's for a manifest there, else the old one's. */
export function manifestsFolder(name: string, manifestPath: string): string {
  const today = packagePath(`/${name}/manifest`);
  return manifestPath.startsWith(`${today}/`) ? today : packagePath(`/${name}`);
}

/** @param refreshed the manifest's node says (metadata `blobPathRefreshed`) that its blobs have been moved below its tag */
export function blobPlaces(name: string, manifestPath: string, digest: Digest, refreshed: boolean): readonly string[] {
  const [folder = '', file = ''] = manifestPath.split('/').slice(-2);
  // Older servers keep a manifest pushed by digest as a file of that name, and its blobs in a folder with the colon.
  const reference = isManifestFile(manifestPath) ? folder : file.replace('__', ':');
  const perTag = packagePath(`/${name}/blobs/${reference}/${digest.fileName}`);
  const shared = packagePath(`/${name}/blobs/${digest.fileName}`);
  const old = packagePath(`/${name}/${reference}/${digest.fileName}`);
  return refreshed ? [perTag, shared, old] : [shared, perTag, old];
}

export function isManifestFile(path: string): boolean {
  return FILES.some((file) => path.endsWith(`/${file}`));
}

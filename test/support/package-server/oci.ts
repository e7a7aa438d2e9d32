/**
 * The reading half of the OCI distribution protocol over each layout that bk-repo has had. The type of a manifest is what
 * its node's metadata says, as in the real service: without these entries an index cannot be pulled.
 */
import { type Answer, document, fileAnswer, missing } from './answer.ts';
import type { ShelvedFile, ShelvedRepository } from './shelf.ts';

/** What the service says of a manifest without metadata. */
const UNKNOWN_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const MANIFEST_NAMES: readonly string[] = ['manifest.json', 'list.manifest.json'];

/** `path` is what stands behind `/v2/{project}/{repository}/`. */
export async function oci(repository: ShelvedRepository, path: string): Promise<Answer> {
  const asked = /^(.+)\/(manifests|blobs|tags)\/([^/]+)$/.exec(path);
  if (asked === null) return missing();
  const [, name = '', what, reference = ''] = asked;
  if (what === 'tags') {
    const type = repository.type === 'DOCKER' ? 'docker' : 'oci';
    return document('application/json', JSON.stringify({ name, tags: await repository.versions(`${type}://${name}`) }));
  }
  const digest = /^sha256:([0-9a-f]{64})$/.exec(reference)?.[1];
  if (what === 'blobs') {
    if (digest === undefined) return missing('not a digest');
    const blobs = await repository.withDigest(digest, `/${name}`);
    return described(repository, blobs.find(isBlob), 'application/octet-stream');
  }
  const manifest =
    digest === undefined
      ? await manifestOfTag(repository, name, reference)
      : (await repository.withDigest(digest, `/${name}`)).find((file) => !isBlob(file));
  return described(repository, manifest, manifest === undefined ? '' : typeOf(manifest));
}

async function manifestOfTag(
  repository: ShelvedRepository,
  name: string,
  tag: string,
): Promise<ShelvedFile | undefined> {
  for (const folder of [`/${name}/manifest/${tag}`, `/${name}/${tag}`])
    for (const file of MANIFEST_NAMES) {
      const found = await repository.file(`${folder}/${file}`);
      if (found !== undefined) return found;
    }
  return undefined;
}

function isBlob({ fullPath, sha256 }: ShelvedFile): boolean {
  return fullPath.endsWith(`/sha256__${sha256}`) && !fullPath.includes('/manifest/');
}

function typeOf({ metadata }: ShelvedFile): string {
  const types = [metadata.get('mediaType'), metadata.get('docker.manifest.type')];
  return types.find((type) => typeof type === 'string') ?? UNKNOWN_MANIFEST;
}

function described(repository: ShelvedRepository, file: ShelvedFile | undefined, contentType: string): Answer {
  return fileAnswer(repository, file, contentType, {
    'docker-distribution-api-version': 'registry/2.0',
    ...(file === undefined ? {} : { 'docker-content-digest': `sha256:${file.sha256}` }),
  });
}

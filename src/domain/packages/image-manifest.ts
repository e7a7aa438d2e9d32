/**
 * What an image manifest names: manifests of OCI and Docker (schema 2), OCI artifact manifests, Docker's schema 1, and
 * indexes (OCI) and manifest lists (Docker). Told apart by what they hold, as media types are often left out. `subject`
 * (of referrers) names another version and is not a part of this one.
 */
import { packageError, quoted } from './package-error.ts';

export interface BlobDescriptor {
  readonly digest: Digest;
  /** Kept elsewhere (foreign, non-distributable) or held by the manifest itself (`data`): may be missing. */
  readonly mayBeMissing: boolean;
}

export interface Digest {
  /** `sha256:…`, lower-case. */
  readonly text: string;
  /** As in bk-repo's file names: `sha256__…`. */
  readonly fileName: string;
  /** Lower-case hex when the algorithm is sha256. */
  readonly sha256: string | undefined;
}

export interface ImageManifest {
  /** Layers first, then the config. */
  readonly blobs: readonly BlobDescriptor[];
  /** Of an index: manifests, which may be indexes. */
  readonly children: readonly Digest[];
}

/** Descriptors of one manifest. */
const MAX_DESCRIPTORS = 10_000;

type JsonObject = Readonly<Record<string, unknown>>;

/** Fails with the unit error `ManifestInvalid` naming the path. */
export function parseImageManifest(content: Uint8Array, path: string): ImageManifest {
  const refuse = (what: string, cause?: unknown) =>
    packageError('ManifestInvalid', `the manifest ${quoted(path)} ${what}`, cause);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch (error) {
    throw refuse('is not JSON', error);
  }
  if (!isObject(json)) throw refuse('is not a JSON object');
  const list = (field: string): readonly JsonObject[] => {
    const value = json[field] ?? [];
    if (!Array.isArray(value) || !value.every(isObject))
      throw refuse(`has ${quoted(field)} that is no list of objects`);
    if (value.length > MAX_DESCRIPTORS) throw refuse(`names more than ${MAX_DESCRIPTORS} ${field}`);
    return value;
  };
  const digestOf = (descriptor: JsonObject, field = 'digest'): Digest => {
    const digest = parseDigest(descriptor[field]);
    if (digest === undefined) throw refuse(`names ${quoted(String(descriptor[field]))}, which is no digest`);
    return digest;
  };
  const blob = (descriptor: JsonObject): BlobDescriptor => ({
    digest: digestOf(descriptor),
    mayBeMissing: isForeign(descriptor) || typeof descriptor['data'] === 'string',
  });
  if (!['manifests', 'config', 'layers', 'blobs', 'fsLayers'].some((field) => field in json))
    throw refuse('is neither an image manifest nor an index');
  const config = json['config'] ?? undefined;
  if (config !== undefined && !isObject(config)) throw refuse('has a "config" that is no object');
  return {
    blobs: [
      ...[...list('layers'), ...list('blobs')].map(blob),
      ...list('fsLayers').map((layer) => ({ digest: digestOf(layer, 'blobSum'), mayBeMissing: false })),
      ...(config === undefined ? [] : [blob(config)]),
    ],
    children: list('manifests').map((child) => digestOf(child)),
  };
}

/** undefined = not of the form `algorithm:hex`; such a text never becomes part of a path. */
function parseDigest(value: unknown): Digest | undefined {
  if (typeof value !== 'string') return undefined;
  const match = /^([a-z0-9]{2,20}):([0-9a-fA-F]{32,256})$/.exec(value);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const [algorithm, hex] = [match[1], match[2].toLowerCase()];
  if (algorithm === 'sha256' && hex.length !== 64) return undefined;
  return {
    text: `${algorithm}:${hex}`,
    fileName: `${algorithm}__${hex}`,
    sha256: algorithm === 'sha256' ? hex : undefined,
  };
}

function isForeign(descriptor: JsonObject): boolean {
  const { mediaType, urls } = descriptor as { mediaType?: unknown; urls?: unknown };
  if (Array.isArray(urls) && urls.length > 0) return true;
  return typeof mediaType === 'string' && /foreign|nondistributable/.test(mediaType);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

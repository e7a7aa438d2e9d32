/**
 * DOCKER and OCI: a manifest with its blobs; an index with all its children, whether they were pushed by digest or by tag
 * (children may be versions of their own: then they belong to both).
 *
 * Order: layers, config, manifest; an index after all its children. So what is seen can be pulled.
 */

import { type BlobDescriptor, type Digest, parseImageManifest } from './image-manifest.ts';
import { blobPlaces, childPlaces, isManifestFile, manifestPlaces, manifestsFolder } from './image-places.ts';
import { askContent, askFiles, askFolder, type FileFacts, type Inquiry } from './inquiry.ts';
import { firstLive, type Layout, manifestGone, plain, recordedPaths, segments } from './layout.ts';
import { packageError, quoted } from './package-error.ts';
import { packagePath } from './package-path.ts';

/** Bytes. */
const MAX_MANIFEST_SIZE = 16 * 1024 * 1024;

/** Indexes in each other. */
const MAX_DEPTH = 8;

/** Manifests of one version. */
const MAX_MANIFESTS = 1_000;

/** Manifests of one image, looked through for a child that was pushed by tag. */
const MAX_TAGGED = 50_000;

/** Digest of a file made of blocks, which the engine has not put together. */
const UNRESOLVED = '0'.repeat(64);

/** Below them lie the folders of tags. */
const IN_FOLDERS: ReadonlySet<string> = new Set(['manifest', 'blobs']);

/** An image may have such a folder in its name. */
const MAX_OWNERS = 3;

/** Folders of an image that are no tags of the oldest layout. */
const NO_TAGS: ReadonlySet<string> = new Set(['blobs', 'manifest', '_uploads']);

export const IMAGE: Layout = {
  claims: ({ name, version }) => [
    `/${name}/manifest/${version.name}/`,
    `/${name}/blobs/${version.name}/`,
    ...(NO_TAGS.has(version.name) ? [] : oldFolder(name, version.name, version.manifestPath)),
  ],
  owners: (fullPath) => {
    const names = segments(fullPath);
    const found = names.flatMap((folder, at) => {
      const version = names[at + 1];
      if (!IN_FOLDERS.has(folder) || at === 0 || version === undefined || at + 2 >= names.length) return [];
      return [{ name: names.slice(0, at).join('/'), version }];
    });
    const [oldest] = names.slice(-2);
    const name = names.slice(0, -2).join('/');
    if (name !== '' && oldest !== undefined && !NO_TAGS.has(oldest) && found.length === 0)
      found.push({ name, version: oldest });
    return found.slice(0, MAX_OWNERS);
  },
  *map(subject) {
    const places = [
      ...recordedPaths(subject.version).map(packagePath),
      ...manifestPlaces(subject.name, subject.version.name),
    ];
    const top = yield* firstLive(places);
    if (top === undefined) throw manifestGone([...new Set(places)]);
    const walk: Walk = { name: subject.name, files: new Set(), done: new Set(), tagged: undefined };
    yield* addManifest(walk, top, []);
    return { files: plain([...walk.files]), indexes: [] };
  },
};

interface Walk {
  readonly name: string;
  /** In the order of commit. */
  readonly files: Set<string>;
  /** Paths of manifests that are in `files` with all their parts. */
  readonly done: Set<string>;
  /** All manifests of the image by digest, once they were asked for. */
  tagged: ReadonlyMap<string, FileFacts> | undefined;
}

function* addManifest(walk: Walk, node: FileFacts, above: readonly FileFacts[]): Inquiry<void> {
  if (walk.done.has(node.fullPath)) return;
  if (walk.done.size + above.length >= MAX_MANIFESTS)
    throw packageError(
      'TooManyFiles',
      `the index ${quoted((above[0] ?? node).fullPath)} has more than ${MAX_MANIFESTS} manifests`,
    );
  if (above.length > MAX_DEPTH)
    throw packageError(
      'IndexTooDeep',
      `the index ${quoted((above[0] ?? node).fullPath)} has indexes more than ${MAX_DEPTH} deep`,
    );
  const content = yield* askContent(node.fullPath, MAX_MANIFEST_SIZE);
  if (content === undefined) throw manifestGone([node.fullPath]);
  const { blobs, children } = parseImageManifest(content, node.fullPath);
  for (const path of yield* findBlobs(walk.name, node, blobs)) walk.files.add(path);
  const path = [...above, node];
  for (const digest of children) yield* addManifest(walk, yield* findChild(walk, digest, path), path);
  walk.files.add(node.fullPath);
  walk.done.add(node.fullPath);
}

function* findBlobs(name: string, node: FileFacts, blobs: readonly BlobDescriptor[]): Inquiry<readonly string[]> {
  const refreshed = node.metadata.some(({ key, value }) => key === 'blobPathRefreshed' && String(value) === 'true');
  const wanted = blobs.map((blob) => ({ ...blob, places: blobPlaces(name, node.fullPath, blob.digest, refreshed) }));
  const found = yield* askFiles([...new Set(wanted.flatMap(({ places }) => places))]);
  return wanted.flatMap(({ digest, mayBeMissing, places }) => {
    const place = places.find((path) => holds(found.get(path), digest));
    if (place !== undefined) return [place];
    if (mayBeMissing) return [];
    throw packageError(
      'BlobNotInRepository',
      `the blob ${digest.text} that the manifest ${quoted(node.fullPath)} names is neither at ${places.map(quoted).join(' nor at ')}`,
    );
  });
}

function* findChild(walk: Walk, digest: Digest, above: readonly FileFacts[]): Inquiry<FileFacts> {
  const index = above.at(-1)?.fullPath ?? '';
  const places = childPlaces(walk.name, digest);
  const found = yield* askFiles(places);
  const there = places.flatMap((place) => found.get(place) ?? []);
  if (above.some((node) => node.sha256 === digest.sha256 || there.some(({ fullPath }) => fullPath === node.fullPath)))
    throw packageError('IndexCycle', `the index ${quoted(index)} names ${digest.text}, which contains it`);
  const byDigest = there.find((file) => holds(file, digest));
  if (byDigest !== undefined) return byDigest;
  walk.tagged ??= yield* taggedManifests(walk.name, index);
  const byTag = digest.sha256 === undefined ? undefined : walk.tagged.get(digest.sha256);
  if (byTag !== undefined) return byTag;
  const wrong = there[0];
  if (wrong !== undefined)
    throw packageError(
      'ManifestInvalid',
      `the manifest ${quoted(wrong.fullPath)} has the digest sha256:${wrong.sha256}, not ${digest.text}`,
    );
  throw packageError(
    'ManifestMissing',
    `the manifest ${digest.text} that the index ${quoted(index)} names is neither at ${quoted(places[0] ?? '')} nor at a tag of the image`,
  );
}

/** Of equal manifests the first in the order of paths. */
function* taggedManifests(name: string, index: string): Inquiry<ReadonlyMap<string, FileFacts>> {
  const files = yield* askFolder(manifestsFolder(name, index), MAX_TAGGED);
  return new Map(
    files
      .filter((file) => isManifestFile(file.fullPath))
      .map((file) => [file.sha256, file] as const)
      .reverse(),
  );
}

function holds(file: FileFacts | undefined, { sha256 }: Digest): boolean {
  if (file === undefined) return false;
  return sha256 === undefined || file.sha256 === sha256 || file.sha256 === UNRESOLVED;
}

/** The folder of the oldest layout, where nothing says that the version has a newer one. */
function oldFolder(name: string, tag: string, manifestPath: string | null): readonly string[] {
  const folder = `/${name}/${tag}/`;
  return manifestPath === null || manifestPath.startsWith(folder) ? [folder] : [];
}

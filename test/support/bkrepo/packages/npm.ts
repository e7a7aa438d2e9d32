/** npm packages as `npm publish` and `npm dist-tag` leave them on a server. */
import type { RepositoryBuilder } from '../repository-builder.ts';
import { type Entries, tgz } from './archives.ts';
import { entriesOf, hashOf } from './digests.ts';
import { type PutResult, putVersion, type VersionSpec } from './version.ts';

export interface NpmOptions {
  /** dist-tags that point to this version from now on. Default: `latest`. */
  readonly tags?: readonly string[];
  readonly description?: string;
  /** Files of the tarball beside package.json, by their path in the package. Default: an index.js that tells the version. */
  readonly files?: Entries;
  readonly dependencies?: Readonly<Record<string, string>>;
  /** Scheme, host and port of the publish call: they get into `dist.tarball`. */
  readonly host?: string;
  /** Set as by `npm deprecate`. */
  readonly deprecated?: string;
  /** `download` = the layout of older servers. */
  readonly layout?: '-' | 'download';
  readonly version?: Omit<VersionSpec, 'name' | 'size' | 'artifactPath' | 'manifestPath'>;
  /** A real package in place of a made-up one: its tarball, and what its package.json says. */
  readonly published?: { readonly tarball: Uint8Array; readonly manifest: Readonly<Record<string, unknown>> };
}

interface PackageDocument {
  readonly [field: string]: unknown;
  readonly 'dist-tags': Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, unknown>>;
  readonly time: Readonly<Record<string, string>>;
}

/** In what the two types differ that the same service serves. */
export interface Flavour {
  readonly type: 'NPM' | 'OHPM';
  readonly extension: string;
  /** Name of the package's own description in the tarball. */
  readonly descriptionFile: string;
}

export function putNpm(
  repository: RepositoryBuilder,
  name: string,
  version: string,
  options: NpmOptions = {},
): Promise<PutResult> {
  return publish(
    repository,
    { type: 'NPM', extension: 'tgz', descriptionFile: 'package.json' },
    name,
    version,
    options,
  );
}

export async function publish(
  repository: RepositoryBuilder,
  flavour: Flavour,
  name: string,
  version: string,
  options: NpmOptions = {},
): Promise<PutResult> {
  const scheme = flavour.type.toLowerCase();
  const { published } = options;
  const description = options.description ?? textOf(published?.manifest['description']) ?? `fixture ${name}`;
  const about = { name, description, version, main: 'index.js', keywords: ['fixture'], license: 'MIT' };
  const dependencies = options.dependencies === undefined ? {} : { dependencies: options.dependencies };
  const tarball =
    published?.tarball ??
    tgz({
      [`package/${flavour.descriptionFile}`]: `${JSON.stringify({ ...about, ...dependencies }, null, 2)}\n`,
      ...prefixed(options.files ?? { 'index.js': `module.exports = '${name}@${version}';\n` }),
    });
  const artifactPath = `/${name}/${options.layout ?? '-'}/${name}-${version}.${flavour.extension}`;
  const manifestPath = `/.npm/${name}/${name}-${version}.json`;
  const host = options.host ?? 'http://127.0.0.1:18081';
  const document = {
    ...(published?.manifest ?? { ...about, ...dependencies, author: { name: 'fx' } }),
    _id: `${name}@${version}`,
    dist: {
      tarball: `${host}/${scheme}/${repository.projectId}/${repository.name}${artifactPath}`,
      shasum: hashOf('sha1', tarball),
      integrity: `sha512-${hashOf('sha512', tarball, 'base64')}`,
      packageSize: tarball.length,
    },
    readme: textOf(published?.manifest['readme']) ?? `# ${name}\n`,
    readmeFilename: 'README.md',
  };
  const deprecated = options.deprecated === undefined ? {} : { deprecated: options.deprecated };
  const { license, keywords } = published?.manifest ?? about;
  const described = { name, license, keywords, version };
  // The server gives the tarball metadata only when a version is deprecated.
  const metadata = options.deprecated === undefined ? [] : entriesOf({ ...described, ...deprecated });
  await repository.putFile(artifactPath, tarball, { metadata });
  await repository.putFile(manifestPath, json(document));
  const packageKey = `${scheme}://${name}`;
  await putVersion(
    repository,
    { key: packageKey, name, type: flavour.type, description },
    {
      metadata: entriesOf(described),
      ...options.version,
      name: version,
      size: tarball.length,
      artifactPath,
      manifestPath,
    },
  );
  const documentPath = await changeDocument(repository, name, (before) => ({
    ...before,
    description,
    'dist-tags': { ...before['dist-tags'], ...tagsTo(version, options.tags ?? ['latest']) },
    versions: { ...before.versions, [version]: { ...document, ...deprecated } },
    time: { ...before.time, [version]: repository.builder.now().toISOString() },
  }));
  return { packageKey, version, paths: [artifactPath, manifestPath, documentPath] };
}

/** `npm dist-tag add` for each; a tag whose version is null is removed. */
export async function tagNpm(
  repository: RepositoryBuilder,
  name: string,
  tags: Readonly<Record<string, string | null>>,
): Promise<void> {
  await changeDocument(repository, name, (before) => ({
    ...before,
    'dist-tags': Object.fromEntries(
      Object.entries({ ...before['dist-tags'], ...tags }).filter(([, version]) => version !== null),
    ) as Record<string, string>,
  }));
}

/** Every change is a new node of the package document. */
async function changeDocument(
  repository: RepositoryBuilder,
  name: string,
  change: (before: PackageDocument) => PackageDocument,
): Promise<string> {
  const path = `/.npm/${name}/package.json`;
  const stored = await repository.content(path);
  const now = repository.builder.now().toISOString();
  const before: PackageDocument =
    stored === undefined
      ? { _id: name, _rev: '1-0', name, 'dist-tags': {}, versions: {}, time: { created: now }, users: {}, access: null }
      : (JSON.parse(stored.toString()) as PackageDocument);
  const after = change(before);
  await repository.putFile(path, json({ ...after, time: { ...after.time, modified: now } }));
  return path;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function tagsTo(version: string, tags: readonly string[]): Record<string, string> {
  return Object.fromEntries(tags.map((tag) => [tag, version]));
}

function prefixed(files: Entries): Entries {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [`package/${path}`, content]));
}

function json(document: unknown): string {
  return JSON.stringify(document, null, 2);
}

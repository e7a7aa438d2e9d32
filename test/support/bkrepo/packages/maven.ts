/** Maven artifacts as `mvn deploy` leaves them on a server: releases, snapshots with builds, poms, checksum files. */
import { Int32 } from 'mongodb';
import type { RepositoryBuilder, StoredMetadata } from '../repository-builder.ts';
import { zip } from './archives.ts';
import { type Algorithm, entriesOf, hashOf } from './digests.ts';
import { type PutResult, putVersion } from './version.ts';

export interface MavenFile {
  readonly classifier?: string;
  readonly extension: string;
  readonly content?: string | Uint8Array;
}

export interface MavenOptions {
  /** Default `jar`; `pom` = a pom alone. */
  readonly packaging?: string;
  /** The main artifact and the pom, where they are not to be made up. */
  readonly main?: string | Uint8Array;
  readonly pom?: string | Uint8Array;
  /** Beside the main artifact and the pom, in the order of their upload. Default: none. */
  readonly files?: readonly MavenFile[];
  /** Instants of the builds of a snapshot, the newest last. Default: one, now. */
  readonly builds?: readonly Date[];
  /** Files that the client sends beside each of its own. Default md5 and sha1, as Maven does. */
  readonly checksums?: readonly Algorithm[];
  /** `group:artifact:version` each. */
  readonly dependencies?: readonly string[];
  /** false = the artifact-level maven-metadata.xml is left as it is. Default true. */
  readonly artifactMetadata?: boolean;
}

interface Coordinates {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  readonly packaging: string;
}

const ALL: readonly Algorithm[] = ['md5', 'sha1', 'sha256', 'sha512'];

/** A version that ends with `-SNAPSHOT` gets timestamped files and a maven-metadata.xml of its own. */
export async function putMaven(
  repository: RepositoryBuilder,
  group: string,
  artifact: string,
  version: string,
  options: MavenOptions = {},
): Promise<PutResult> {
  const at: Coordinates = { group, artifact, version, packaging: options.packaging ?? 'jar' };
  const upload = new Upload(repository, options.checksums ?? ['md5', 'sha1']);
  const snapshot = version.endsWith('-SNAPSHOT');
  const builds = snapshot ? (options.builds ?? [repository.builder.now()]) : [undefined];
  const packageKey = `gav://${group}:${artifact}`;
  for (const [index, built] of builds.entries()) {
    const fileVersion = built === undefined ? version : buildName(version, built, index + 1);
    const files = filesOf(at, options, fileVersion);
    for (const file of files) await upload.artifact(at, fileVersion, file, snapshot);
    await registerVersion(repository, at, packageKey, fileVersion, files);
    if (built !== undefined) await upload.snapshotMetadata(at, files, built, index + 1);
  }
  if (options.artifactMetadata !== false) await upload.artifactMetadata(at, packageKey, builds.at(-1));
  return { packageKey, version, paths: upload.paths };
}

/** The version's artifact is the file that was deployed last, other than poms (fixture: the sources of lib 1.0.0). */
async function registerVersion(
  repository: RepositoryBuilder,
  at: Coordinates,
  key: string,
  fileVersion: string,
  files: readonly Required<MavenFile>[],
): Promise<void> {
  const last = files.findLast((file) => file.extension !== 'pom') ?? files[0];
  if (last === undefined) throw new Error('no file');
  await putVersion(
    repository,
    { key, name: at.artifact, type: 'MAVEN' },
    {
      name: at.version,
      size: Buffer.byteLength(last.content),
      artifactPath: `${folderOf(at)}/${fileName(at, fileVersion, last)}`,
      metadata: entriesOf({
        groupId: at.group,
        artifactId: at.artifact,
        version: at.version,
        classifier: last.classifier === '' ? undefined : last.classifier,
      }),
    },
  );
}

/** Puts files with their checksum files, and remembers every path. */
class Upload {
  readonly #written = new Set<string>();
  readonly #repository: RepositoryBuilder;
  readonly #checksums: readonly Algorithm[];

  constructor(repository: RepositoryBuilder, checksums: readonly Algorithm[]) {
    this.#repository = repository;
    this.#checksums = checksums;
  }

  get paths(): readonly string[] {
    return [...this.#written];
  }

  async artifact(at: Coordinates, fileVersion: string, file: Required<MavenFile>, snapshot: boolean): Promise<void> {
    const { group, artifact, version, packaging } = at;
    const path = `${folderOf(at)}/${fileName(at, fileVersion, file)}`;
    const classifier = file.classifier === '' ? undefined : file.classifier;
    const of = { packaging, groupId: group, artifactId: artifact, version, classifier };
    await this.#put(path, file.content, [...checksumsOf(file.content), ...entriesOf(of)]);
    await this.#clientChecksums(path, file.content);
    if (snapshot) await this.#serverChecksums(path, file.content, ['sha256', 'sha512']);
    await this.#repository.builder.db.collection('maven_metadata').updateOne(
      {
        artifactId: artifact,
        extension: file.extension,
        groupId: group,
        projectId: this.#repository.projectId,
        repoName: this.#repository.name,
        version,
        ...(classifier === undefined ? {} : { classifier }),
      },
      { $inc: { buildNo: new Int32(snapshot ? 1 : 0) } },
      { upsert: true },
    );
  }

  /** In a snapshot's folder the server writes the document itself, and all four checksums. */
  async snapshotMetadata(
    at: Coordinates,
    files: readonly Required<MavenFile>[],
    built: Date,
    buildNumber: number,
  ): Promise<void> {
    const path = `${folderOf(at)}/maven-metadata.xml`;
    const content = snapshotXml(at, files, built, buildNumber);
    await this.#put(path, content, checksumsOf(content));
    await this.#serverChecksums(path, content, ALL);
  }

  /** At artifact level it is what the client sends. */
  async artifactMetadata(at: Coordinates, packageKey: string, built: Date | undefined): Promise<void> {
    const path = `${folderOf(at).slice(0, -at.version.length - 1)}/maven-metadata.xml`;
    const content = artifactXml(
      at,
      await versionsOf(this.#repository, packageKey),
      built ?? this.#repository.builder.now(),
    );
    await this.#put(path, content, checksumsOf(content));
    await this.#clientChecksums(path, content);
  }

  async #clientChecksums(path: string, content: string | Uint8Array): Promise<void> {
    for (const algorithm of this.#checksums) {
      const text = hashOf(algorithm, content);
      await this.#put(`${path}.${algorithm}`, text, checksumsOf(text));
    }
  }

  async #serverChecksums(path: string, content: string | Uint8Array, algorithms: readonly Algorithm[]): Promise<void> {
    for (const algorithm of algorithms)
      if (!this.#written.has(`${path}.${algorithm}`) || path.endsWith('.xml'))
        await this.#put(`${path}.${algorithm}`, hashOf(algorithm, content), []);
  }

  async #put(path: string, content: string | Uint8Array, metadata: readonly StoredMetadata[]): Promise<void> {
    await this.#repository.putFile(path, content, { metadata });
    this.#written.add(path);
  }
}

/** Versions in the order in which they were first deployed. */
async function versionsOf(repository: RepositoryBuilder, key: string): Promise<readonly string[]> {
  const { builder, projectId, name: repoName } = repository;
  const found = await (await builder.collection('package')).findOne({ projectId, repoName, key });
  const versions = await (await builder.collection('package_version'))
    .find({ packageId: found?._id.toHexString() })
    .toArray();
  const live = new Set(versions.map((version) => String(version['name'])));
  return ((found?.['historyVersion'] ?? []) as string[]).filter((name) => live.has(name));
}

function filesOf(at: Coordinates, options: MavenOptions, fileVersion: string): Required<MavenFile>[] {
  const pom = { classifier: '', extension: 'pom', content: options.pom ?? pomXml(at, options.dependencies ?? []) };
  const main = { classifier: '', extension: at.packaging, content: options.main ?? jarOf(at, fileVersion, 'main') };
  const more = (options.files ?? []).map((file) => ({
    classifier: file.classifier ?? '',
    extension: file.extension,
    content: file.content ?? jarOf(at, fileVersion, file.classifier ?? file.extension),
  }));
  return at.packaging === 'pom' ? [pom, ...more] : [main, pom, ...more];
}

function folderOf({ group, artifact, version }: Coordinates): string {
  return `/${group.split('.').join('/')}/${artifact}/${version}`;
}

function fileName({ artifact }: Coordinates, fileVersion: string, file: Required<MavenFile>): string {
  return `${artifact}-${fileVersion}${file.classifier === '' ? '' : `-${file.classifier}`}.${file.extension}`;
}

function checksumsOf(content: string | Uint8Array): StoredMetadata[] {
  return ALL.map((algorithm) => ({ key: algorithm, value: hashOf(algorithm, content), system: false }));
}

function jarOf({ group, artifact }: Coordinates, fileVersion: string, part: string): Buffer {
  return zip({
    'META-INF/MANIFEST.MF': 'Manifest-Version: 1.0\r\nCreated-By: fixture\r\n\r\n',
    [`${artifact}.properties`]: `group=${group}\nversion=${fileVersion}\npart=${part}\n`,
  });
}

function pomXml({ group, artifact, version, packaging }: Coordinates, dependencies: readonly string[]): string {
  const listed = dependencies.map((dependency) => {
    const [groupId, artifactId, wanted] = dependency.split(':');
    return `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${wanted}</version></dependency>`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version><packaging>${packaging}</packaging>
<name>${artifact}</name>${listed.length === 0 ? '' : `<dependencies>${listed.join('')}</dependencies>`}</project>
`;
}

function artifactXml({ group, artifact }: Coordinates, versions: readonly string[], updated: Date): string {
  const release = versions.findLast((version) => !version.endsWith('-SNAPSHOT'));
  return `<?xml version="1.0" encoding="UTF-8"?>
<metadata>
  <groupId>${group}</groupId>
  <artifactId>${artifact}</artifactId>
  <versioning>
${release === undefined ? '' : `    <release>${release}</release>\n`}    <versions>
${versions.map((version) => `      <version>${version}</version>\n`).join('')}    </versions>
    <lastUpdated>${digitsOf(updated)}</lastUpdated>
  </versioning>
</metadata>
`;
}

function snapshotXml(
  { group, artifact, version }: Coordinates,
  files: readonly Required<MavenFile>[],
  built: Date,
  buildNumber: number,
): string {
  const value = buildName(version, built, buildNumber);
  const listed = files.map(
    (file) => `      <snapshotVersion>
${file.classifier === '' ? '' : `        <classifier>${file.classifier}</classifier>\n`}        <extension>${file.extension}</extension>
        <value>${value}</value>
        <updated>${stampOf(built)}</updated>
      </snapshotVersion>
`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<metadata modelVersion="1.1.0">
  <groupId>${group}</groupId>
  <artifactId>${artifact}</artifactId>
  <version>${version}</version>
  <versioning>
    <snapshot>
      <timestamp>${stampOf(built)}</timestamp>
      <buildNumber>${buildNumber}</buildNumber>
    </snapshot>
    <lastUpdated>${digitsOf(built)}</lastUpdated>
    <snapshotVersions>
${listed.join('')}    </snapshotVersions>
  </versioning>
</metadata>
`;
}

/** `2.0.0-20261122.151628-2` */
function buildName(version: string, built: Date, buildNumber: number): string {
  return `${version.slice(0, -'SNAPSHOT'.length)}${stampOf(built)}-${buildNumber}`;
}

function stampOf(instant: Date): string {
  return `${digitsOf(instant).slice(0, 8)}.${digitsOf(instant).slice(8)}`;
}

function digitsOf(instant: Date): string {
  return instant.toISOString().replaceAll(/\D/g, '').slice(0, 14);
}

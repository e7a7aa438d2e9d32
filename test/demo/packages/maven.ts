/**
 * Real Maven artifacts: `mvn` itself resolves a small project and copies what it found – jars, poms with their parents,
 * sources – out of its registry. They stay in the project's cache, so that this is done once. Where there is no Maven,
 * or no way to its registry, npm tarballs become artifacts of packaging `tgz` instead: real ones, and nothing is fetched.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheRoot } from '../../support/assets/cache.ts';
import { discard, obtain, PartUnavailable } from '../../support/assets/chain.ts';
import { command } from '../../support/assets/command.ts';
import { DEPENDENCY_PLUGIN_NAME } from '../../support/assets/maven-part.ts';
import { type Part, type Say, WayFailed } from '../../support/assets/way.ts';
import { ensureMaven } from '../../support/assets.ts';
import { type MavenFile, putMaven } from '../../support/bkrepo/packages/maven.ts';
import type { RepositoryBuilder } from '../../support/bkrepo/repository-builder.ts';
import type { NpmPackage } from './npm.ts';

export interface MavenArtifact {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
  /** Extension of the main artifact; `pom` = there is none but the pom. */
  readonly packaging: string;
  readonly main?: Uint8Array;
  /** undefined = one is made up. */
  readonly pom?: Uint8Array;
  /** What has a classifier. */
  readonly files: readonly MavenFile[];
}

const GROUP = 'com.example.demo';
const PROJECT = projectXml('libraries', [
  'com.google.code.gson:gson:2.10.1',
  'com.google.code.gson:gson:2.10.1:sources',
  'com.google.guava:guava:33.2.1-jre',
  'commons-io:commons-io:2.16.1',
  'org.slf4j:slf4j-api:2.0.13',
  'org.slf4j:slf4j-api:2.0.13:sources',
]);
/** Maven gives a project one version of an artifact: the older ones need one of their own. */
const OLDER = projectXml('older-libraries', ['com.google.code.gson:gson:2.9.1', 'org.slf4j:slf4j-simple:1.7.36']);
/** Of the project itself, which is deployed as a snapshot. */
const BUILDS = [new Date('2026-11-01T08:00:00Z'), new Date('2026-11-02T08:00:00Z')];

/** What Maven fetched, or a replacement, and says so in one line. */
export async function fetchedArtifacts(
  npmPackages: readonly NpmPackage[],
  say: Say,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<readonly MavenArtifact[]> {
  try {
    const { paths } = await obtain(artifactsPart(environment), cacheRoot(environment), say);
    return await readArtifacts(paths);
  } catch (error) {
    if (!(error instanceof PartUnavailable)) throw error;
    const reason = (error.reasons.at(-1) ?? '')
      .replace(/^\d [^:]*: /, '')
      .replaceAll(/\s+/g, ' ')
      .slice(0, 300);
    say(`no artifacts from Maven (${reason}): the MAVEN repository gets npm tarballs as artifacts of packaging tgz`);
    return npmPackages.map(({ name, version, tarball }) => {
      const [artifact = name, scope] = name.split('/').toReversed();
      return {
        group: `${GROUP}.npm${scope === undefined ? '' : `.${scope.replace('@', '')}`}`,
        artifact,
        version,
        packaging: 'tgz',
        main: tarball,
        files: [],
      };
    });
  }
}

/** Deploys them as releases, and the project that asked for them as a snapshot with two builds. */
export async function deployArtifacts(
  repository: RepositoryBuilder,
  artifacts: readonly MavenArtifact[],
): Promise<void> {
  for (const { group, artifact, version, ...files } of artifacts)
    await putMaven(repository, group, artifact, version, files);
  await putMaven(repository, GROUP, 'libraries', '1.0-SNAPSHOT', { packaging: 'pom', pom: PROJECT, builds: BUILDS });
}

function artifactsPart(environment: NodeJS.ProcessEnv): Part<string> {
  const recipe = createHash('sha256').update(`${DEPENDENCY_PLUGIN_NAME}\n${PROJECT}\n${OLDER}`).digest('hex');
  return {
    name: 'maven-artifacts',
    recipe: recipe.slice(0, 12),
    fromUser: () => Promise.reject(new WayFailed('the local repository of the user is left alone')),
    suppliers: [
      {
        name: 'the official download',
        supply: () => Promise.reject(new WayFailed('there is none beside the registry')),
      },
      { name: 'the package registries (Maven)', supply: (into, say) => fromMaven(into, say, environment) },
    ],
    pathsIn: (directory) => path.join(directory, 'repository'),
  };
}

async function fromMaven(into: string, say: Say, environment: NodeJS.ProcessEnv): Promise<{ version: string }> {
  const { mvn, plugins } = await maven(say, environment);
  const work = path.join(into, 'work');
  await mkdir(path.join(work, 'older'), { recursive: true });
  await writeFile(path.join(work, 'older/pom.xml'), OLDER);
  await writeFile(
    path.join(work, 'pom.xml'),
    PROJECT.replace('</project>', '<modules><module>older</module></modules></project>'),
  );
  const local = path.join(work, 'local');
  await cp(plugins, local, { recursive: true });
  const copied = path.join(work, 'copied');
  const flags = ['useRepositoryLayout', 'copyPom', 'addParentPoms'].map((name) => `-Dmdep.${name}=true`);
  await command(
    mvn,
    [
      '-B',
      '-q',
      `-Dmaven.repo.local=${local}`,
      `${DEPENDENCY_PLUGIN_NAME}:copy-dependencies`,
      `-DoutputDirectory=${copied}`,
      ...flags,
    ],
    {
      cwd: work,
      env: environment,
      timeoutMs: 300_000,
      progress: { say, what: 'mvn fetches artifacts', everyMs: 5_000 },
    },
  );
  // Notes of the local repository, which no registry has.
  for (const entry of await readdir(copied, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && !/\.(?:jar|pom)$/.test(entry.name)) await rm(path.join(entry.parentPath, entry.name));
  await cp(copied, path.join(into, 'repository'), { recursive: true });
  await discard(work);
  return { version: `${(await readArtifacts(path.join(into, 'repository'))).length} artifacts` };
}

async function maven(say: Say, environment: NodeJS.ProcessEnv): ReturnType<typeof ensureMaven> {
  try {
    return await ensureMaven(say, environment);
  } catch (error) {
    if (!(error instanceof PartUnavailable)) throw error;
    throw new WayFailed('there is no mvn here; `npm run assets maven` says why', { cause: error });
  }
}

/** A directory in Maven's layout, in the order of its paths. */
async function readArtifacts(directory: string): Promise<readonly MavenArtifact[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const byFolder = Map.groupBy(files, (entry) => path.relative(directory, entry.parentPath));
  const artifacts: MavenArtifact[] = [];
  for (const folder of [...byFolder.keys()].sort()) {
    const names = (byFolder.get(folder) ?? []).map((entry) => entry.name).sort();
    artifacts.push(await readArtifact(path.join(directory, folder), folder.split(path.sep), names));
  }
  return artifacts;
}

async function readArtifact(
  directory: string,
  folder: readonly string[],
  names: readonly string[],
): Promise<MavenArtifact> {
  const [version = '', artifact = '', ...group] = folder.toReversed();
  const prefix = `${artifact}-${version}`;
  const content = (name: string): Promise<Buffer> => readFile(path.join(directory, name));
  const classified = names.flatMap((name) => {
    const [, classifier, extension] = /^-(.+)\.(\w+)$/.exec(name.slice(prefix.length)) ?? [];
    return classifier === undefined || extension === undefined ? [] : [{ name, classifier, extension }];
  });
  return {
    group: group.toReversed().join('.'),
    artifact,
    version,
    pom: await content(`${prefix}.pom`),
    ...(names.includes(`${prefix}.jar`)
      ? { packaging: 'jar', main: await content(`${prefix}.jar`) }
      : { packaging: 'pom' }),
    files: await Promise.all(classified.map(async ({ name, ...file }) => ({ ...file, content: await content(name) }))),
  };
}

function projectXml(artifactId: string, dependencies: readonly string[]): string {
  const listed = dependencies.map((dependency) => {
    const [group, artifact, version, classifier] = dependency.split(':');
    const more = classifier === undefined ? '' : `<classifier>${classifier}</classifier>`;
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${more}</dependency>\n`;
  });
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>${GROUP}</groupId><artifactId>${artifactId}</artifactId><version>1.0-SNAPSHOT</version><packaging>pom</packaging>
<dependencies>
${listed.join('')}</dependencies>
</project>
`;
}

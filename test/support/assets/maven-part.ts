import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { discard } from './chain.ts';
import { command, compareVersions, findOnPath, isExecutable } from './command.ts';
import { fetchLarge, fetchSmall, publishedChecksum } from './download.ts';
import { findInstalled } from './installed.ts';
import { type Found, type Part, type Say, WayFailed } from './way.ts';

/** The variable that names the mvn to use. */
const MAVEN_VARIABLE = 'BKREPO_REPLICATOR_MVN';

/** Understands every option we use. */
const OLDEST = '3.6.0';
const DOWNLOADED = '3.9.11';
/** Copies artifacts, with the resolver of Maven itself. */
const DEPENDENCY_PLUGIN = '3.8.1';
export const DEPENDENCY_PLUGIN_NAME = `org.apache.maven.plugins:maven-dependency-plugin:${DEPENDENCY_PLUGIN}`;

/** The program `mvn`; it needs a Java of the user's. */
export function mavenPart(environment: NodeJS.ProcessEnv): Part<string> {
  return {
    name: 'maven',
    recipe: DOWNLOADED,
    fromUser: (say) =>
      findInstalled(
        { variable: MAVEN_VARIABLE, name: 'mvn', versionOf: (mvn) => usableVersion(mvn, environment) },
        environment,
        say,
      ),
    suppliers: [
      { name: 'the official download', supply: (into, say) => fromDownload(into, say, environment) },
      {
        name: 'the package registries',
        supply: () =>
          Promise.reject(new WayFailed('only Maven itself fetches from its registry; install it (Debian: maven)')),
      },
    ],
    pathsIn: (directory) => join(directory, 'apache-maven', 'bin', 'mvn'),
  };
}

async function usableVersion(mvn: string, environment: NodeJS.ProcessEnv): Promise<string> {
  if (!(await isExecutable(mvn))) throw new WayFailed(`${mvn} is not an executable file`);
  const printed = await command(mvn, ['-B', '--version'], { env: environment, timeoutMs: 60_000 });
  const version = /Apache Maven (\d+\.\d+\.\d+)/.exec(printed)?.[1];
  if (version === undefined) throw new WayFailed(`${mvn} --version does not name a version of Maven`);
  if (compareVersions(version, OLDEST) < 0) throw new WayFailed(`${mvn} is ${version}, older than ${OLDEST}`);
  return version;
}

async function fromDownload(into: string, say: Say, environment: NodeJS.ProcessEnv): Promise<{ version: string }> {
  const javaHome = environment['JAVA_HOME'] ?? '';
  if (javaHome === '' && (await findOnPath('java', environment)) === undefined)
    throw new WayFailed('there is no Java: JAVA_HOME is not set, and no java is on PATH');
  const archive = `https://archive.apache.org/dist/maven/maven-3/${DOWNLOADED}/binaries/apache-maven-${DOWNLOADED}-bin.tar.gz`;
  const expected = publishedChecksum('sha512', await fetchSmall(`${archive}.sha512`));
  const work = join(into, 'work');
  await mkdir(work);
  await fetchLarge(archive, join(work, 'maven.tar.gz'), expected, say);
  await command('tar', ['-xzf', join(work, 'maven.tar.gz'), '-C', work], { timeoutMs: 300_000 });
  await rename(join(work, `apache-maven-${DOWNLOADED}`), join(into, 'apache-maven'));
  await discard(work);
  const mvn = join(into, 'apache-maven', 'bin', 'mvn');
  await chmod(mvn, 0o755);
  return { version: await usableVersion(mvn, environment) };
}

/**
 * A local repository of Maven with the plugin {@link DEPENDENCY_PLUGIN_NAME} and all that it needs, so that a Maven with
 * a copy of it asks no other registry for anything. Fetched by `mvn` from the registry that the user's settings name.
 */
export function mavenPluginsPart(mvn: Found<string>, environment: NodeJS.ProcessEnv): Part<string> {
  return {
    name: 'maven-plugins',
    recipe: `${DEPENDENCY_PLUGIN}-maven-${mvn.version}`,
    fromUser: () => Promise.reject(new WayFailed('the local repository of the user is left alone')),
    suppliers: [
      {
        name: 'the official download',
        supply: () => Promise.reject(new WayFailed('there is none beside the registry')),
      },
      {
        name: 'the package registries (Maven)',
        supply: (into, say) => pluginsFromMaven(mvn, into, say, environment),
      },
    ],
    pathsIn: (directory) => join(directory, 'repository'),
  };
}

const EMPTY_PROJECT = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>bkrepo-replicator</groupId><artifactId>nothing</artifactId><version>1</version><packaging>pom</packaging></project>
`;

async function pluginsFromMaven(
  mvn: Found<string>,
  into: string,
  say: Say,
  environment: NodeJS.ProcessEnv,
): Promise<{ version: string }> {
  const repository = join(into, 'repository');
  const work = join(into, 'work');
  await mkdir(work);
  const pom = join(work, 'pom.xml');
  await writeFile(pom, EMPTY_PROJECT);
  await command(
    mvn.paths,
    ['-B', '-q', '-f', pom, `-Dmaven.repo.local=${repository}`, `${DEPENDENCY_PLUGIN_NAME}:help`],
    { cwd: work, env: environment, timeoutMs: 600_000, progress: { say, what: 'mvn fetches a plugin' } },
  );
  await discard(work);
  // What is not tracked counts as there, whatever the registry is called in the settings of whoever uses it.
  for (const entry of await readdir(repository, { recursive: true, withFileTypes: true }))
    if (entry.name === '_remote.repositories' || entry.name.endsWith('.lastUpdated'))
      await rm(join(entry.parentPath, entry.name));
  return { version: DEPENDENCY_PLUGIN };
}

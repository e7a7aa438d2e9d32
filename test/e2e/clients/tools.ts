/**
 * Real clients of package registries, each as its user runs it, but with nothing of the user's own settings: what a test
 * does not name is not asked, so that a missing file at the far side is never made good by another registry.
 */
import { randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { command } from '../../support/assets/command.ts';
import { DEPENDENCY_PLUGIN_NAME } from '../../support/assets/maven-part.ts';
import { ensureClient, ensureMaven, type MavenPaths } from '../../support/assets.ts';

const LIMIT_MS = 90_000;
/** For a Java that runs for seconds. */
const SHORT_LIVED = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';

export interface MavenArtifact {
  /** `group:artifact:version` */
  readonly coordinates: string;
  readonly classifier?: string;
  readonly type?: string;
}

/** Each call works in a fresh directory and with empty caches below `directory`. */
export class Tools {
  readonly #directory: string;
  readonly #found = new Map<string, Promise<string>>();
  #maven: Promise<MavenPaths> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Resolves artifacts and their poms, one after another, with checksums enforced, from one repository alone; answers the
   * files by name.
   */
  async maven(repositoryUrl: string, artifacts: readonly MavenArtifact[]): Promise<ReadonlyMap<string, Buffer>> {
    this.#maven ??= ensureMaven();
    const { mvn, plugins } = await this.#maven;
    const work = await this.#work('maven');
    const output = path.join(work, 'output');
    const local = path.join(work, 'repository');
    await cp(plugins, local, { recursive: true });
    const pom = path.join(work, 'pom.xml');
    await writeFile(pom, projectXml(repositoryUrl, artifacts, output));
    const settings = path.join(work, 'settings.xml');
    await writeFile(settings, '<settings/>\n');
    const env = { ...environmentWithout(/^MAVEN_/), MAVEN_SKIP_RC: 'true', MAVEN_OPTS: SHORT_LIVED };
    await command(
      mvn,
      ['-B', '-q', '-s', settings, '-gs', settings, '-f', pom, `-Dmaven.repo.local=${local}`, COPY_GOAL],
      { cwd: work, env, timeoutMs: LIMIT_MS, tailLines: 20 },
    );
    return filesOf(output);
  }

  /** Installs `name@tag` and what it depends on; answers the directory `node_modules`. */
  async npm(registry: string, specs: readonly string[]): Promise<string> {
    const npm = await this.#client('npm');
    const work = await this.#work('npm');
    await writeFile(path.join(work, 'package.json'), '{"name":"consumer","version":"1.0.0","private":true}\n');
    const apart = ['--userconfig', path.join(work, 'no-npmrc'), '--globalconfig', path.join(work, 'no-global-npmrc')];
    const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--fetch-retries', '0', '--loglevel', 'warn'];
    await command(
      npm,
      ['install', ...specs, '--registry', registry, '--cache', path.join(work, 'cache'), ...apart, ...quiet],
      { cwd: work, env: environmentWithout(/^npm_/i), timeoutMs: LIMIT_MS },
    );
    return path.join(work, 'node_modules');
  }

  /** Installs distributions without their dependencies; answers the directory. */
  async pip(indexUrl: string, requirements: readonly string[]): Promise<string> {
    const python = await this.#client('pip');
    const work = await this.#work('pip');
    const target = path.join(work, 'target');
    const apart = ['--isolated', '--disable-pip-version-check', '--no-cache-dir', '--retries', '0'];
    const what = ['--no-deps', '--only-binary', ':all:', '--index-url', indexUrl, '--target', target, ...requirements];
    await command(python, ['-m', 'pip', 'install', ...apart, ...what], {
      cwd: work,
      env: { ...environmentWithout(/^PIP_/), PIP_CONFIG_FILE: '/dev/null' },
      timeoutMs: LIMIT_MS,
    });
    return target;
  }

  /** Pulls a chart of a repository; answers the files by name. `prov` also fetches the provenance file. */
  async helm(
    repositoryUrl: string,
    chart: string,
    version: string,
    options: { readonly prov?: boolean } = {},
  ): Promise<ReadonlyMap<string, Buffer>> {
    const helm = await this.#client('helm');
    const work = await this.#work('helm');
    const output = path.join(work, 'output');
    await mkdir(output);
    const homes = ['CACHE', 'CONFIG', 'DATA'].map((kind) => [`HELM_${kind}_HOME`, path.join(work, kind)] as const);
    const what = [chart, '--repo', repositoryUrl, '--version', version, ...(options.prov === true ? ['--prov'] : [])];
    await command(helm, ['pull', ...what, '--destination', output], {
      cwd: work,
      env: { ...environmentWithout(/^HELM_/), ...Object.fromEntries(homes) },
      timeoutMs: LIMIT_MS,
    });
    return filesOf(output);
  }

  /** What `crane` prints. References are `host/project/repository/name:tag` or `…@sha256:…`. */
  async crane(...args: readonly string[]): Promise<string> {
    const crane = await this.#client('crane');
    const work = await this.#work('crane');
    const env = { ...process.env, DOCKER_CONFIG: work };
    return command(crane, args, { cwd: work, env, timeoutMs: LIMIT_MS });
  }

  /** Pulls an image, or an index with all its images, as an OCI layout; answers the digests of its blobs, in hex. */
  async cranePull(reference: string): Promise<readonly string[]> {
    const layout = path.join(await this.#work('layout'), 'layout');
    await this.crane('pull', '--format', 'oci', reference, layout);
    return (await readdir(path.join(layout, 'blobs', 'sha256'))).sort();
  }

  #client(name: Parameters<typeof ensureClient>[0]): Promise<string> {
    const found = this.#found.get(name) ?? ensureClient(name);
    this.#found.set(name, found);
    return found;
  }

  async #work(name: string): Promise<string> {
    const work = path.join(this.#directory, `${name}-${randomUUID()}`);
    await mkdir(work, { recursive: true });
    return work;
  }
}

const COPY_GOAL = `${DEPENDENCY_PLUGIN_NAME}:copy`;

/** The repository takes the place of Maven's own default, so that there is no other one. */
function projectXml(url: string, artifacts: readonly MavenArtifact[], output: string): string {
  const policy = '<enabled>true</enabled><updatePolicy>always</updatePolicy><checksumPolicy>fail</checksumPolicy>';
  const about = `<id>central</id><url>${url}</url><releases>${policy}</releases><snapshots>${policy}</snapshots>`;
  const items = artifacts.map(({ coordinates, classifier, type = 'jar' }) => {
    const [group, artifact, version] = coordinates.split(':');
    const file = `<groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>`;
    const kind = `<type>${type}</type>${classifier === undefined ? '' : `<classifier>${classifier}</classifier>`}`;
    return `<artifactItem>${file}${kind}</artifactItem>`;
  });
  const [group, plugin, version] = DEPENDENCY_PLUGIN_NAME.split(':');
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>consumer</groupId><artifactId>consumer</artifactId><version>1</version><packaging>pom</packaging>
<repositories><repository>${about}</repository></repositories>
<pluginRepositories><pluginRepository>${about}</pluginRepository></pluginRepositories>
<build><plugins><plugin><groupId>${group}</groupId><artifactId>${plugin}</artifactId><version>${version}</version>
<configuration><outputDirectory>${output}</outputDirectory><useBaseVersion>true</useBaseVersion>
<artifactItems>${items.join('\n')}</artifactItems></configuration></plugin></plugins></build></project>
`;
}

async function filesOf(directory: string): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const name of (await readdir(directory)).sort()) files.set(name, await readFile(path.join(directory, name)));
  return files;
}

/** A proxy of the user's does not lead to this machine. */
function environmentWithout(names: RegExp): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !names.test(name));
  return { ...Object.fromEntries(kept), NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' };
}

/** What users do to packages: they publish, push, and take versions back. */
import { putImage } from '../../support/bkrepo/packages/image.ts';
import { putMaven } from '../../support/bkrepo/packages/maven.ts';
import { putNpm } from '../../support/bkrepo/packages/npm.ts';
import type { PutResult } from '../../support/bkrepo/packages/version.ts';
import type { SourceRepository } from '../../support/source-repository.ts';
import { removeVersionOf } from '../../support/source-versions.ts';
import { eventually } from '../../support/wait.ts';
import { SOURCE_HOST } from '../packages/npm.ts';
import type { Arrivals, FileSign, VersionSign, Write } from './arrivals.ts';

/** How often each is done. */
export const PACKAGE_WRITES = { 'npm publish': 12, 'npm unpublish': 4, 'mvn deploy': 10, 'image push': 10 } as const;
type Kind = keyof typeof PACKAGE_WRITES;

const NAMES = ['app', 'library', 'tool'];
const GROUP = 'com.example.demo';
/** Milliseconds. */
const PATIENCE = 60_000;

export interface PackageRepositories {
  readonly npm: SourceRepository;
  readonly maven: SourceRepository;
  readonly images: SourceRepository;
}

export class PackageWrites {
  readonly #repositories: PackageRepositories;
  /** What may be taken back. */
  readonly #published: { readonly name: string; readonly version: string }[] = [];
  #count = 0;

  constructor(repositories: PackageRepositories) {
    this.#repositories = repositories;
  }

  /** What there is before anybody follows: a version of each package, and two that are taken back. */
  async prepare(): Promise<void> {
    const { npm, maven, images } = this.#repositories;
    for (const name of NAMES) {
      await publishNpm(npm, name, '1.0.0');
      await putMaven(maven, GROUP, name, '1.0.0');
      await putImage(images, name, '1.0.0');
    }
    for (let count = 0; count < 2; count += 1) await this.#publish();
  }

  async perform(kind: Kind, arrivals: Arrivals): Promise<Write> {
    const { maven, images } = this.#repositories;
    if (kind === 'npm publish') return { what: kind, signs: await this.#publish() };
    if (kind === 'npm unpublish') return { what: kind, signs: await this.#unpublish(arrivals) };
    const { name, version } = this.#next();
    if (kind === 'image push') return { what: kind, signs: signsOf(images, await putImage(images, name, version)) };
    const put = await putMaven(maven, GROUP, name, version);
    const path = `/${GROUP.replaceAll('.', '/')}/${name}/maven-metadata.xml`;
    const index = says(maven, path, { is: true, value: `<version>${version}</version>` });
    return { what: kind, signs: [...signsOf(maven, put), index] };
  }

  async #publish(): Promise<readonly (FileSign | VersionSign)[]> {
    const { npm } = this.#repositories;
    const { name, version } = this.#next();
    const put = await publishNpm(npm, name, version);
    this.#published.push({ name, version });
    return [...signsOf(npm, put), documentSays(npm, name, version, true)];
  }

  async #unpublish(arrivals: Arrivals): Promise<readonly (FileSign | VersionSign)[]> {
    const { npm } = this.#repositories;
    const settled = (): number | undefined => {
      const at = this.#published.findIndex(({ name, version }) => !arrivals.isAwaited(tarball(name, version)));
      return at < 0 ? undefined : at;
    };
    const at = await eventually(settled, { timeoutMs: PATIENCE, intervalMs: 10 });
    const [taken] = this.#published.splice(at, 1);
    if (taken === undefined) throw new Error('there is no version to take back');
    const { name, version } = taken;
    await removeVersionOf(npm, name, version);
    return [
      { repository: npm.name, path: tarball(name, version), there: false },
      { repository: npm.name, path: `/.npm/${name}/${name}-${version}.json`, there: false },
      { repository: npm.name, packageKey: `npm://${name}`, version, there: false },
      documentSays(npm, name, version, false),
    ];
  }

  #next(): { readonly name: string; readonly version: string } {
    this.#count += 1;
    return { name: NAMES[this.#count % NAMES.length] ?? '', version: `1.${this.#count}.0` };
  }
}

function publishNpm(npm: SourceRepository, name: string, version: string): Promise<PutResult> {
  return putNpm(npm, name, version, { host: SOURCE_HOST });
}

function signsOf(repository: SourceRepository, { packageKey, version, paths }: PutResult): (FileSign | VersionSign)[] {
  return [
    ...paths.map((path) => ({ repository: repository.name, path, there: true })),
    { repository: repository.name, packageKey, version, there: true },
  ];
}

function tarball(name: string, version: string): string {
  return `/${name}/-/${name}-${version}.tgz`;
}

function documentSays(npm: SourceRepository, name: string, version: string, is: boolean): FileSign {
  return says(npm, `/.npm/${name}/package.json`, { is, value: `/${name}-${version}.tgz` });
}

function says({ name }: SourceRepository, path: string, text: NonNullable<FileSign['text']>): FileSign {
  return { repository: name, path, there: true, text };
}

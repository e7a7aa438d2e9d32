/** What happens at the source while a run is under way, and what the far sides have of their own before the first one. */
import { seededBytes } from '../bkrepo/content.ts';
import { putCargo, putNuget } from '../bkrepo/packages/archive-types.ts';
import { putHelm, putHelmIndex } from '../bkrepo/packages/helm.ts';
import { putImage } from '../bkrepo/packages/image.ts';
import { putMaven } from '../bkrepo/packages/maven.ts';
import type { MixedRepository } from '../bkrepo/packages/mixed.ts';
import { putNpm } from '../bkrepo/packages/npm.ts';
import { putPypi } from '../bkrepo/packages/pypi.ts';
import { type PutResult, removeVersion } from '../bkrepo/packages/version.ts';
import type { RepositoryBuilder } from '../bkrepo/repository-builder.ts';
import { type SeededRandom, seededRandom } from '../seed.ts';
import type { Expectations, ExpectedVersion } from './expectations.ts';
import type { PlannedChange } from './plan.ts';

type Put = (repository: RepositoryBuilder, version: string) => Promise<PutResult>;

/** One more version of a package that {@link mixedProject} makes. */
const PUTS: Readonly<Record<string, Put>> = {
  NPM: (repository, version) => putNpm(repository, '@mixed/scoped', version),
  MAVEN: (repository, version) => putMaven(repository, 'org.mixed', 'library', version),
  OCI: (repository, version) => putImage(repository, 'team/app', version),
  DOCKER: (repository, version) => putImage(repository, 'team/app', version),
  PYPI: (repository, version) => putPypi(repository, 'mixed-dist', version),
  NUGET: (repository, version) => putNuget(repository, 'Mixed.Package', version),
  CARGO: (repository, version) => putCargo(repository, 'mixed-crate', version),
};
/** Types whose versions share no file with others. */
const DELETABLE: readonly string[] = ['PYPI', 'NUGET', 'HUGGINGFACE'];

/** undefined = these repositories have nothing that could change so. */
export async function changeSource(
  { kind, salt }: PlannedChange,
  repositories: readonly MixedRepository[],
  expectations: Expectations,
): Promise<{ readonly what: string; readonly removed?: ExpectedVersion } | undefined> {
  const random = seededRandom(salt);
  const able = repositories.filter(({ type }) => isAble(kind, type));
  if (able.length === 0) return undefined;
  const { repository, type, name } = random.pick(able);
  switch (kind) {
    case 'new-version': {
      const version = `3.${random.below(1_000)}.0`;
      await moving(repository, expectations, version);
      const put = await PUTS[type]?.(repository, version);
      if (put !== undefined) await expectations.add(repository, [put], true);
      return { what: `${name} has ${put?.packageKey}@${version}` };
    }
    case 'new-snapshot': {
      const version = '2.0.0-SNAPSHOT';
      await moving(repository, expectations, version);
      const put = await putMaven(repository, 'org.mixed', 'library', version, { builds: [new Date()] });
      await expectations.add(repository, [put], true);
      return { what: `${name} has another build of ${put.packageKey}@${version}` };
    }
    case 'changed-file':
      await repository.putFile('/loose/notes.txt', seededBytes(500 + random.below(50_000), salt));
      return { what: `${name} has other notes` };
    case 'deleted-version':
      return await deleteVersion(random, repository, expectations);
  }
}

function isAble(kind: PlannedChange['kind'], type: string): boolean {
  if (kind === 'new-version') return PUTS[type] !== undefined;
  if (kind === 'new-snapshot') return type === 'MAVEN';
  return kind === 'changed-file' || DELETABLE.includes(type);
}

/** What is known of a version no longer holds while its files come one by one. */
async function moving(repository: RepositoryBuilder, expectations: Expectations, version: string): Promise<void> {
  const known = expectations.all.filter((one) => one.repoName === repository.name && one.version === version);
  await expectations.add(repository, known, true);
}

async function deleteVersion(
  random: SeededRandom,
  repository: RepositoryBuilder,
  expectations: Expectations,
): Promise<{ readonly what: string; readonly removed: ExpectedVersion } | undefined> {
  const known = expectations.all.filter((one) => one.repoName === repository.name && one.version.startsWith('1.'));
  if (known.length < 2) return undefined;
  const removed = random.pick(known);
  await removeVersion(repository, removed.packageKey, removed.version);
  for (const path of removed.paths) await repository.deleteFile(path);
  expectations.remove(removed);
  return { what: `${repository.name} lost ${removed.packageKey}@${removed.version}`, removed };
}

/** Versions, files and metadata that only the far side has, beside those that will come. */
export async function seedFarSide(
  mine: RepositoryBuilder,
  { repository, type }: MixedRepository,
): Promise<readonly PutResult[]> {
  await mine.putFile('/loose/only-here.txt', `only here ${mine.name}\n`);
  const notes = await repository.content('/loose/notes.txt');
  const node = await (await repository.builder.shard('node', repository.projectId)).findOne({
    projectId: repository.projectId,
    repoName: repository.name,
    fullPath: '/loose/notes.txt',
    deleted: null,
  });
  const metadata = [...(node?.['metadata'] ?? []), { key: 'far-note', value: 'kept' }];
  if (notes !== undefined) await mine.putFile('/loose/notes.txt', notes, { metadata });
  if (type === 'HELM') {
    const chart = await putHelm(mine, 'mixed-chart', '0.5.0');
    await putHelmIndex(mine, [chart.entry]);
    return [chart];
  }
  const put = await PUTS[type]?.(mine, '0.5.0');
  return put === undefined ? [] : [put];
}

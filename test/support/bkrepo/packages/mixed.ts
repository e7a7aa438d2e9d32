/**
 * A project with one repository of each type, each with a few packages and a loose file: what fault schedules run over.
 * The same seed gives the same content, byte for byte.
 */
import type { BkRepoBuilder } from '../builder.ts';
import { seededBytes } from '../content.ts';
import type { RepositoryBuilder } from '../repository-builder.ts';
import { putCargo, putComposer, putNuget } from './archive-types.ts';
import { tgz } from './archives.ts';
import { putConan } from './conan.ts';
import { putGeneral } from './general.ts';
import { putHelm, putHelmIndex } from './helm.ts';
import { putImage, putImageIndex } from './image.ts';
import { putMaven } from './maven.ts';
import { putNpm } from './npm.ts';
import { putOhpm } from './ohpm.ts';
import { putPypi } from './pypi.ts';
import { putRepodata, putRpm } from './rpm.ts';
import type { PutResult } from './version.ts';

export interface MixedOptions {
  /** Default `mixed`. */
  readonly projectId?: string;
  /** Default 1. */
  readonly seed?: number;
  /** Versions of each package. Default 2. */
  readonly versions?: number;
  /** Bytes of the largest payloads (a layer, a generic file). Default 100,000. */
  readonly largest?: number;
  /** Only these types. Default: all of {@link MIXED_TYPES}. */
  readonly types?: readonly string[];
}

export interface MixedRepository {
  readonly projectId: string;
  /** The type in lower case. */
  readonly name: string;
  readonly type: string;
  readonly repository: RepositoryBuilder;
  readonly packages: readonly PutResult[];
}

interface Fill {
  readonly repository: RepositoryBuilder;
  readonly seed: number;
  readonly largest: number;
  /** `1.0.0`, `1.1.0`, … */
  readonly versions: readonly string[];
}

const FILLERS: Readonly<Record<string, (fill: Fill) => Promise<readonly PutResult[]>>> = {
  GENERIC: fillGeneric,
  MAVEN: fillMaven,
  NPM: ({ repository, versions, seed }) =>
    inOrder(versions, ['@mixed/scoped', 'plain'], (name, version) =>
      putNpm(repository, name, version, {
        tags: version.startsWith('1.0') ? ['latest', 'stable'] : ['latest'],
        files: { 'index.js': `module.exports = ${seed};\n` },
      }),
    ),
  DOCKER: fillImages,
  OCI: fillImages,
  HELM: fillHelm,
  PYPI: ({ repository, versions, seed }) =>
    inOrder(versions, ['mixed-dist'], (name, version) =>
      putPypi(repository, name, version, { summary: `seed ${seed}` }),
    ),
  NUGET: ({ repository, versions }) =>
    inOrder(versions, ['Mixed.Package'], (name, version) => putNuget(repository, name, version)),
  RPM: fillRpm,
  COMPOSER: ({ repository, versions }) =>
    inOrder(versions, ['mixed/library'], (name, version) => putComposer(repository, name, version)),
  CONAN: ({ repository, versions }) =>
    inOrder(versions, ['mixedlib'], (name, version) => putConan(repository, name, version)),
  CARGO: ({ repository, versions }) =>
    inOrder(versions, ['mixed-crate'], (name, version) => putCargo(repository, name, version)),
  OHPM: ({ repository, versions }) =>
    inOrder(versions, ['@mixed/har'], (name, version) => putOhpm(repository, name, version, { shared: true })),
  HUGGINGFACE: fillHuggingface,
};

export const MIXED_TYPES: readonly string[] = Object.keys(FILLERS);

export async function mixedProject(
  builder: BkRepoBuilder,
  options: MixedOptions = {},
): Promise<readonly MixedRepository[]> {
  const { projectId = 'mixed', seed = 1, largest = 100_000 } = options;
  const versions = Array.from({ length: options.versions ?? 2 }, (_, index) => `1.${index}.0`);
  const made: MixedRepository[] = [];
  for (const [type, fill] of Object.entries(FILLERS)) {
    if (options.types?.includes(type) === false) continue;
    const name = type.toLowerCase();
    const repository = await builder.repository(projectId, name, { type });
    const packages = await fill({ repository, seed, largest, versions });
    await repository.putFile('/loose/notes.txt', `loose ${name} ${seed}\n`, {
      metadata: [{ key: 'seed', value: seed }],
    });
    made.push({ projectId, name, type, repository, packages });
  }
  return made;
}

/** Version by version, as they would be published. */
async function inOrder(
  versions: readonly string[],
  names: readonly string[],
  put: (name: string, version: string) => Promise<PutResult>,
): Promise<readonly PutResult[]> {
  const done: PutResult[] = [];
  for (const version of versions) for (const name of names) done.push(await put(name, version));
  return done;
}

async function fillGeneric({ repository, seed, largest }: Fill): Promise<readonly PutResult[]> {
  await repository.putFiles(
    Array.from({ length: 6 }, (_, index) => ({
      path: `/files/${index}.bin`,
      content: seededBytes(Math.ceil(largest / 2 ** index), seed + index),
    })),
  );
  return [];
}

async function fillMaven({ repository, versions }: Fill): Promise<readonly PutResult[]> {
  const now = repository.builder.now().getTime();
  const files = [{ classifier: 'sources', extension: 'jar' }];
  return [
    await putMaven(repository, 'org.mixed', 'parent', '1', { packaging: 'pom' }),
    ...(await inOrder(versions, ['library'], (name, version) =>
      putMaven(repository, 'org.mixed', name, version, { files }),
    )),
    await putMaven(repository, 'org.mixed', 'library', '2.0.0-SNAPSHOT', {
      builds: [new Date(now - 60_000), new Date(now)],
    }),
  ];
}

/** All images share a large layer; an index names children by tag, another one by digest only. */
async function fillImages({ repository, versions, seed, largest }: Fill): Promise<readonly PutResult[]> {
  const base = tgz({ 'base.bin': Buffer.concat([...seededBytes(largest, seed)]) });
  const layersOf = (text: string): { readonly layers: readonly Uint8Array[] } => ({
    layers: [base, tgz({ 'app.txt': `${text} ${seed}` })],
  });
  const images = await inOrder(versions, ['team/app', 'tool'], (name, version) =>
    putImage(repository, name, version, layersOf(`${name}:${version}`)),
  );
  const amd64 = await putImage(repository, 'multi', 'amd64', layersOf('amd64'));
  const arm64 = await putImage(repository, 'multi', 'arm64', { ...layersOf('arm64'), architecture: 'arm64' });
  const byDigest = await putImage(repository, 'untagged', 'a', { ...layersOf('untagged'), byDigest: true });
  return [
    ...images,
    amd64,
    arm64,
    await putImageIndex(repository, 'multi', '1.0', [amd64, arm64]),
    byDigest,
    await putImageIndex(repository, 'untagged', '1.0', [byDigest]),
  ];
}

async function fillHelm({ repository, versions }: Fill): Promise<readonly PutResult[]> {
  const charts = [];
  for (const version of versions)
    charts.push(await putHelm(repository, 'mixed-chart', version, { prov: version === versions.at(-1) }));
  await putHelmIndex(
    repository,
    charts.map((chart) => chart.entry),
  );
  return charts;
}

async function fillRpm({ repository, versions }: Fill): Promise<readonly PutResult[]> {
  const folder = '/el9';
  const packages = await inOrder(versions, ['mixed-tool'], (name, version) =>
    putRpm(repository, name, version, { folder }),
  );
  await putRepodata(repository, packages, folder);
  return packages;
}

/** A type that nobody has rules of its own for. */
async function fillHuggingface({ repository, versions, seed }: Fill): Promise<readonly PutResult[]> {
  return await inOrder(versions, ['mixed/model'], (name, version) => {
    const root = `/${name}/resolve/${version}`;
    return putGeneral(
      repository,
      { key: `huggingface://model/${name}`, name },
      { name: version, artifactPath: `${root}/model.safetensors` },
      {
        [`${root}/config.json`]: `{"seed":${seed}}`,
        [`${root}/model.safetensors`]: Buffer.concat([...seededBytes(5000, seed)]),
      },
    );
  });
}

/** Helm charts as the chart API of a server leaves them, and the index that the server makes of them. */
import type { RepositoryBuilder } from '../repository-builder.ts';
import { type Entries, tgz } from './archives.ts';
import { entriesOf, hashOf } from './digests.ts';
import { putGeneral } from './general.ts';
import type { PutResult } from './version.ts';

export interface HelmOptions {
  readonly description?: string;
  /** Default: derived from the version. */
  readonly appVersion?: string;
  /** true = with a (made-up) provenance file. */
  readonly prov?: boolean;
  /** More files, by their path in the chart. */
  readonly files?: Entries;
}

/** One entry of {@link putHelmIndex}. */
export interface HelmIndexEntry {
  readonly chart: string;
  readonly version: string;
  readonly digest: string;
  readonly appVersion: string;
  readonly description: string;
  readonly created: Date;
}

export interface PutChart extends PutResult {
  readonly entry: HelmIndexEntry;
}

export async function putHelm(
  repository: RepositoryBuilder,
  chart: string,
  version: string,
  options: HelmOptions = {},
): Promise<PutChart> {
  const { description = 'fixture chart', appVersion = `1.${version}` } = options;
  const archive = tgz({
    [`${chart}/Chart.yaml`]: `apiVersion: v2\nname: ${chart}\nversion: ${version}\nappVersion: "${appVersion}"\ndescription: ${description}\ntype: application\nkeywords:\n- fixture\n`,
    [`${chart}/values.yaml`]: 'message: hello\n',
    [`${chart}/templates/config.yaml`]:
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  message: {{ .Values.message }}\n',
    ...Object.fromEntries(Object.entries(options.files ?? {}).map(([path, content]) => [`${chart}/${path}`, content])),
  });
  const metadata = entriesOf({
    apiVersion: 'v2',
    appVersion,
    description,
    keywords: ['fixture'],
    name: chart,
    sources: [],
    urls: [],
    version,
    type: 'application',
  });
  const artifactPath = `/${chart}-${version}.tgz`;
  const put = await putGeneral(
    repository,
    { key: `helm://${chart}`, name: chart, description, extension: { appVersion } },
    { name: version, artifactPath, metadata },
    { [artifactPath]: { content: archive, metadata } },
  );
  const entry = {
    chart,
    version,
    digest: hashOf('sha256', archive),
    appVersion,
    description,
    created: repository.builder.now(),
  };
  if (options.prov !== true) return { ...put, entry };
  const prov = `${artifactPath}.prov`;
  await repository.putFile(prov, provenance(chart, version, entry.digest), {
    metadata: entriesOf({ name: chart, version }),
  });
  return { ...put, entry, paths: [...put.paths, prov] };
}

/** `index-cache.yaml`, written by the server as the user `system`, with addresses at its own host. */
export async function putHelmIndex(
  repository: RepositoryBuilder,
  entries: readonly HelmIndexEntry[],
  host = 'http://127.0.0.1',
): Promise<string> {
  const base = `${host}/helm/${repository.projectId}/${repository.name}/charts`;
  const charts = Map.groupBy(entries, (entry) => entry.chart);
  const listed = [...charts].map(
    ([chart, versions]) => `  ${chart}:\n${versions.map((one) => entryYaml(one, base)).join('')}`,
  );
  const index = `apiVersion: "v1"\nentries:${listed.length === 0 ? ' {}' : ''}\n${listed.join('')}generated: "${repository.builder
    .now()
    .toISOString()}"\nserverInfo: {}\n`;
  const system = { createdBy: 'system', lastModifiedBy: 'system' };
  await repository.putFile('/index-cache.yaml', index, system);
  return '/index-cache.yaml';
}

function entryYaml(entry: HelmIndexEntry, base: string): string {
  return `  - apiVersion: "v2"
    appVersion: "${entry.appVersion}"
    created: "${entry.created.toISOString()}"
    description: "${entry.description}"
    digest: "${entry.digest}"
    keywords:
    - "fixture"
    maintainers: []
    name: "${entry.chart}"
    sources: []
    urls:
    - "${base}/${entry.chart}-${entry.version}.tgz"
    version: "${entry.version}"
    type: "application"
`;
}

function provenance(chart: string, version: string, digest: string): string {
  return `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA512

name: ${chart}
version: ${version}

...
files:
  ${chart}-${version}.tgz: sha256:${digest}
-----BEGIN PGP SIGNATURE-----

fixture
-----END PGP SIGNATURE-----
`;
}

/** The shipped samples with far sides filled in: one Cluster and Secret for each, and tasks to all of them. */
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { readDocuments } from './documents.ts';

const SAMPLES = path.resolve(import.meta.dirname, '../../deploy/samples');

export interface SampleFarSide {
  readonly name: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Name of a ConfigMap with the far side's certificate authority. */
  readonly ca?: string;
}

/** What differs from the samples besides names, addresses and credentials. */
export interface SampleChanges {
  readonly cluster?: object;
  /** Of the tasks. */
  readonly spec?: object;
  readonly setting?: object;
  /** Samples of tasks. Default: the one of files. */
  readonly tasks?: readonly ('replicatask' | 'packages')[];
}

interface Sample {
  readonly metadata: object;
  readonly spec: { readonly setting: object };
}

export async function sampleManifests(
  farSides: readonly SampleFarSide[],
  changes: SampleChanges = {},
): Promise<string> {
  const [secret, cluster] = await Promise.all([read('secret'), read('cluster')]);
  const tasks = await Promise.all((changes.tasks ?? ['replicatask']).map(read));
  const documents: unknown[] = farSides.flatMap(({ name, url, username, password, ca }) => {
    const credentialsSecretRef = { name: `${name}-credentials` };
    const trust = ca === undefined ? {} : { caConfigMapRef: { name: ca } };
    return [
      { ...secret, metadata: { ...secret.metadata, ...credentialsSecretRef }, stringData: { username, password } },
      {
        ...cluster,
        metadata: { ...cluster.metadata, name },
        spec: { ...cluster.spec, url, credentialsSecretRef, ...trust, ...changes.cluster },
      },
    ];
  });
  const remoteClusterIds = farSides.map(({ name }) => name);
  for (const task of tasks)
    documents.push({
      ...task,
      spec: {
        ...task.spec,
        ...changes.spec,
        setting: { ...task.spec.setting, ...changes.setting },
        remoteClusterIds,
      },
    });
  return documents.map((document) => stringify(document)).join('---\n');
}

async function read(name: string): Promise<Sample> {
  return parse(await readFile(path.join(SAMPLES, `${name}.yaml`), 'utf8')) as Sample;
}

const GROUP = /^replication\.bkrepo\.io\//;

export interface Shown {
  /** File and line, for people. */
  readonly where: string;
  /** One or more documents of YAML. */
  readonly text: string;
}

/** What is shown of our kinds: the samples that are files, and the blocks of the documentation; not fragments. */
export async function documentedManifests(): Promise<readonly Shown[]> {
  const shown: Shown[] = [];
  for await (const file of glob('**/*.yaml', { cwd: SAMPLES }))
    shown.push({ where: file, text: await readFile(path.join(SAMPLES, file), 'utf8') });
  for (const { file, blocks } of await readDocuments())
    for (const { language, text, line } of blocks)
      if (language === 'yaml') shown.push({ where: `${file}:${line}`, text });
  return shown.flatMap(({ where, text }) => {
    const ours = parseAllDocuments(text).filter((document) => GROUP.test(String(document.get('apiVersion'))));
    return ours.length === 0 ? [] : [{ where, text: ours.map(String).join('---\n') }];
  });
}

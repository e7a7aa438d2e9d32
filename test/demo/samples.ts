/** The shipped samples, with the demo's far sides filled in: one Cluster and Secret for each, and one task to all. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';

const SAMPLES = path.resolve(import.meta.dirname, '../../deploy/samples');

export interface SampleFarSide {
  readonly name: string;
  readonly url: string;
  readonly username: string;
  readonly password: string;
}

interface Sample {
  readonly metadata: object;
  readonly spec: { readonly setting: object };
}

export async function sampleManifests(farSides: readonly SampleFarSide[]): Promise<string> {
  const [secret, cluster, task] = await Promise.all(['secret', 'cluster', 'replicatask'].map(read));
  if (secret === undefined || cluster === undefined || task === undefined) throw new Error('a sample is missing');
  const documents: unknown[] = farSides.flatMap(({ name, url, username, password }) => [
    { ...secret, metadata: { ...secret.metadata, name: `${name}-credentials` }, stringData: { username, password } },
    {
      ...cluster,
      metadata: { ...cluster.metadata, name },
      spec: { ...cluster.spec, url, credentialsSecretRef: { name: `${name}-credentials` }, probeInterval: '5s' },
    },
  ]);
  const setting = { ...task.spec.setting, conflictStrategy: 'OVERWRITE' };
  documents.push({ ...task, spec: { ...task.spec, setting, remoteClusterIds: farSides.map(({ name }) => name) } });
  return documents.map((document) => stringify(document)).join('---\n');
}

async function read(name: string): Promise<Sample> {
  return parse(await readFile(path.join(SAMPLES, `${name}.yaml`), 'utf8')) as Sample;
}

/** Small client programs of one file each: helm and crane. */
import { chmod, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { discard } from './chain.ts';
import { command, isExecutable } from './command.ts';
import { fetchLarge, fetchSmall, publishedChecksum } from './download.ts';
import { findGo } from './golang.ts';
import { findInstalled } from './installed.ts';
import { type Part, type Say, WayFailed } from './way.ts';

interface Client {
  readonly name: string;
  /** The variable that names the program to use. */
  readonly variable: string;
  /** What is downloaded or built; go.mod and go.sum in the folder of the client's name pin it and everything below it. */
  readonly version: string;
  readonly versionArgs: readonly string[];
  /** The version's number in what it prints. */
  readonly versionPattern: RegExp;
  readonly release: (version: string) => Release;
  readonly oldestGo: string;
  /** Where the version's number goes when it is built. */
  readonly versionVariable: string;
  /** How long a build takes, in words. */
  readonly takes: string;
}

interface Release {
  readonly archive: string;
  readonly checksums: string;
  /** The program's path inside the archive. */
  readonly member: string;
}

const HELM: Client = {
  name: 'helm',
  variable: 'BKREPO_REPLICATOR_HELM',
  version: '3.22.0',
  versionArgs: ['version', '--template', '{{.Version}}'],
  versionPattern: /v(\d+\.\d+\.\d+)/,
  release: (version) => {
    const machine = process.arch === 'x64' ? 'amd64' : process.arch;
    const archive = `https://get.helm.sh/helm-v${version}-${process.platform}-${machine}.tar.gz`;
    return { archive, checksums: `${archive}.sha256sum`, member: `${process.platform}-${machine}/helm` };
  },
  oldestGo: '1.26.0',
  versionVariable: 'helm.sh/helm/v3/internal/version.version=v',
  takes: 'less than a minute when Kubernetes was built here before, else about two',
};

const CRANE: Client = {
  name: 'crane',
  variable: 'BKREPO_REPLICATOR_CRANE',
  version: '0.22.1',
  versionArgs: ['version'],
  versionPattern: /^v?(\d+\.\d+\.\d+)/,
  release: (version) => {
    const releases = `https://github.com/google/go-containerregistry/releases/download/v${version}`;
    const system = `${process.platform[0]?.toUpperCase()}${process.platform.slice(1)}`;
    const machine = process.arch === 'x64' ? 'x86_64' : process.arch;
    return {
      archive: `${releases}/go-containerregistry_${system}_${machine}.tar.gz`,
      checksums: `${releases}/checksums.txt`,
      member: 'crane',
    };
  },
  oldestGo: '1.26.0',
  versionVariable: 'github.com/google/go-containerregistry/cmd/crane/cmd.Version=v',
  takes: 'about half a minute',
};

export function helmPart(environment: NodeJS.ProcessEnv): Part<string> {
  return partOf(HELM, environment);
}

export function cranePart(environment: NodeJS.ProcessEnv): Part<string> {
  return partOf(CRANE, environment);
}

function partOf(client: Client, environment: NodeJS.ProcessEnv): Part<string> {
  return {
    name: client.name,
    recipe: client.version,
    fromUser: (say) =>
      findInstalled(
        { variable: client.variable, name: client.name, versionOf: (program) => versionOf(client, program) },
        environment,
        say,
      ),
    suppliers: [
      { name: 'the official download', supply: (into, say) => fromDownload(client, into, say) },
      {
        name: 'the package registries (Go modules)',
        supply: (into, say) => fromModules(client, into, say, environment),
      },
    ],
    pathsIn: (directory) => join(directory, client.name),
  };
}

async function versionOf({ versionArgs, versionPattern }: Client, program: string): Promise<string> {
  if (!(await isExecutable(program))) throw new WayFailed(`${program} is not an executable file`);
  const printed = await command(program, versionArgs, { timeoutMs: 60_000 });
  const version = versionPattern.exec(printed)?.[1];
  if (version === undefined) throw new WayFailed(`${program} ${versionArgs[0]} does not name a version`);
  return version;
}

async function fromDownload(client: Client, into: string, say: Say): Promise<{ version: string }> {
  const { archive, checksums, member } = client.release(client.version);
  const file = archive.slice(archive.lastIndexOf('/') + 1);
  const published = await fetchSmall(checksums);
  const line = published.split('\n').find((one) => one.trimEnd().endsWith(file));
  if (line === undefined) throw new WayFailed(`${checksums} names no ${file}`);
  const work = join(into, 'work');
  await mkdir(work);
  await fetchLarge(archive, join(work, file), publishedChecksum('sha256', line), say);
  await command('tar', ['-xzf', join(work, file), '-C', work, member], { timeoutMs: 300_000 });
  const program = join(into, client.name);
  await rename(join(work, member), program);
  await chmod(program, 0o755);
  await discard(work);
  return { version: await versionOf(client, program) };
}

/** At the lowest claim on the processors that still moves: tests of others may be running. */
async function fromModules(
  client: Client,
  into: string,
  say: Say,
  environment: NodeJS.ProcessEnv,
): Promise<{ version: string }> {
  const { name, version, oldestGo, versionVariable, takes } = client;
  const build = await findGo({ environment, oldest: oldestGo, what: `${name} ${version}`, nice: 10 });
  say(`building from source; the first time this takes ${takes}`);
  const program = join(into, name);
  const linkerFlags = `-X ${versionVariable}${version}`;
  await build({ module: name, linkerFlags, output: program, target: 'tool' }, say);
  return { version: await versionOf(client, program) };
}

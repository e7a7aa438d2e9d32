import { pathToFileURL } from 'node:url';
import { cacheRoot } from './assets/cache.ts';
import { obtain } from './assets/chain.ts';
import { type KubernetesPaths, kubernetesPart } from './assets/kubernetes-part.ts';
import { mongodPart } from './assets/mongod-part.ts';
import type { Found, Say } from './assets/way.ts';

/*
 * `npm run assets [mongod] [kubernetes]`: gets the real parts that tests and the demo run, and says where each came from.
 * assets/chain.ts has the order of the ways and what is guaranteed.
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

const PARTS: Readonly<Record<string, () => Promise<unknown>>> = {
  mongod: () => ensureMongod(),
  kubernetes: () => ensureKubernetes(),
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

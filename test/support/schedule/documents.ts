/**
 * Index documents and rewritten documents as they really lie at a side, read by rules of their own: which files are such,
 * and which versions they name.
 */
import { parse } from 'yaml';

export interface Named {
  readonly packageKey: string;
  readonly versions: readonly string[];
}

const SHARED: Readonly<Record<string, RegExp>> = {
  NPM: /^\/\.npm\/(?:@[^/]+\/)?[^/]+\/package\.json$/,
  OHPM: /^\/\.npm\/(?:@[^/]+\/)?[^/]+\/package\.json$/,
  MAVEN: /\/maven-metadata\.xml(?:\.\w+)?$/,
  HELM: /^\/index-cache\.yaml$/,
  COMPOSER: /^\/(?:packages\.json$|p\/)/,
  CARGO: /^\/index\//,
  CONAN: /\/index\.json$/,
  RPM: /\/repodata\//,
};

/** A document that several versions share. */
export function isShared(type: string, path: string): boolean {
  return SHARED[type]?.test(path) === true;
}

/** A document that belongs to one version, but has the far side's address in place of the source's. */
export function isRewritten(type: string, path: string): boolean {
  return (type === 'NPM' || type === 'OHPM') && path.startsWith('/.npm/') && !isShared(type, path);
}

/** The versions that a document names; empty where it names none, or files by their digests. */
export function namedIn(type: string, path: string, bytes: Buffer): readonly Named[] {
  if (!isShared(type, path)) return [];
  const text = bytes.toString();
  switch (type) {
    case 'NPM':
    case 'OHPM': {
      const document = JSON.parse(text) as { versions?: object; 'dist-tags'?: Record<string, string> };
      const versions = [...Object.keys(document.versions ?? {}), ...Object.values(document['dist-tags'] ?? {})];
      const packageKey = `${type.toLowerCase()}://${path.slice('/.npm/'.length, -'/package.json'.length)}`;
      return [{ packageKey, versions: [...new Set(versions)] }];
    }
    case 'MAVEN': {
      const folder = path.slice(1).split('/').slice(0, -1);
      const list = /<versions>(.*)<\/versions>/s.exec(text)?.[1];
      if (!path.endsWith('.xml') || list === undefined) return [];
      const singles = ['latest', 'release'].flatMap(
        (field) => new RegExp(`<${field}>([^<]*)</${field}>`).exec(text)?.[1] ?? [],
      );
      const versions = [...list.matchAll(/<version>([^<]*)<\/version>/g)].map(([, name = '']) => name);
      return [
        { packageKey: `gav://${folder.slice(0, -1).join('.')}:${folder.at(-1)}`, versions: [...versions, ...singles] },
      ];
    }
    case 'HELM': {
      const { entries } = parse(text) as { entries: Record<string, readonly { readonly version: string }[]> };
      return Object.entries(entries).map(([chart, list]) => ({
        packageKey: `helm://${chart}`,
        versions: list.map(({ version }) => version),
      }));
    }
    case 'COMPOSER': {
      const { packages } = JSON.parse(text) as { packages: Record<string, object> };
      return Object.entries(packages).map(([name, versions]) => ({
        packageKey: `composer://${name}`,
        versions: Object.keys(versions),
      }));
    }
    case 'CARGO': {
      const lines = text.split('\n').filter((line) => line.trim() !== '');
      const versions = lines.map((line) => (JSON.parse(line) as { vers: string }).vers);
      return [{ packageKey: `cargo://${path.slice(path.lastIndexOf('/') + 1)}`, versions }];
    }
    default:
      return [];
  }
}

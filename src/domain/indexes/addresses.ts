/** Addresses inside index documents: which file of the repository they name, and how they read at the far side. */
import type { Addresses } from '../packages/mapping.ts';

interface Repository {
  readonly projectId: string;
  readonly repoName: string;
}

export function localRepository(addresses: Addresses): Repository {
  return { projectId: addresses.localProjectId, repoName: addresses.localRepoName };
}

export function remoteRepository(addresses: Addresses): Repository {
  return { projectId: addresses.remoteProjectId, repoName: addresses.remoteRepoName };
}

interface ParsedAddress {
  readonly origin: string;
  readonly path: string;
  /** Query and fragment. */
  readonly tail: string;
}

/** Scheme, host and port apart from the path; undefined for what is not an absolute http(s) address. */
function parseAddress(address: string): ParsedAddress | undefined {
  const match = /^(https?:\/\/[^/?#]+)([^?#]*)(.*)$/isu.exec(address);
  if (match === null) return undefined;
  return { origin: match[1] ?? '', path: match[2] ?? '', tail: match[3] ?? '' };
}

/** What stands before and behind `/{project}/{repository}/` in a path. */
function splitPath(path: string, { projectId, repoName }: Repository): { prefix: string; rest: string } | undefined {
  const marker = `/${projectId}/${repoName}/`;
  const found = path.indexOf(marker);
  return found < 0 ? undefined : { prefix: path.slice(0, found), rest: path.slice(found + marker.length) };
}

/**
 * The far side's address of a file of ours; the same string when it is none of ours. The host does not count: it is that
 * of whoever published, and a service answers below `/{service}/{project}/{repository}/` or without the service, which
 * stays as it was. `other` finds the file in an address without project and repository (a registry's own host name).
 */
export function farAddress(
  address: string,
  addresses: Addresses,
  other?: { readonly restOf: (path: string) => string | undefined; readonly prefix: string },
): string {
  const parsed = parseAddress(address);
  if (parsed === undefined) return address;
  const split = splitPath(parsed.path, localRepository(addresses));
  const rest = split?.rest ?? other?.restOf(parsed.path);
  if (rest === undefined) return address;
  // A farther run must not change what an earlier one wrote.
  const already = splitPath(parsed.path, remoteRepository(addresses));
  if (parsed.origin === addresses.origin && already !== undefined) return address;
  const prefix = split?.prefix ?? other?.prefix ?? '';
  const { remoteProjectId, remoteRepoName } = addresses;
  return `${addresses.origin}${prefix}/${remoteProjectId}/${remoteRepoName}/${rest}${parsed.tail}`;
}

/** The file that an address of this repository names, decoded, with a leading slash. */
export function pathOfAddress(
  address: string,
  repository: Repository,
  restOf: (path: string) => string | undefined = () => undefined,
): string | undefined {
  const parsed = parseAddress(address);
  if (parsed === undefined) return undefined;
  const rest = splitPath(parsed.path, repository)?.rest ?? restOf(parsed.path);
  if (rest === undefined || rest === '') return undefined;
  return `/${decode(rest)}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    // A stray `%`: the name is meant as it stands.
    if (error instanceof URIError) return text;
    throw error;
  }
}

/**
 * npm's (and OHPM's) addresses of tarballs. A server rewrites them when it serves a document of its own repository, but
 * not every server and reader does: a document at the far side must not lead back to the source's host.
 */
import type { Addresses } from '../packages/mapping.ts';
import { farAddress } from './addresses.ts';
import { type Replacement, replaceRanges } from './document-text.ts';
import { type JsonMember, memberAt, membersAt, parseJsonDocument } from './json-text.ts';

/** Members of `dist` that hold addresses; OHPM has a second file (`.hsp`). */
const ADDRESS_KEYS: ReadonlySet<string> = new Set(['tarball', 'resolved_hsp']);

/** The npm service's place in an address that does not tell it. */
const NPM_SERVICE = '/npm';

/**
 * Points every `dist.tarball` of a package document or a version document to the far side. Nothing else changes, not one
 * byte; the same object when there is nothing to change.
 * @throws {ReplicationError} unit `IndexInvalid`: not a JSON object
 */
export function rewriteTarballs(content: Uint8Array, addresses: Addresses): Uint8Array {
  const { text } = parseJsonDocument(content, { fullPath: 'with dist.tarball', side: 'source' });
  const rewritten = rewriteTarballText(text, addresses);
  return rewritten === text ? content : new TextEncoder().encode(rewritten);
}

/** The same for a text that is known to be a JSON object: a document, or one entry of `versions`. */
export function rewriteTarballText(text: string, addresses: Addresses): string {
  const versions = membersAt(text)
    .filter((member) => member.key === 'versions')
    .flatMap((member) => membersAt(text, member.start));
  const dists = [memberAt(text, 0, 'dist'), ...versions.map((version) => memberAt(text, version.start, 'dist'))];
  const replacements = dists
    .filter((dist) => dist !== undefined)
    .flatMap((dist) => membersAt(text, dist.start))
    .map((member) => replacementOf(text, member, addresses))
    .filter((replacement) => replacement !== undefined)
    .sort((a, b) => a.start - b.start);
  return replaceRanges(text, replacements);
}

/** `{name}/-/{file}` or `{name}/download/{file}` at the end of an address that names no project and repository. */
export function tarballRest(path: string): string | undefined {
  return /\/((?:@[^/]+\/)?[^/]+\/(?:-|download)\/.+)$/u.exec(path)?.[1];
}

function replacementOf(text: string, member: JsonMember, addresses: Addresses): Replacement | undefined {
  const valueText = text.slice(member.start, member.end);
  if (!ADDRESS_KEYS.has(member.key) || !valueText.startsWith('"')) return undefined;
  const address = JSON.parse(valueText) as string;
  const moved = farAddress(address, addresses, { restOf: tarballRest, prefix: NPM_SERVICE });
  return moved === address ? undefined : { start: member.start, end: member.end, text: JSON.stringify(moved) };
}

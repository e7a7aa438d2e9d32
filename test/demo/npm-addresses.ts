/**
 * npm's documents say where a tarball is. A copy of a document must name the far side there, so it is the one kind of file
 * that may differ – in these addresses and in nothing else. Shares no code with the program.
 */
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { blobPath } from '../support/bkrepo/layout.ts';
import type { ReadBackFile } from '../support/bkrepo/read-back.ts';

export interface NpmSide {
  readonly storeDir: string;
  readonly files: ReadonlyMap<string, ReadBackFile>;
  /** What addresses of its tarballs begin with, up to and with `/{project}/{repository}`. */
  readonly address: string;
}

export interface Settled {
  /** The far side's files; a document that differs in addresses alone has the source's bytes here. */
  readonly files: ReadonlyMap<string, ReadBackFile>;
  /** Addresses that do not lead to a tarball of the far side, in words. */
  readonly problems: readonly string[];
}

export async function settleAddresses(source: NpmSide, far: NpmSide): Promise<Settled> {
  const files = new Map(far.files);
  const problems: string[] = [];
  for (const [path, there] of far.files) {
    if (!/^\/\.npm\/.*\.json$/.test(path) || there.sha256 === '') continue;
    const document = await documentOf(far.storeDir, there);
    for (const address of addressesOf(document)) {
      const file = address.startsWith(`${far.address}/`) ? address.slice(far.address.length) : undefined;
      if (file === undefined || !far.files.has(file))
        problems.push(`${path}: ${address} is no tarball of the far side`);
    }
    const here = source.files.get(path);
    if (here === undefined || here.sha256 === '' || here.sha256 === there.sha256) continue;
    const undone = withAddresses(document, (address) =>
      address.startsWith(`${far.address}/`) ? source.address + address.slice(far.address.length) : address,
    );
    if (!isDeepStrictEqual(undone, await documentOf(source.storeDir, here))) continue;
    const { size, sha256, md5 } = here;
    files.set(path, { ...there, size, sha256, md5 });
  }
  return { files, problems };
}

function addressesOf(document: unknown): string[] {
  const addresses: string[] = [];
  withAddresses(document, (address) => {
    addresses.push(address);
    return address;
  });
  return addresses;
}

/** A copy with every `tarball` of a `dist` changed: of a version's document, or of each version in a package's. */
function withAddresses(document: unknown, change: (address: string) => string): unknown {
  if (Array.isArray(document)) return document.map((item: unknown) => withAddresses(item, change));
  if (typeof document !== 'object' || document === null) return document;
  return Object.fromEntries(
    Object.entries(document).map(([key, value]: [string, unknown]) => {
      // Tools have settings of this name in package.json, too.
      if (key !== 'dist' || typeof value !== 'object' || value === null || Array.isArray(value))
        return [key, withAddresses(value, change)];
      const dist: Readonly<Record<string, unknown>> = { ...value };
      const { tarball } = dist;
      return [key, typeof tarball === 'string' ? { ...dist, tarball: change(tarball) } : dist];
    }),
  );
}

async function documentOf(storeDir: string, file: ReadBackFile): Promise<unknown> {
  return JSON.parse(await readFile(blobPath(storeDir, file.sha256), 'utf8'));
}

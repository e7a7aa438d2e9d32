/** RPM packages, and the repodata that a server makes of them. The packages have a true header and an empty payload. */
import { gunzipSync } from 'node:zlib';
import type { RepositoryBuilder } from '../repository-builder.ts';
import { gzip } from './archives.ts';
import { entriesOf, hashOf } from './digests.ts';
import { putGeneral } from './general.ts';
import type { PutResult } from './version.ts';

export interface RpmOptions {
  readonly release?: string;
  readonly arch?: string;
  /** Folder of the upload; default: the root. */
  readonly folder?: string;
}

/** Tags of a header and their type 6, a string. */
const TAGS = { name: 1000, version: 1001, release: 1002, summary: 1004, os: 1021, arch: 1022 } as const;

export async function putRpm(
  repository: RepositoryBuilder,
  name: string,
  version: string,
  options: RpmOptions = {},
): Promise<PutResult> {
  const { release = '1', arch = 'noarch', folder = '' } = options;
  const path = `${folder}/${name}-${version}-${release}.${arch}.rpm`;
  const content = rpmFile({ name, version, release, summary: `fixture ${name}`, os: 'linux', arch });
  const key = `rpm://${folder === '' ? '' : `${folder.slice(1)}/`}${name}`;
  return await putGeneral(
    repository,
    { key, name, type: 'RPM' },
    { name: `${version}-${release}`, artifactPath: path },
    { [path]: { content, metadata: entriesOf({ name, version, release, arch, packageKey: key }) } },
  );
}

/**
 * `{folder}/repodata`: repomd.xml and the three lists that it names by digest, of all packages below the folder. Lists of
 * earlier generations stay, as on a server that has not cleaned up.
 */
export async function putRepodata(
  repository: RepositoryBuilder,
  packages: readonly PutResult[],
  folder = '',
): Promise<readonly string[]> {
  const entries = await Promise.all(packages.map((one) => entryOf(repository, folder, one.paths[0] ?? '')));
  const written: string[] = [];
  const data: string[] = [];
  const seconds = Math.floor(repository.builder.now().getTime() / 1000);
  for (const kind of ['primary', 'filelists', 'other'] as const) {
    const root = { primary: 'metadata', filelists: 'filelists', other: 'otherdata' }[kind];
    const uri = kind === 'primary' ? 'common' : kind;
    const listed = entries.map((entry) => entry[kind]).join('');
    const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="http://linux.duke.edu/metadata/${uri}" packages="${entries.length}">\n${listed}</${root}>\n`;
    const packed = gzip(Buffer.from(xml));
    const name = `${hashOf('sha1', packed)}-${kind}.xml.gz`;
    await repository.putFile(`${folder}/repodata/${name}`, packed);
    written.push(`${folder}/repodata/${name}`);
    data.push(
      `  <data type="${kind}"><checksum type="sha">${hashOf('sha1', packed)}</checksum><open-checksum type="sha">${hashOf('sha1', gunzipSync(packed))}</open-checksum><location href="repodata/${name}"/><timestamp>${seconds}</timestamp><size>${packed.length}</size><open-size>${Buffer.byteLength(xml)}</open-size></data>\n`,
    );
  }
  const repomd = `<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo">\n  <revision>${seconds}</revision>\n${data.join('')}</repomd>\n`;
  await repository.putFile(`${folder}/repodata/repomd.xml`, repomd);
  return [...written, `${folder}/repodata/repomd.xml`];
}

async function entryOf(
  repository: RepositoryBuilder,
  folder: string,
  path: string,
): Promise<Readonly<Record<'primary' | 'filelists' | 'other', string>>> {
  const content = await repository.content(path);
  const [, name, version, release, arch] = /([^/]+)-([^-]+)-([^-]+)\.([^.]+)\.rpm$/.exec(path) ?? [];
  if (content === undefined || name === undefined) throw new Error(`no package file ${path}`);
  const id = hashOf('sha1', content);
  const edition = `<version epoch="0" ver="${version}" rel="${release}"/>`;
  const short = `  <package pkgid="${id}" name="${name}" arch="${arch}">${edition}</package>\n`;
  return {
    primary: `  <package type="rpm"><name>${name}</name><arch>${arch}</arch>${edition}<checksum type="sha" pkgid="YES">${id}</checksum><summary>fixture ${name}</summary><description/><packager/><url/><time file="0" build="0"/><size package="${content.length}" installed="0" archive="0"/><location href="${path.slice(folder.length + 1)}"/><format/></package>\n`,
    filelists: short,
    other: short,
  };
}

/** Lead, an empty signature, the header, an empty payload. */
function rpmFile(values: Readonly<Record<keyof typeof TAGS, string>>): Buffer {
  const lead = Buffer.alloc(96);
  lead.writeUInt32BE(0xedabeedb, 0);
  lead.writeUInt8(3, 4);
  lead.write(`${values.name}-${values.version}-${values.release}`.slice(0, 65), 10);
  lead.writeUInt16BE(1, 76);
  lead.writeUInt16BE(5, 78);
  return Buffer.concat([lead, rpmHeader([]), rpmHeader(Object.entries(values)), gzip(Buffer.alloc(0))]);
}

function rpmHeader(values: readonly (readonly [name: string, value: string])[]): Buffer {
  const store: Buffer[] = [];
  let offset = 0;
  const index = values.map(([name, value]) => {
    const entry = Buffer.alloc(16);
    entry.writeUInt32BE(TAGS[name as keyof typeof TAGS], 0);
    entry.writeUInt32BE(6, 4);
    entry.writeUInt32BE(offset, 8);
    entry.writeUInt32BE(1, 12);
    store.push(Buffer.from(`${value}\0`));
    offset += Buffer.byteLength(value) + 1;
    return entry;
  });
  const intro = Buffer.from('8eade8010000000000000000000000000000', 'hex').subarray(0, 16);
  intro.writeUInt32BE(values.length, 8);
  intro.writeUInt32BE(offset, 12);
  return Buffer.concat([intro, ...index, ...store]);
}

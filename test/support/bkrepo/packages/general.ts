/** A version of any type, with its nodes as they are given: for types without a file of their own, and for bad ones. */
import type { Content } from '../content.ts';
import type { FileOptions, RepositoryBuilder } from '../repository-builder.ts';
import { type PackageSpec, type PutResult, putVersion, type VersionSpec } from './version.ts';

export interface GeneralNode extends FileOptions {
  readonly content: Content;
}

/** Nodes in order by path, then the version. Its size is the sum of theirs unless it is given. */
export async function putGeneral(
  repository: RepositoryBuilder,
  packageSpec: Omit<PackageSpec, 'type'> & Partial<Pick<PackageSpec, 'type'>>,
  version: VersionSpec,
  nodes: Readonly<Record<string, GeneralNode | string | Uint8Array>> = {},
): Promise<PutResult> {
  let size = 0;
  for (const [path, node] of Object.entries(nodes)) {
    const { content, ...options } = isContent(node) ? { content: node } : node;
    size += (await repository.putFile(path, content, options)).size;
  }
  await putVersion(repository, { type: repository.type, ...packageSpec }, { size, ...version });
  return { packageKey: packageSpec.key, version: version.name, paths: Object.keys(nodes) };
}

function isContent(node: GeneralNode | string | Uint8Array): node is string | Uint8Array {
  return typeof node === 'string' || node instanceof Uint8Array;
}

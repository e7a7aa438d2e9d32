/** Plan of one version: its files by the rules of its type, with what they have to be at the far side. */
import { travellingMetadata } from '../../domain/compare.ts';
import { ReplicationError } from '../../domain/errors.ts';
import { mapperFor } from '../../domain/packages/mapper.ts';
import type { Addresses, MappedFile } from '../../domain/packages/mapping.ts';
import type { ObjectContext } from '../context.ts';
import type { SourceNode } from '../ports/source.ts';
import { nodeWithContent, readContent } from '../source-content.ts';
import { SourceAnswers } from './source-answers.ts';
import type { VersionFile, VersionPlan, VersionUnit } from './version-unit.ts';

/** Bytes. Documents of a version that have to be rewritten, such as npm's version document. */
export const DOCUMENT_LIMIT = 16 * 1024 * 1024;

/** Fails with the unit errors of the mappers (domain/packages/mapping.ts): the version cannot be copied as it is. */
export async function planVersion(
  context: ObjectContext,
  unit: Pick<VersionUnit, 'package' | 'version'>,
  signal: AbortSignal,
): Promise<VersionPlan> {
  const answers = new SourceAnswers(context, signal);
  const mapper = mapperFor(context.repository.type);
  const { files, indexes } = await answers.answer(mapper.map({ package: unit.package, version: unit.version }));
  const nodes = await answers.nodes(files.map(({ fullPath }) => fullPath));
  const planned: VersionFile[] = [];
  for (const file of files) {
    const node = nodes.get(file.fullPath);
    if (node === undefined) {
      const message = `${file.fullPath} of version ${unit.version.name} is not in the source's repository any more`;
      throw new ReplicationError('unit', 'ArtifactMissing', message);
    }
    planned.push(await plannedFile(context, file, node, signal));
  }
  return { files: planned, indexes };
}

export function addressesOf({ localProjectId, object, link }: ObjectContext): Addresses {
  const { localRepoName, remoteProjectId, remoteRepoName } = object;
  return { origin: link.origin, localProjectId, localRepoName, remoteProjectId, remoteRepoName };
}

async function plannedFile(
  context: ObjectContext,
  { rewrite }: MappedFile,
  node: SourceNode,
  signal: AbortSignal,
): Promise<VersionFile> {
  const metadata = travellingMetadata(node.metadata, context.setting.includeMetadata);
  const file = { node: { ...node, metadata }, content: undefined, rewrite: undefined, origin: node.sha256 };
  // A far side without metadata of its own reads the document under the source's digest.
  if (rewrite === undefined || context.blobsOnly) return file;
  const bytes = await readContent(context, node, DOCUMENT_LIMIT, signal);
  const toFarSide = (content: Uint8Array): Uint8Array => rewrite(content, addressesOf(context));
  const content = toFarSide(bytes);
  if (content === bytes) return { ...file, rewrite: toFarSide };
  return { ...file, node: nodeWithContent(file.node, content), content, rewrite: toFarSide };
}

/** Questions about many files at a far side, cut to what one request may hold (contract §11: 4,000 paths, 1 MB). */
import type { FarSideLink } from './far-side-link.ts';
import type { TargetNode, TargetRepository } from './ports.ts';

const MOST_PATHS = 4_000;
const MOST_BYTES = 1_000_000;

export async function findFarFiles(
  link: FarSideLink,
  target: TargetRepository,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TargetNode>> {
  const found = new Map<string, TargetNode>();
  for (const batch of batches([...new Set(paths)])) {
    for (const [path, node] of await link.call((t) => t.findNodes(target, batch, signal), signal))
      found.set(path, node);
  }
  return found;
}

function* batches(paths: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    const size = Buffer.byteLength(path);
    if (batch.length === MOST_PATHS || (batch.length > 0 && bytes + size > MOST_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(path);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

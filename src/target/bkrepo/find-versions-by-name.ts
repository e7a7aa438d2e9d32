/** The slow way of find-versions.ts: which names exist, then the details of each that does. */
import type { TargetVersion } from '../../engine/ports/target.ts';
import { unexpectedAnswer } from './answer-errors.ts';
import { each } from './each.ts';
import type { VersionPages } from './version-pages.ts';

const PAGE_SIZE = 500;
/** Most versions that may begin with one name, in pages. */
const MAX_PAGES = 40;

export async function findVersionsByName(
  pages: VersionPages,
  names: readonly string[],
): Promise<ReadonlyMap<string, TargetVersion>> {
  const found = new Map<string, TargetVersion>();
  await each(names, async (name) => {
    if (await pages.exists(name)) found.set(name, await detail(pages, name));
  });
  return found;
}

/** A version that is said to exist and is not shown may have moved between two pages: that is no "absent". */
async function detail(pages: VersionPages, name: string): Promise<TargetVersion> {
  for (let pageNumber = 1; pageNumber <= MAX_PAGES; pageNumber += 1) {
    const { records, total } = await pages.read({ version: name, pageNumber, pageSize: PAGE_SIZE });
    const found = records.find((version) => version.name === name);
    if (found !== undefined) return found;
    if (records.length === 0 || pageNumber * PAGE_SIZE >= total) break;
  }
  throw unexpectedAnswer(pages.what, `did not show version ${name}, which the far side says it has`, 200);
}

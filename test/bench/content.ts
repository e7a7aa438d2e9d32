/** What the benchmark copies: many small files of 1 KB to 16 KB and some large ones, all from one seed. */
import { seededBytes } from '../support/bkrepo/content.ts';
import type { FileSpec } from '../support/bkrepo/repository-builder.ts';
import { seededRandom } from '../support/seed.ts';
import type { GenericOptions } from './options.ts';

const SMALLEST = 1_000;
const LARGEST = 16_000;
const FILES_IN_FOLDER = 100;
const FOLDERS_IN_FOLDER = 100;
/** One small file in so many carries metadata. */
const WITH_METADATA = 10;

/** Upper bound of the bytes of all files. */
export function mostBytes({ files, large, largeSize }: GenericOptions): number {
  return files * LARGEST + large * largeSize;
}

export function* benchFiles({ files, large, largeSize }: GenericOptions, seed: number): Generator<FileSpec> {
  const random = seededRandom(seed);
  for (let index = 0; index < files; index += 1) {
    const folder = Math.floor(index / FILES_IN_FOLDER);
    const path = `/small/${Math.floor(folder / FOLDERS_IN_FOLDER)}/${folder % FOLDERS_IN_FOLDER}/file-${index}.bin`;
    const content = seededBytes(SMALLEST + random.below(LARGEST - SMALLEST + 1), (seed + index) >>> 0);
    const metadata = index % WITH_METADATA === 0 ? [{ key: 'build', value: String(index) }] : [];
    yield { path, content, metadata };
  }
  for (let index = 0; index < large; index += 1) {
    yield {
      path: `/large/image-${index}.bin`,
      content: seededBytes(largeSize, (seed + files + index) >>> 0),
      metadata: [{ key: 'build', value: String(index) }],
    };
  }
}

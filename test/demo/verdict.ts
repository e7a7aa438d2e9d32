/** Reads both sides back without any code of the program, and says whether they are equal. */
import type { Db } from 'mongodb';
import { compareSides } from '../support/bkrepo/compare.ts';
import { readBack } from '../support/bkrepo/read-back.ts';

export interface Side {
  readonly name: string;
  readonly db: Db;
  readonly storeDir: string;
  readonly projectId: string;
  readonly repoName: string;
}

export interface Verdict {
  readonly cluster: string;
  readonly files: number;
  readonly bytes: number;
  readonly equal: boolean;
  /** The first few, in words. */
  readonly differences: readonly string[];
}

export async function compareFarSides(source: Side, farSides: readonly Side[]): Promise<readonly Verdict[]> {
  const here = await readBack(source.db, source.storeDir, source.projectId, source.repoName);
  const verdicts: Verdict[] = [];
  for (const side of farSides) {
    const there = await readBack(side.db, side.storeDir, side.projectId, side.repoName);
    const differences = compareSides(here, there, { names: ['source', side.name], limit: 10 });
    verdicts.push({
      cluster: side.name,
      files: there.size,
      bytes: [...there.values()].reduce((sum, { size }) => sum + size, 0),
      equal: here.size > 0 && differences.length === 0,
      differences,
    });
  }
  return verdicts;
}

export function table(verdicts: readonly Verdict[]): string {
  const rows = [
    ['FAR SIDE', 'FILES', 'BYTES', 'EQUAL'],
    ...verdicts.map(({ cluster, files, bytes, equal }) => [
      cluster,
      String(files),
      String(bytes),
      equal ? 'yes' : 'NO',
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
  return [...lines, ...verdicts.flatMap(({ differences }) => differences.map((line) => `  ${line}`))].join('\n');
}

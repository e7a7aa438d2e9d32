/** Storm after storm over the same tasks, far sides and records, as over months: edits, kills and outages at random. */
import { seededRandom } from '../support/seed.ts';
import { StormSite } from './storm/site.ts';
import { type StormResult, storm } from './storm/storm.ts';

export interface TasksOptions {
  /** Of the first storm; the others follow from it. */
  readonly seed: number;
  /** No storm begins after so many milliseconds. */
  readonly durationMs: number;
  readonly report: (line: string) => void;
}

type Sums = Omit<StormResult, 'seed'>;

export interface TasksResult extends Sums {
  readonly storms: number;
}

export async function tasksInStorms({ seed, durationMs, report }: TasksOptions): Promise<TasksResult> {
  const began = performance.now();
  const random = seededRandom(seed);
  const site = await StormSite.start(seed);
  let sums: TasksResult | undefined;
  try {
    await site.program.start();
    for (let next = seed; sums === undefined || performance.now() - began < durationMs; next = random.below(2 ** 32)) {
      const { seed: _, ...result } = await storm(site, next);
      report(JSON.stringify({ seed: next, ...result }));
      sums = { storms: (sums?.storms ?? 0) + 1, ...added(sums, result) };
    }
    return sums;
  } finally {
    await site.stop();
  }
}

function added(sums: Sums | undefined, result: Sums): Sums {
  if (sums === undefined) return result;
  const fields = Object.entries(result) as [keyof Sums, number][];
  return Object.fromEntries(fields.map(([field, value]) => [field, value + sums[field]])) as Record<keyof Sums, number>;
}

/** Storm after storm over tasks that follow, as over months: random changes of the source, kills, outages, line faults. */
import { seededRandom } from '../support/seed.ts';
import { FollowingSite } from './following/site.ts';
import { type FollowingResult, stormWhileFollowing } from './following/storm.ts';

export interface FollowingOptions {
  /** Of the first storm; the others follow from it. */
  readonly seed: number;
  /** Ends after so many storms … */
  readonly count: number;
  /** … or when so many milliseconds have passed and at least one was played. Default: never. */
  readonly durationMs?: number;
  readonly report: (line: string) => void;
}

export interface FollowedResult extends Omit<FollowingResult, 'seed'> {
  readonly storms: number;
}

export async function followInStorms(options: FollowingOptions): Promise<FollowedResult> {
  const { seed, count, durationMs = Number.POSITIVE_INFINITY, report } = options;
  const began = performance.now();
  const random = seededRandom(seed);
  const site = await FollowingSite.start();
  const results: FollowingResult[] = [];
  try {
    await site.program.start();
    for (let next = seed; results.length < count; next = random.below(2 ** 32)) {
      if (results.length > 0 && performance.now() - began > durationMs) break;
      const result = await stormWhileFollowing(site, next);
      report(JSON.stringify(result));
      results.push(result);
    }
  } finally {
    await site.stop();
  }
  const sum = (field: Exclude<keyof FollowingResult, 'seed'>): number =>
    results.reduce((total, result) => total + result[field], 0);
  return {
    storms: results.length,
    changes: sum('changes'),
    kills: sum('kills'),
    actions: sum('actions'),
    tookMs: Math.round(performance.now() - began),
  };
}

/** Random fault schedules over repositories of every type, one after another, each with an invariant check of its own. */
import { runSchedule, type ScheduleResult } from '../support/schedule/run.ts';
import { Stage } from '../support/schedule/scene.ts';
import { seededRandom } from '../support/seed.ts';

export interface TypesOptions {
  /** Of the first schedule; the others follow from it. */
  readonly seed: number;
  /** Ends after so many schedules … */
  readonly count: number;
  /** … or when so many milliseconds have passed and at least one was played. Default: never. */
  readonly durationMs?: number;
  readonly report: (line: string) => void;
}

export interface TypesResult {
  readonly schedules: number;
  readonly strikes: number;
  readonly programDeaths: number;
  readonly peerDeaths: number;
  readonly runs: number;
  readonly adoptions: number;
  readonly versions: number;
  readonly units: number;
  readonly tookMs: number;
}

export async function schedulesOverTypes({ seed, count, durationMs, report }: TypesOptions): Promise<TypesResult> {
  const began = performance.now();
  const stage = await Stage.start();
  const results: ScheduleResult[] = [];
  const random = seededRandom(seed);
  try {
    for (let next = seed; results.length < count; next = random.below(2 ** 32)) {
      if (results.length > 0 && durationMs !== undefined && performance.now() - began > durationMs) break;
      const result = await runSchedule(stage, next);
      results.push(result);
      report(JSON.stringify(result));
    }
  } finally {
    await stage.stop();
  }
  const sum = (field: keyof ScheduleResult): number => results.reduce((total, result) => total + result[field], 0);
  return {
    schedules: results.length,
    strikes: sum('strikes'),
    programDeaths: sum('programDeaths'),
    peerDeaths: sum('peerDeaths'),
    runs: sum('runs'),
    adoptions: sum('adoptions'),
    versions: sum('versions'),
    units: sum('units'),
    tookMs: Math.round(performance.now() - began),
  };
}

/** What happens in one storm, drawn from a seed alone: the same seed gives the same list. */
import { type SeededRandom, seededRandom } from '../../support/seed.ts';

/** What a person does to a task. */
export const EDITS = [
  'run',
  'run',
  'cancel',
  'retry',
  'describe',
  'objects',
  'sides',
  'setting',
  'enabled',
  'suspended',
  'recreate',
  'cron',
  'cron',
] as const;

export type StormAction =
  | { readonly kind: 'edit'; readonly edit: (typeof EDITS)[number]; readonly task: number; readonly salt: number }
  | { readonly kind: 'source'; readonly salt: number }
  /** The program ends, and comes back. */
  | { readonly kind: 'kill' | 'stop'; readonly awayMs: number }
  | { readonly kind: 'kill-peer'; readonly side: number; readonly awayMs: number }
  /** Source and journal are away. */
  | { readonly kind: 'kill-database'; readonly awayMs: number }
  /** One request in `oneIn` to a far side meets the fault. */
  | {
      readonly kind: 'line';
      readonly side: number;
      readonly fault: 'reset' | '500' | '503' | '429' | 'slow';
      readonly oneIn: number;
      readonly forMs: number;
    };

export interface StormPlan {
  readonly seed: number;
  readonly actions: readonly { readonly afterMs: number; readonly action: StormAction }[];
}

export const TASKS = 3;
export const SIDES = 2;
const FEWEST_ACTIONS = 15;
const MOST_ACTIONS = 35;
const LONGEST_PAUSE_MS = 1_800;

export function planStorm(seed: number): StormPlan {
  const random = seededRandom(seed);
  const length = FEWEST_ACTIONS + random.below(MOST_ACTIONS - FEWEST_ACTIONS + 1);
  const actions = Array.from({ length }, () => ({
    afterMs: random.below(random.below(3) === 0 ? 60 : LONGEST_PAUSE_MS),
    action: actionOf(random),
  }));
  return { seed, actions };
}

function actionOf(random: SeededRandom): StormAction {
  const salt = random.below(2 ** 31);
  const awayMs = random.below(1_500);
  const side = random.below(SIDES);
  const die = random.below(20);
  if (die < 9) return { kind: 'edit', edit: random.pick(EDITS), task: random.below(TASKS), salt };
  if (die < 12) return { kind: 'source', salt };
  if (die < 15) return { kind: random.below(4) === 0 ? 'stop' : 'kill', awayMs };
  if (die < 16) return { kind: 'kill-peer', side, awayMs };
  if (die < 17) return { kind: 'kill-database', awayMs };
  const fault = random.pick(['reset', '500', '503', '429', 'slow'] as const);
  return { kind: 'line', side, fault, oneIn: 1 + random.below(12), forMs: 300 + random.below(2_500) };
}

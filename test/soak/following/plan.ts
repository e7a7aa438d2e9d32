/** What happens while a source is followed, drawn from a seed alone: the same seed gives the same list. */
import { type SeededRandom, seededRandom } from '../../support/seed.ts';

export type FollowingAction =
  /** The program ends, and comes back; the source goes on meanwhile. */
  | { readonly kind: 'kill' | 'stop'; readonly awayMs: number }
  | { readonly kind: 'kill-peer'; readonly side: number; readonly awayMs: number }
  /** Source and journal are away. */
  | { readonly kind: 'kill-database'; readonly awayMs: number }
  /** The only member of the replica set is not primary for a while. */
  | { readonly kind: 'step-down' }
  /** One request in `oneIn` to a far side meets the fault. */
  | {
      readonly kind: 'line';
      readonly side: number;
      readonly fault: 'reset' | 'lose-answer' | '500' | '503' | '429' | 'slow' | 'corrupt-request';
      readonly oneIn: number;
      readonly forMs: number;
    }
  /** Entries of the logs that no server has written, and changes of what nobody follows. */
  | { readonly kind: 'rubbish'; readonly salt: number }
  /** What a person asks of a task. */
  | { readonly kind: 'ask'; readonly task: number; readonly what: 'compare' | 'retry' | 'suspend' | 'side' }
  | { readonly kind: 'nothing' };

export interface FollowingPlan {
  readonly seed: number;
  /** What a log does not tell of is not done either, and no database dies before it has told: no compare is needed. */
  readonly told: boolean;
  /** Milliseconds between two changes at the source, at most. */
  readonly paceMs: number;
  readonly actions: readonly { readonly afterMs: number; readonly action: FollowingAction }[];
}

export const SIDES = 2;
export const TASKS = 4;
const FEWEST_ACTIONS = 5;
const MOST_ACTIONS = 12;
const LONGEST_PAUSE_MS = 900;
const LONGEST_PACE_MS = 120;
const FAULTS = ['reset', 'lose-answer', '500', '503', '429', 'slow', 'corrupt-request'] as const;

export function planFollowing(seed: number): FollowingPlan {
  const random = seededRandom(seed);
  const told = random.below(2) === 0;
  const length = FEWEST_ACTIONS + random.below(MOST_ACTIONS - FEWEST_ACTIONS + 1);
  const actions = Array.from({ length }, () => ({
    afterMs: random.below(LONGEST_PAUSE_MS),
    action: actionOf(random, told),
  }));
  return { seed, told, paceMs: 1 + random.below(LONGEST_PACE_MS), actions };
}

function actionOf(random: SeededRandom, told: boolean): FollowingAction {
  const salt = random.below(2 ** 31);
  const awayMs = random.below(1_200);
  const side = random.below(SIDES);
  const die = random.below(20);
  if (die < 4) return { kind: random.below(4) === 0 ? 'stop' : 'kill', awayMs };
  if (die < 5) return { kind: 'kill-peer', side, awayMs };
  if (die < 7) return told ? { kind: 'step-down' } : { kind: 'kill-database', awayMs };
  if (die < 8) return { kind: 'step-down' };
  if (die < 10) return { kind: 'rubbish', salt };
  if (die < 13) {
    const what = random.pick(['compare', 'retry', 'suspend', 'side'] as const);
    return { kind: 'ask', task: random.below(TASKS), what };
  }
  if (die < 14) return { kind: 'nothing' };
  return {
    kind: 'line',
    side,
    fault: random.pick(FAULTS),
    oneIn: 1 + random.below(10),
    forMs: 200 + random.below(2_000),
  };
}

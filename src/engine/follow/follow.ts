/** Follows the source for one task. */
import type { RunFarSide } from '../run-types.ts';
import type { FollowDeps, FollowPlan } from './types.ts';

export async function follow(
  _plan: FollowPlan,
  _farSides: readonly RunFarSide[],
  { drain }: FollowDeps,
  signal: AbortSignal,
): Promise<never> {
  signal.throwIfAborted();
  throw drain.reason;
}

/** Exponential back-off: `base · factor^attempt`, at most `cap`, then spread by `jitter` (0 = none, 1 = up to double). */
export interface BackoffPolicy {
  /** Milliseconds before the first retry. */
  readonly base: number;
  /** Upper bound in milliseconds, before jitter. */
  readonly cap: number;
  readonly factor?: number;
  readonly jitter?: number;
}

/** Milliseconds to wait before retry number `attempt` (0 = first). `random` returns [0, 1). */
export function backoffDelay(policy: BackoffPolicy, attempt: number, random: () => number): number {
  const exponential = policy.base * (policy.factor ?? 2) ** Math.min(attempt, 64);
  return Math.min(policy.cap, exponential) * (1 + (policy.jitter ?? 0.5) * random());
}

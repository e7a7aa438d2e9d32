import type { BkRepoTargetOptions } from './options.ts';

export interface ProbeResult {
  /** What `replica/version` says, or null where the server has no such call. */
  readonly version: string | null;
  /** Milliseconds from sending `replica/ping` to its answer. */
  readonly latencyMs: number;
  /** The far side's zone as its answers carry it, like `+08:00`; absent when they do not. */
  readonly timeZoneOffset?: string;
}

/** Sends `replica/ping` and `replica/version`. Fails with a classified `ReplicationError`. */
export function probeBkRepo(_options: BkRepoTargetOptions, _signal: AbortSignal): Promise<ProbeResult> {
  return Promise.reject(new Error('not built yet'));
}

/** What the tests of REST read of its answers, and what they do with nearly every one. */
import type { CurlAnswer } from '../../support/curl.ts';

export interface Info {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly status: string;
  readonly enabled: boolean;
  readonly lastExecutionStatus: string | null;
  readonly executionTimes: number;
}

export interface RunInfo {
  readonly id: string;
  readonly status: string;
  readonly endTime: string | null;
  readonly replicaOverview: { readonly success: number; readonly fileSuccess: number };
}

export interface Page<T = Info> {
  readonly count: number;
  readonly totalRecords: number;
  readonly totalPages: number;
  readonly records: readonly T[];
}

/** Runs on slow machines. */
export const PATIENCE = { timeoutMs: 20_000, intervalMs: 100 };

/** `data` of an answer that has to be success. @throws {Error} with the answer, when it is not */
export function told<T>({ status, code, message, data }: CurlAnswer<T>): T {
  if (status === 200 && code === 0 && message === null) return data;
  throw new Error(`answered ${status} with ${code}: ${message}`);
}

/** Status and code. */
export function refusal({ status, code }: CurlAnswer): readonly [number, number] {
  return [status, code];
}

import type { HttpOptions } from '../http/options.ts';

export interface BkRepoTargetOptions extends HttpOptions {
  /** Cluster `status.id`. */
  readonly id: string;
  /** Cluster `metadata.name`; stands in every error message. */
  readonly name: string;
  /** IANA name of the far side's zone (`Cluster.spec.timeZone`). Absent = the offset its answers carry. */
  readonly timeZone?: string;
}

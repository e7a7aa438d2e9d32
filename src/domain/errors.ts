/**
 * Every error that decides the fate of a unit, a far side or a task, classified once (design: "Retry").
 *
 * | class     | meaning                                                        |
 * | --------- | -------------------------------------------------------------- |
 * | retryable | may pass by itself: network, 408, 429, 5xx, a blob not there yet |
 * | unit      | final for this unit; the run goes on                           |
 * | cluster   | final for this far side in this run: credentials, TLS, disk full |
 * | spec      | the resource or the installation must be changed by a person   |
 */
export type ErrorClass = 'retryable' | 'unit' | 'cluster' | 'spec';

export interface ReplicationErrorOptions {
  /** Milliseconds the far side asked us to wait (Retry-After). */
  readonly retryAfterMs?: number;
  /** HTTP status of the answer, when there was one. */
  readonly status?: number;
  /** bk-repo's own error code (contract §1.4), when there was one. */
  readonly remoteCode?: number;
  readonly cause?: unknown;
}

/** `code` is CamelCase and stable: it becomes the reason of a condition or Event. `message` never holds a secret. */
export class ReplicationError extends Error {
  readonly code: string;
  readonly errorClass: ErrorClass;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;
  readonly remoteCode: number | undefined;

  constructor(errorClass: ErrorClass, code: string, message: string, options: ReplicationErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'ReplicationError';
    this.code = code;
    this.errorClass = errorClass;
    this.retryAfterMs = options.retryAfterMs;
    this.status = options.status;
    this.remoteCode = options.remoteCode;
  }
}

/** An error nobody classified is a defect of ours or of the machine: it is final for the unit, and keeps its words. */
export function classify(error: unknown): ReplicationError {
  if (error instanceof ReplicationError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ReplicationError('unit', 'InternalError', message, { cause: error });
}

import { classify } from '../../domain/errors.ts';

/** Request timeout, too many requests, unavailable, gateway timeout. */
const STATUSES: ReadonlySet<number> = new Set([408, 429, 503, 504]);

/** Without such a status: bk-repo's own word for it, and a far side that no longer moves. */
const CODES: ReadonlySet<string> = new Set(['TooManyRequests', 'Timeout', 'ConnectTimeout']);

/** Whether a failed request says that the far side has more to do than it can. */
export function isCongestion(cause: unknown): boolean {
  const { errorClass, status, code } = classify(cause);
  return errorClass === 'retryable' && ((status !== undefined && STATUSES.has(status)) || CODES.has(code));
}

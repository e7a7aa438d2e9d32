/** One line of `details.causes` of a Kubernetes Status. */
export interface KubeErrorCause {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
}

export interface KubeErrorOptions {
  readonly causes?: readonly KubeErrorCause[];
  /** Milliseconds the server asked us to wait (Retry-After, or details.retryAfterSeconds). */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * Every failed request to the API server. `code` is the HTTP status, or 0 when there was no answer; `reason` is the
 * Status's reason (`NotFound`, `Conflict`, …), or one of ours: `Unreachable`, `Timeout`, `ConfigUnusable`, `BadAnswer`,
 * `AnswerTooLarge`. The message never holds request or response bodies.
 */
export class KubeError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly causes: readonly KubeErrorCause[];
  readonly retryAfterMs: number | undefined;

  constructor(code: number, reason: string, message: string, options: KubeErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'KubeError';
    this.code = code;
    this.reason = reason;
    this.causes = options.causes ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** 404: the object (or its whole kind) is not there. */
export function isNotFound(error: unknown): boolean {
  return hasCode(error, 404);
}

/** 409 because the resourceVersion is not the present one, or another manager owns a field. */
export function isConflict(error: unknown): boolean {
  return hasCode(error, 409) && (error as KubeError).reason !== 'AlreadyExists';
}

export function isAlreadyExists(error: unknown): boolean {
  return hasCode(error, 409) && (error as KubeError).reason === 'AlreadyExists';
}

/** 403: the account lacks the right, or an admission plugin refused. */
export function isForbidden(error: unknown): boolean {
  return hasCode(error, 403);
}

/** Nothing new may be made in a namespace that is being deleted. */
export function isNamespaceEnding(error: unknown): boolean {
  return isForbidden(error) && (error as KubeError).causes.some(({ reason }) => reason === 'NamespaceTerminating');
}

/** 410: the resourceVersion or the continue token is too old; list again. */
export function isGone(error: unknown): boolean {
  return hasCode(error, 410);
}

/** 400 or 422: the server refuses the object itself; the causes name fields. */
export function isInvalid(error: unknown): boolean {
  return hasCode(error, 400) || hasCode(error, 422);
}

/** Nothing was answered: refused, reset, timed out, TLS. The request may have been carried out all the same. */
export function isUnreachable(error: unknown): boolean {
  return hasCode(error, 0);
}

function hasCode(error: unknown, code: number): boolean {
  return error instanceof KubeError && error.code === code;
}

interface StatusBody {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly causes?: readonly Partial<KubeErrorCause>[];
    readonly retryAfterSeconds?: number;
  };
}

const MAX_CAUSES = 20;
const MAX_MESSAGE = 1_024;

/**
 * Makes the error of an answer that is not 2xx. `what` says which request it was (`PATCH replicatasks/status demo/a`);
 * `retryAfter` is the header's value: seconds or an HTTP date, judged against `nowMs`.
 */
export function errorFromAnswer(
  what: string,
  code: number,
  body: string,
  retryAfter: string | undefined,
  nowMs: number,
): KubeError {
  const status = parseStatus(body);
  return errorFromStatus(what, { ...status, code }, retryAfterMs(retryAfter, nowMs));
}

/** Makes the error of a Status object, as a watch delivers it inside an ERROR event. */
export function errorFromStatus(what: string, body: unknown, retryAfter?: number): KubeError {
  const status = (typeof body === 'object' && body !== null ? body : {}) as StatusBody;
  const code = typeof status.code === 'number' ? status.code : 500;
  const reason = status.reason || `HTTP${code}`;
  const seconds = status.details?.retryAfterSeconds;
  const wait = retryAfter ?? (seconds === undefined || seconds <= 0 ? undefined : seconds * 1_000);
  const causes = (status.details?.causes ?? []).slice(0, MAX_CAUSES).map((cause) => ({
    field: cause.field ?? '',
    reason: cause.reason ?? '',
    message: clip(cause.message ?? ''),
  }));
  const message = `${what}: ${code} ${reason}${status.message ? `: ${clip(status.message)}` : ''}`;
  return new KubeError(code, reason, message, { causes, ...(wait === undefined ? {} : { retryAfterMs: wait }) });
}

function parseStatus(body: string): StatusBody {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && (parsed as StatusBody).kind === 'Status') return parsed;
  } catch {
    // A proxy's page or an empty body: the text itself is all there is.
  }
  return { message: body.trim() };
}

function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function clip(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}

/**
 * bk-repo's error codes that the shim answers with, of the present generation, and their HTTP statuses (contract §1.4;
 * measured: §11). Everything that fails in the shim is one of these; texts are in messages.ts.
 */
export const CODES = {
  systemError: { code: 250_102, status: 500 },
  parameterMissing: { code: 250_103, status: 400 },
  parameterEmpty: { code: 250_104, status: 400 },
  parameterInvalid: { code: 250_105, status: 400 },
  contentInvalid: { code: 250_106, status: 400 },
  bodyTooLarge: { code: 250_106, status: 413 },
  resourceExisted: { code: 250_107, status: 400 },
  resourceNotFound: { code: 250_108, status: 400 },
  /** The request did not arrive in time. */
  requestTimeout: { code: 250_106, status: 408 },
  methodNotAllowed: { code: 250_112, status: 405 },
  denied: { code: 250_113, status: 403 },
  unauthenticated: { code: 250_114, status: 401 },
  /** The API server, the journal or the far side does not answer; carries Retry-After. */
  unavailable: { code: 250_116, status: 503 },
  headersTooLarge: { code: 250_106, status: 431 },
  mediaTypeUnsupported: { code: 250_119, status: 415 },
  tooManyRequests: { code: 250_124, status: 429 },
  urlNotFound: { code: 250_130, status: 404 },
  parameterValidation: { code: 250_131, status: 400 },
  /** Somebody else changed the object between reading and writing. */
  changedMeanwhile: { code: 250_133, status: 409 },
  clusterConnectError: { code: 250_301, status: 400 },
  taskStatusInvalid: { code: 250_303, status: 400 },
  taskDisabled: { code: 250_304, status: 400 },
  clusterExists: { code: 250_305, status: 400 },
  clusterNotFound: { code: 250_306, status: 400 },
  taskNotEditable: { code: 250_308, status: 400 },
  /** A GitOps tool, or a file, owns the field: edit it there. */
  taskOwned: { code: 250_308, status: 409 },
  clusterOwned: { code: 250_113, status: 409 },
  centerExists: { code: 250_309, status: 400 },
  taskNotFound: { code: 250_310, status: 400 },
  pathInvalid: { code: 251_011, status: 400 },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly status: number }>>;

export type CodeName = keyof typeof CODES;

/** One thing that is wrong with a request; `subject` fills the text's blank (a field, a name, a reason). */
export interface Complaint {
  readonly code: CodeName;
  readonly subject: string;
  /** More for people, in English: the bound, the reason, the place to edit. Never a secret. */
  readonly detail?: string;
}

/**
 * An answer that is not success. Its code and status are those of the first complaint, in the order in which bk-repo
 * checks; the message tells all of them.
 */
export class RestError extends Error {
  readonly code = 'RestError';
  readonly complaints: readonly [Complaint, ...Complaint[]];
  /** Seconds for the header Retry-After. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    complaints: readonly [Complaint, ...Complaint[]],
    options: { readonly retryAfterSeconds?: number; readonly cause?: unknown } = {},
  ) {
    const [first] = complaints;
    super(
      `${first.code}: ${first.subject}${first.detail === undefined ? '' : ` (${first.detail})`}`,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.name = 'RestError';
    this.complaints = complaints;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The usual case: one complaint. */
export function complain(code: CodeName, subject = '', detail?: string): RestError {
  return new RestError([{ code, subject, ...(detail === undefined ? {} : { detail }) }]);
}

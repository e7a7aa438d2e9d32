/** bk-repo's coded errors as this server answers them: HTTP status, code and text (contract §1.4, captures). */
export const ERRORS = {
  system: [500, 250102, 'System service is busy, please try again later'],
  parameterMissing: [400, 250103, 'Parameter [{}] is missing'],
  parameterEmpty: [400, 250104, 'Parameter [{}] should not be empty'],
  parameterInvalid: [400, 250105, 'Parameter [{}] is invalid'],
  contentInvalid: [400, 250106, 'Invalid request content'],
  contentTooLarge: [413, 250106, 'Invalid request content'],
  methodNotAllowed: [405, 250112, 'Method not allowed, reason: {}'],
  denied: [403, 250113, 'Access denied: {}'],
  unauthenticated: [401, 250114, 'Failed to authenticate: {}'],
  headerMissing: [400, 250118, 'Header [{}] is missing'],
  mediaType: [415, 250119, 'Media type [{}] unsupported'],
  tooManyRequests: [429, 250124, 'Too many requests: {}'],
  resultTooLarge: [400, 250127, 'Query result is too large'],
  urlNotFound: [404, 250130, 'Request url[{}] not found'],
  queryInvalid: [400, 250131, 'Parameter [{}] is invalid'],
  artifactBroken: [400, 250311, 'replica artifact [{}] broken'],
  digestMismatch: [400, 251003, 'Failed to check artifact {} digest'],
  projectNotFound: [400, 251004, 'Project [{}] not found'],
  repositoryNotFound: [400, 251006, 'Repository [{}] not found'],
  repositoryContainsFile: [400, 251008, 'Repository [{}] contains file'],
  nodeNotFound: [400, 251010, 'Node [{}] not found'],
  nodePathInvalid: [400, 251011, 'Node path [{}] is invalid'],
  nodeExisted: [400, 251012, 'Node [{}] existed'],
  nodeConflict: [400, 251013, 'Node [{}] conflict'],
  versionExisted: [400, 251020, 'Package version [{}] existed'],
  dataNotFound: [404, 251024, 'Artifact file data not found'],
  dataNotStored: [400, 251024, 'Artifact file data not found'],
  sizeMismatch: [400, 251031, 'Failed to check artifact {} size'],
  storeFailed: [500, 251101, 'Failed to store file'],
  uploadUnknown: [404, 251101, 'Failed to store file'],
  storeFull: [507, 251101, 'Failed to store file: no space left'],
} as const satisfies Readonly<Record<string, readonly [status: number, code: number, text: string]>>;

export type ErrorName = keyof typeof ERRORS;

/** Longest parameter that is put into a message, in characters. */
const MAX_PARAMETER = 512;

/** An answer other than success. `parameter` fills the gap of the text; it never holds a secret. */
export class PeerError extends Error {
  readonly errorName: ErrorName;
  readonly status: number;
  readonly code: number;

  constructor(
    errorName: ErrorName,
    parameter = '',
    options: { readonly cause?: unknown; readonly status?: number } = {},
  ) {
    const [status, code, text] = ERRORS[errorName];
    super(
      text.replace('{}', () => parameter.slice(0, MAX_PARAMETER)),
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.name = 'PeerError';
    this.errorName = errorName;
    this.status = options.status ?? status;
    this.code = code;
  }
}

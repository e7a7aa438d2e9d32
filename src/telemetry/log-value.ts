/**
 * Makes any value fit for a log line: bounded in depth, width and length, with secrets taken out. The guard works on
 * names (password, token, …) and on the shapes in which credentials travel inside text (URL user info, Authorization
 * values); it is the last line of defence, not a licence to log credentials.
 */

const MAX_TEXT = 2_048;
const MAX_ITEMS = 20;
const MAX_DEPTH = 5;
const MAX_CAUSES = 5;
const REDACTED = '[redacted]';

const SECRET_NAME =
  /^(?:.*password|passwd|.*token|.*authorization|(?:set-)?cookie|secret|.*privatekey|clientkey|apikey)$/i;
const USER_INFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@]*@/gi;
const AUTHORIZATION = /\b(Basic|Bearer|Temporary|Platform)\s+[\w+/=.~-]{6,}/g;

/** Takes credentials out of text and cuts it to 2,048 characters. */
export function cleanText(text: string): string {
  // Cleaned before the last cut, or half a password could stay without the mark that tells it is one.
  const clean = text
    .slice(0, 2 * MAX_TEXT)
    .replace(USER_INFO, `$1${REDACTED}@`)
    .replace(AUTHORIZATION, `$1 ${REDACTED}`);
  return clean.length > MAX_TEXT ? `${clean.slice(0, MAX_TEXT)}… (${text.length} characters)` : clean;
}

/** An error as fields: name, code, reason, message, stack, and the same for up to five causes. */
export function errorFields(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return logValue(error, 1);
  const extra = error as Error & { readonly code?: unknown; readonly reason?: unknown; readonly status?: unknown };
  return {
    name: error.name,
    ...(extra.code === undefined ? {} : { code: logValue(extra.code, MAX_DEPTH) }),
    ...(extra.reason === undefined ? {} : { reason: logValue(extra.reason, MAX_DEPTH) }),
    ...(extra.status === undefined ? {} : { status: logValue(extra.status, MAX_DEPTH) }),
    message: cleanText(error.message),
    ...(depth === 0 && error.stack !== undefined ? { stack: cleanText(stackFrames(error)) } : {}),
    ...(error instanceof AggregateError
      ? { errors: error.errors.slice(0, MAX_CAUSES).map((inner) => errorFields(inner, depth + 1)) }
      : {}),
    ...(error.cause !== undefined && depth < MAX_CAUSES ? { cause: errorFields(error.cause, depth + 1) } : {}),
  };
}

/** Only where it happened: the message stands beside it already. */
function stackFrames(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 12)
    .join('\n');
}

/** A bounded, redacted copy of `value` that `JSON.stringify` accepts. */
export function logValue(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  return typeof value === 'object' && value !== null ? logObject(value, depth) : value;
}

function logObject(value: object, depth: number): unknown {
  if (value instanceof Error) return errorFields(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[deeper]';
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => logValue(item, depth + 1));
    return value.length > MAX_ITEMS ? [...items, `… ${value.length} items`] : items;
  }
  return logFields(value as Readonly<Record<string, unknown>>, depth + 1);
}

/** The fields of one log line, each bounded and redacted; at most 40 of them. */
export function logFields(fields: Readonly<Record<string, unknown>>, depth = 0): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .slice(0, 2 * MAX_ITEMS)
      .map(([name, value]) => [
        name,
        SECRET_NAME.test(name) && value !== undefined && value !== null ? REDACTED : logValue(value, depth),
      ]),
  );
}

/** One thing to look at, and what was found. A check that fails in any way is a finding; it never ends the others. */
import { ConfigError } from '../../config.ts';
import { ReplicationError } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';

/** `warning`: it works, but not for long or not well. `skipped`: could not be looked at. */
export type Result = 'ok' | 'warning' | 'failed' | 'skipped';

export interface Finding {
  readonly check: string;
  readonly result: Result;
  readonly message: string;
  /** What to do. */
  readonly remedy?: string;
}

export interface Check {
  readonly name: string;
  /** What to do when `look` fails. */
  readonly remedy: string;
  readonly look: (signal: AbortSignal) => Promise<Omit<Finding, 'check'> | readonly Omit<Finding, 'check'>[]>;
}

/** Longest time that one check may take, in milliseconds. */
const LIMIT_MS = 30_000;
/** Certificates are to be renewed when they end sooner, in milliseconds. */
const CERTIFICATE_WARNING_MS = 14 * 86_400_000;
/** Milliseconds by which clocks may differ without notice, and at most. */
const SKEW_WARNING_MS = 2_000;
const SKEW_FAILURE_MS = 60_000;

export async function findingsOf(
  { name, remedy, look }: Check,
  clock: Clock,
  stop: AbortSignal,
): Promise<readonly Finding[]> {
  const done = new AbortController();
  const late = new AbortController();
  const timeout = clock.sleep(LIMIT_MS, done.signal).then(
    () => late.abort(new Error(`no answer within ${LIMIT_MS / 1_000} seconds`)),
    () => {},
  );
  try {
    const found = await look(AbortSignal.any([stop, late.signal]));
    return [found].flat().map((finding) => ({ check: name, ...finding }));
  } catch (error) {
    stop.throwIfAborted();
    return [{ check: name, result: 'failed', message: wordsOf(error), remedy }];
  } finally {
    done.abort();
    await timeout;
  }
}

/** Our own errors hold no secrets; what others throw may quote a connection string, so only its kind is told. */
function wordsOf(error: unknown): string {
  // MongoDB quotes the whole command that it refuses.
  if (error instanceof ReplicationError)
    return `${error.code}: ${error.message.replace(/ to execute command \{.*\}/s, '')}`;
  if (error instanceof ConfigError) return error.message.replaceAll(/\s*\n\s*/g, ' ');
  if (!(error instanceof Error)) return 'failed';
  const { code } = error as { readonly code?: unknown };
  const named = typeof code === 'string' ? `${error.name} ${code}` : error.name;
  return /:\/\//.test(error.message) ? named : `${named}: ${error.message}`;
}

export function ok(message: string): Omit<Finding, 'check'> {
  return { result: 'ok', message };
}

/** What the difference of two clocks means; positive = the other one is ahead. */
export function skewFinding(whose: string, skewMs: number): Omit<Finding, 'check'> {
  const amount = Math.abs(skewMs);
  const message = `the clock of ${whose} is ${(amount / 1_000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead'}`;
  if (amount < SKEW_WARNING_MS) return ok(message);
  const remedy = `synchronise the clocks of this machine and of ${whose} (NTP)`;
  return { result: amount < SKEW_FAILURE_MS ? 'warning' : 'failed', message, remedy };
}

export function certificateFinding(what: string, validTo: Date, now: number): Omit<Finding, 'check'> {
  const left = validTo.getTime() - now;
  const until = `${what} is valid until ${validTo.toISOString()}`;
  if (left > CERTIFICATE_WARNING_MS) return ok(until);
  const remedy = `renew ${what}`;
  if (left > 0) return { result: 'warning', message: until, remedy };
  return { result: 'failed', message: `${what} expired at ${validTo.toISOString()}`, remedy };
}

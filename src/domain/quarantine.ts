/**
 * What becomes of a unit that failed before, in a run that nobody asked for. Pure. Guarantees: a unit is tried at once
 * when its source has changed; else it waits longer after each failure, and after its budget it is quarantined: failed
 * without being tried, until its source changes or a person asks. What a failure is decides the engine: a unit that was
 * not tried, or whose far side was given up as a whole, has not failed.
 */
import { createHash } from 'node:crypto';
import { RETRY_REQUESTED_ANNOTATION } from '../api/names.ts';
import type { Entry } from './compare.ts';

/** Runs in a row in which a unit may fail before it is quarantined. */
export const FAILURE_BUDGET = 5;
/** Wait after the first failure; doubled by each further one. Milliseconds. */
const FIRST_WAIT = 60_000;
/** Milliseconds. */
const LONGEST_WAIT = 3_600_000;
/** Characters quoted of the last error. */
const MAX_QUOTED = 200;

export interface PastFailure {
  /** State of the source at the last failure. */
  readonly fingerprint: string;
  /** Runs in a row, from 1. */
  readonly failures: number;
  readonly lastFailedAt: Date;
  readonly reason: string;
  readonly message: string;
}

/** Why a unit is not tried. It is told as a failure of the unit. */
export interface HeldBack {
  readonly reason: 'BackingOff' | 'Quarantined';
  readonly message: string;
}

export function isHeldBack(reason: string): boolean {
  return reason === 'BackingOff' || reason === 'Quarantined';
}

/** undefined = the unit is tried. `fingerprint`: of its source now. */
export function heldBack(past: PastFailure, fingerprint: string, now: Date): HeldBack | undefined {
  if (past.fingerprint !== fingerprint) return undefined;
  const failed = `not tried: it failed ${times(past.failures)}, the last time by ${quoted(past)}`;
  const ask = `at once when a new value of the annotation ${RETRY_REQUESTED_ANNOTATION} asks for it`;
  if (past.failures >= FAILURE_BUDGET) {
    return {
      reason: 'Quarantined',
      message: `${failed}; it is tried again when its source changes, or ${ask}`,
    };
  }
  const until = new Date(past.lastFailedAt.getTime() + waitAfter(past.failures));
  // A clock that was set back must not hold a unit longer than the wait itself.
  const ahead = past.lastFailedAt.getTime() > now.getTime() + LONGEST_WAIT;
  if (until.getTime() <= now.getTime() || ahead) return undefined;
  return {
    reason: 'BackingOff',
    message: `${failed}; it is tried again by the first run after ${until.toISOString()} or when its source changes, or ${ask}`,
  };
}

/** Milliseconds. */
export function waitAfter(failures: number): number {
  return Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.max(0, failures - 1));
}

/** `counted`: this run has counted a failure of the unit already, before it was adopted. */
export function nextFailure(
  past: PastFailure | undefined,
  { fingerprint, reason, message }: Pick<PastFailure, 'fingerprint' | 'reason' | 'message'>,
  now: Date,
  counted: boolean,
): PastFailure {
  const before = past?.fingerprint === fingerprint ? past.failures : 0;
  const failures = counted && before > 0 ? before : before + 1;
  return { fingerprint, failures, lastFailedAt: now, reason, message };
}

/** State of one file of the source. The digest of a file that is kept in other forms is not known before it is read. */
export interface FileState {
  readonly kind: string;
  readonly size: number;
  readonly sha256: string;
  readonly lastModifiedDate: Date;
  readonly metadata: readonly Entry[];
}

export interface VersionState {
  readonly name: string;
  readonly size: number;
  readonly manifestPath: string | null;
  readonly artifactPaths: readonly string[];
  readonly lastModifiedDate: Date;
  readonly metadata: readonly Entry[];
}

export function filesFingerprint(files: readonly FileState[]): string {
  return digest(files.map(fileFacts));
}

/** `files`: those that the version names itself. */
export function versionFingerprint(version: VersionState, files: readonly FileState[]): string {
  const { name, size, manifestPath, artifactPaths, lastModifiedDate, metadata } = version;
  return digest([name, size, manifestPath, artifactPaths, lastModifiedDate, metadata, files.map(fileFacts)]);
}

function fileFacts({ kind, size, sha256, lastModifiedDate, metadata }: FileState): readonly unknown[] {
  const content = kind === 'file' ? sha256 : [sha256, lastModifiedDate];
  return [kind, size, content, metadata.map(({ key, value, system }) => [key, value, system])];
}

function digest(facts: unknown): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times in a row`;
}

function quoted({ reason, message }: PastFailure): string {
  return message.length <= MAX_QUOTED ? `${reason}: ${message}` : `${reason}: ${message.slice(0, MAX_QUOTED - 1)}…`;
}

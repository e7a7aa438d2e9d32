/** Prints one line for the person who waits. */
export type Say = (line: string) => void;

/** A way to a part was tried and does not lead there; the message says why, in words that fit behind the way's name. */
export class WayFailed extends Error {
  readonly code = 'WAY_FAILED';
}

/** Where a part lies and what it is. */
export interface Found<Paths> {
  readonly paths: Paths;
  /** For example `6.0.27`. */
  readonly version: string;
  /** For example `/usr/bin/mongod`. */
  readonly where: string;
}

/** One of the ways to a part that put it into the cache: fills `into` and answers with the version it got there. */
export interface Supplier {
  readonly name: string;
  /** @throws {WayFailed} with the reason */
  supply(into: string, say: Say): Promise<{ readonly version: string }>;
}

/** A part (mongod, kubernetes) and its four ways. */
export interface Part<Paths> {
  readonly name: string;
  /** Distinguishes what lies in the cache: another recipe is another directory. */
  readonly recipe: string;
  /** Way 1: what the user has. @throws {WayFailed} with the reason */
  fromUser(say: Say): Promise<Found<Paths>>;
  /** Ways 3 and 4, in order. */
  readonly suppliers: readonly Supplier[];
  /** The paths of a part that lies in the cache at `directory`. */
  pathsIn(directory: string): Paths;
}

/** @throws {Error} anything that is not a {@link WayFailed} is a defect and not a reason to try the next way */
export function reasonOf(error: unknown): string {
  if (error instanceof WayFailed) return error.message;
  throw error;
}

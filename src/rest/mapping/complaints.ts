/** Collecting all that is wrong with a body, in the order in which bk-repo checks. */
import { type CodeName, type Complaint, RestError } from '../codes.ts';

/** Complaints told at most; a body made to have more is wrong anyway. */
const MAX_COMPLAINTS = 100;

/** Given, and not null: null is absent (contract §1.3). */
export function isGiven<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined;
}

/** Given and neither empty nor, as a text, blank. */
export function isSaid(value: string | number | readonly unknown[] | null | undefined): boolean {
  if (!isGiven(value)) return false;
  if (typeof value === 'number') return true;
  return (typeof value === 'string' ? value.trim() : value).length > 0;
}

export function note(complaints: Complaint[], code: CodeName, subject: string, detail?: string): void {
  if (complaints.length < MAX_COMPLAINTS)
    complaints.push({ code, subject, ...(detail === undefined ? {} : { detail }) });
}

/** Absent is 250103, empty or blank 250104. @returns whether it is there */
export function noteUnlessSaid(
  complaints: Complaint[],
  field: string,
  value: string | readonly unknown[] | null | undefined,
): boolean {
  if (isSaid(value)) return true;
  note(complaints, isGiven(value) ? 'parameterEmpty' : 'parameterMissing', field);
  return false;
}

/** A text that cannot be stored as it is: half of a surrogate pair. */
export function noteUnlessText(complaints: Complaint[], field: string, value: string | null | undefined): void {
  if (isGiven(value) && !value.isWellFormed())
    note(complaints, 'parameterInvalid', field, 'it holds half of a surrogate pair');
}

/** Bounds of a name, in characters. */
const MIN_NAME = 2;
const MAX_NAME = 256;
const CONTROL = /\p{Cc}/u;

/** A name that is there: 2 to 256 characters that can be stored. */
export function noteUnlessName(complaints: Complaint[], value: string): void {
  const length = Array.from(value).length;
  if (length < MIN_NAME || length > MAX_NAME)
    note(complaints, 'parameterInvalid', 'name', `must have ${MIN_NAME} to ${MAX_NAME} characters`);
  else if (CONTROL.test(value)) note(complaints, 'parameterInvalid', 'name', 'must not hold control characters');
  else noteUnlessText(complaints, 'name', value);
}

/** @throws {RestError} with all of them, if there are any */
export function refuse(complaints: readonly Complaint[]): void {
  const [first, ...more] = complaints;
  if (first !== undefined) throw new RestError([first, ...more]);
}

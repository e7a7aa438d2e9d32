/** What is wrong with one field of an object, in the words of the API server. */
export interface FieldError {
  /** E.g. `spec.replicaTaskObjects[0].repoType`. */
  readonly field: string;
  /** E.g. `Required value`. */
  readonly message: string;
}

/** Bound of a value that is quoted in a message, in characters. */
const MAX_VALUE = 200;

/** `spec.url: Invalid value: "…": must …` */
export function fieldErrorText(error: FieldError): string {
  return `${error.field}: ${error.message}`;
}

/** A value as it is quoted in a message: JSON, clipped. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}…`;
}

export function invalidValue(field: string, value: unknown, detail: string): FieldError {
  return { field, message: `Invalid value: ${quoted(value)}: ${detail}` };
}

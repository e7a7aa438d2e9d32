/**
 * Conditions of a status, in the shape and by the rules of Kubernetes. Pure: lists are never changed in place, the time
 * is passed in. A list keeps its order, so that an unchanged state gives an equal list.
 */

export type ConditionStatus = 'True' | 'False' | 'Unknown';

export interface Condition {
  /** CamelCase, e.g. `Ready`. */
  readonly type: string;
  readonly status: ConditionStatus;
  /** `metadata.generation` from which this was concluded. */
  readonly observedGeneration?: number;
  /** RFC 3339, whole seconds: when `status` last changed. */
  readonly lastTransitionTime: string;
  /** CamelCase and stable. */
  readonly reason: string;
  /** For people; never holds a secret. */
  readonly message: string;
}

/** What a caller says about a condition; the time of the transition follows from the list. */
export interface ConditionInput {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly observedGeneration: number;
  readonly reason: string;
  readonly message: string;
}

/** Bound of `message` in the CRDs, in characters. */
export const MAX_MESSAGE = 32_768;
const ELLIPSIS = '…';

export function getCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** `lastTransitionTime` becomes `now` only when `status` differs from before; reason and message always follow. */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  input: ConditionInput,
  now: Date,
): readonly Condition[] {
  const before = getCondition(conditions, input.type);
  const condition: Condition = {
    type: input.type,
    status: input.status,
    observedGeneration: input.observedGeneration,
    lastTransitionTime: before?.status === input.status ? before.lastTransitionTime : timestamp(now),
    reason: input.reason,
    message: sanitiseText(input.message, MAX_MESSAGE),
  };
  const list = conditions ?? [];
  return before === undefined
    ? [...list, condition]
    : list.map((present) => (present.type === input.type ? condition : present));
}

export function removeCondition(conditions: readonly Condition[] | undefined, type: string): readonly Condition[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

/** RFC 3339 in UTC with whole seconds, as Kubernetes writes its times. */
export function timestamp(instant: Date): string {
  return `${instant.toISOString().slice(0, 19)}Z`;
}

/**
 * Text from outside made fit for a status or an Event: passwords in URLs are taken out, control characters become spaces,
 * lone surrogates (which etcd refuses) are replaced, and what is longer than `limit` characters ends in an ellipsis.
 */
export function sanitiseText(text: string, limit: number): string {
  // Cut before the work, so that a huge text costs little; a URL whose credentials may have lost their @ goes as well.
  const head =
    text.length <= limit * 2 ? text : text.slice(0, limit * 2).replace(/[a-z][a-z0-9+.-]*:\/\/[^\s/?#]*$/iu, '');
  const clean = head
    .toWellFormed()
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]*@/giu, '$1')
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim();
  if (clean.length <= limit) return clean;
  return clean.slice(0, limit - ELLIPSIS.length).toWellFormed() + ELLIPSIS;
}

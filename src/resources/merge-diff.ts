import { isDeepStrictEqual } from 'node:util';

/** A JSON object as patches see it. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The merge patch (RFC 7396) that turns `before` into `after`: null removes a member, lists are replaced whole. Neither
 * may hold null or undefined members ({@link plainJson}). Undefined when both say the same, in whatever order.
 */
export function mergeDiff(before: JsonObject, after: JsonObject): JsonObject | undefined {
  const patch = new Map<string, unknown>();
  for (const [key, value] of Object.entries(before))
    if (value !== undefined && after[key] === undefined) patch.set(key, null);
  for (const [key, value] of Object.entries(after)) {
    const difference = memberDiff(before[key], value);
    if (difference !== undefined) patch.set(key, difference);
  }
  return patch.size === 0 ? undefined : Object.fromEntries(patch);
}

function memberDiff(before: unknown, after: unknown): unknown {
  if (after === undefined || isDeepStrictEqual(before, after)) return undefined;
  if (!isObject(after)) return after;
  return mergeDiff(isObject(before) ? before : {}, after) ?? (isObject(before) ? undefined : {});
}

/** The value as the wire has it: without undefined members, dates as text. */
export function plainJson<T extends object>(value: T): T & JsonObject {
  return JSON.parse(JSON.stringify(value)) as T & JsonObject;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The metadata list of a node or version, between its stored form and ours (contract §5.2).
 *
 * Strings, numbers, booleans and lists keep their type. What JSON has no exact number for is not falsified: a 64-bit
 * integer beyond 2^53 and a Decimal128 become their decimal text, a date its ISO text, and a sub-document its JSON text.
 */
import { Decimal128, Double, Int32, Long, UUID } from 'mongodb';
import type { MetadataEntry, MetadataValue } from '../../engine/ports/source.ts';
import type { MetadataDoc } from './documents.ts';

export function decodeMetadata(docs: readonly MetadataDoc[] | null | undefined): readonly MetadataEntry[] {
  return (docs ?? []).map((doc) => ({
    key: doc.key,
    value: decodeValue(doc.value),
    system: doc.system ?? false,
    ...optionalFields(doc),
  }));
}

/** In the field order of the servers' own documents; a description, link or colour that is not given stays absent. */
export function encodeMetadata(entries: readonly MetadataEntry[]): MetadataDoc[] {
  return entries.map((entry) => ({
    key: entry.key,
    ...(entry.value === null ? {} : { value: encodeValue(entry.value) }),
    system: entry.system,
    ...optionalFields(entry),
  }));
}

function optionalFields(from: {
  readonly description?: string | null;
  readonly link?: string | null;
  readonly color?: string | null;
}): { readonly description?: string; readonly link?: string; readonly color?: string } {
  return {
    ...(typeof from.description === 'string' ? { description: from.description } : {}),
    ...(typeof from.link === 'string' ? { link: from.link } : {}),
    ...(typeof from.color === 'string' ? { color: from.color } : {}),
  };
}

/** A value as JSON can say it. */
export function decodeValue(value: unknown): MetadataValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return exactInteger(value);
  if (Array.isArray(value)) return value.map(decodeValue);
  if (value instanceof Long) return exactInteger(value.toBigInt());
  if (value instanceof Int32 || value instanceof Double) return value.valueOf();
  if (value instanceof Decimal128 || value instanceof UUID) return value.toString();
  if (value instanceof Date) return value.toISOString();
  return JSON.stringify(value);
}

function exactInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** Integers beyond 32 bits must be wrapped: the driver would store them as doubles, where a server stores int64. */
function encodeValue(value: MetadataValue): unknown {
  if (Array.isArray(value)) return value.map(encodeValue);
  if (typeof value === 'number' && Number.isSafeInteger(value) && (value | 0) !== value) return Long.fromNumber(value);
  return value;
}

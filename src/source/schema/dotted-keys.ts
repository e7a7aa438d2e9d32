/**
 * Keys of maps in documents: MongoDB field names had no dots, so bk-repo stores `.` as `#dot#` (contract §3.5). This is
 * for maps only (versionTag, extension, an oplog's description); the `key` of a metadata entry is a value and keeps
 * its dots.
 */
const STORED_DOT = '#dot#';

function encodeDottedKey(key: string): string {
  return key.replaceAll('.', STORED_DOT);
}

function decodeDottedKey(key: string): string {
  return key.replaceAll(STORED_DOT, '.');
}

/** A map with all keys as they are stored, maps within it too. */
export function encodeDottedKeys(map: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return renameKeys(map, encodeDottedKey, (value) => value);
}

/** A map with all keys as they were meant, maps within it too; `decodeLeaf` gets what is neither map nor list. */
export function decodeDottedKeys(
  map: Readonly<Record<string, unknown>>,
  decodeLeaf: (value: unknown) => unknown = (value) => value,
): Record<string, unknown> {
  return renameKeys(map, decodeDottedKey, decodeLeaf);
}

function renameKeys(
  map: Readonly<Record<string, unknown>>,
  rename: (key: string) => string,
  leaf: (value: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [rename(key), renameWithin(value, rename, leaf)]),
  );
}

function renameWithin(value: unknown, rename: (key: string) => string, leaf: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => renameWithin(item, rename, leaf));
  if (isPlainMap(value)) return renameKeys(value, rename, leaf);
  return leaf(value);
}

function isPlainMap(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

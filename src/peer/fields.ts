/** Fields of a JSON body or a query, read as bk-repo does: unknown ones are ignored, null is absent (contract §1.3). */
import type { MetadataEntry, MetadataValue } from '../engine/ports/source.ts';
import { InvalidPathError, normalizeFullPath } from '../source/schema/paths.ts';
import { PeerError } from './errors.ts';

/** Most entries of one list in a request. */
const MAX_LIST = 20_000;

export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;

  private constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  /** Fails with 250106 for anything but a JSON object. */
  static of(value: unknown): Fields {
    if (!isRecord(value)) throw new PeerError('contentInvalid');
    return new Fields(value);
  }

  has(name: string): boolean {
    return this.#values[name] !== undefined && this.#values[name] !== null;
  }

  raw(name: string): unknown {
    return this.#values[name] ?? undefined;
  }

  /** A string that must be there, else 250106. Numbers and booleans are read as text, as Jackson does. */
  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw new PeerError('contentInvalid');
    return value;
  }

  optionalText(name: string): string | undefined {
    const value = this.raw(name);
    if (value === undefined || typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw new PeerError('contentInvalid');
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.raw(name);
    if (value === undefined) return absent;
    if (typeof value === 'boolean') return value;
    if (value === 'true' || value === 'false') return value === 'true';
    throw new PeerError('contentInvalid');
  }

  integer(name: string): number | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const number = typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw new PeerError('contentInvalid');
    return number;
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length > MAX_LIST) throw new PeerError('contentInvalid');
    return value;
  }

  textList(name: string): readonly string[] | undefined {
    return this.list(name)?.map((item) => {
      if (typeof item !== 'string') throw new PeerError('contentInvalid');
      return item;
    });
  }

  record(name: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (!isRecord(value)) throw new PeerError('contentInvalid');
    return value;
  }

  /** A nested object; one that is not there counts as empty. */
  fields(name: string): Fields {
    return new Fields(this.record(name) ?? {});
  }

  /** A normalised node path that must be there; fails with 251011 for one that bk-repo refuses. */
  path(name: string): string {
    return nodePath(this.text(name));
  }

  /** The list form when it is there, else the old map form; undefined = neither. */
  metadata(listName: string, mapName: string): readonly MetadataEntry[] | undefined {
    const list = this.list(listName);
    if (list !== undefined) return list.map(metadataEntry);
    const map = this.record(mapName);
    if (map === undefined) return undefined;
    return Object.entries(map).map(([key, value]) => ({ key, value: metadataValue(value), system: false }));
  }
}

export function nodePath(text: string): string {
  try {
    return normalizeFullPath(text);
  } catch (error) {
    if (error instanceof InvalidPathError) throw new PeerError('nodePathInvalid', text, { cause: error });
    throw error;
  }
}

function metadataEntry(item: unknown): MetadataEntry {
  const fields = Fields.of(item);
  const description = fields.optionalText('description');
  const link = fields.optionalText('link');
  const color = fields.optionalText('color');
  return {
    key: fields.text('key'),
    value: metadataValue(fields.raw('value') ?? null),
    system: fields.flag('system', false),
    ...(description === undefined ? {} : { description }),
    ...(link === undefined ? {} : { link }),
    ...(color === undefined ? {} : { color }),
  };
}

/** Scalars and lists; a map as a value becomes its JSON text. */
function metadataValue(value: unknown): MetadataValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  if (Array.isArray(value)) return value.map(metadataValue);
  return JSON.stringify(value);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

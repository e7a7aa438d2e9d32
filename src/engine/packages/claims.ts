/**
 * Which files of a repository belong to package versions, so that they do not travel a second time as loose files.
 * Memory: 16 bytes for each path or folder claimed, in a table at most three quarters full; collisions of 128-bit
 * digests are not provided for.
 */
import { hash } from 'node:crypto';

const FIRST_CAPACITY = 1_024;
/** 32-bit words of an entry. */
const WORDS = 4;

export class Claims {
  #table = new Uint32Array(FIRST_CAPACITY * WORDS);
  #size = 0;

  /** A path, or a folder with a trailing slash: then everything below it. */
  add(claim: string): void {
    if (((this.#size + 1) * WORDS * 4) / 3 > this.#table.length) this.#grow();
    if (insert(this.#table, digest(claim))) this.#size += 1;
  }

  has(fullPath: string): boolean {
    if (this.#contains(fullPath)) return true;
    for (let slash = fullPath.lastIndexOf('/'); slash > 0; slash = fullPath.lastIndexOf('/', slash - 1)) {
      if (this.#contains(fullPath.slice(0, slash + 1))) return true;
    }
    return false;
  }

  #contains(claim: string): boolean {
    return find(this.#table, digest(claim)).found;
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const entry = old.subarray(at, at + WORDS);
      if (!isFree(old, at)) insert(this.#table, entry);
    }
  }
}

function digest(text: string): Uint32Array {
  const bytes = hash('sha256', text, 'buffer');
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + WORDS * 4));
}

function insert(table: Uint32Array, entry: Uint32Array): boolean {
  const { at, found } = find(table, entry);
  if (!found) table.set(entry, at);
  return !found;
}

function find(table: Uint32Array, entry: Uint32Array): { readonly at: number; readonly found: boolean } {
  const capacity = table.length / WORDS;
  let slot = (entry[0] ?? 0) & (capacity - 1);
  for (;;) {
    const at = slot * WORDS;
    if (isFree(table, at)) return { at, found: false };
    if (entry.every((word, index) => table[at + index] === word)) return { at, found: true };
    slot = (slot + 1) & (capacity - 1);
  }
}

/** A digest of all zeros does not occur. */
function isFree(table: Uint32Array, at: number): boolean {
  return table[at] === 0 && table[at + 1] === 0 && table[at + 2] === 0 && table[at + 3] === 0;
}

import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';

export interface StoredDigests {
  readonly size: number;
  readonly sha256: string;
  readonly md5: string;
}

/** Nanoseconds: the clock of a file system may stand still for some milliseconds. */
const SETTLED = 100_000_000n;

/**
 * What files were found to hold, for comers who compare the same stores again and again. A file is read anew when it is
 * another one, or when anything was done to it: no program can set its ctime.
 */
export class DigestMemory {
  readonly #known = new Map<string, { readonly stamp: string; readonly digests: StoredDigests }>();

  async of(file: string, read: () => Promise<StoredDigests>): Promise<StoredDigests> {
    const before = await stat(file, { bigint: true });
    const known = this.#known.get(file);
    if (known?.stamp === stampOf(before)) return known.digests;
    const now = BigInt(Date.now()) * 1_000_000n;
    const digests = await read();
    const unchanged = stampOf(await stat(file, { bigint: true })) === stampOf(before);
    if (unchanged && before.ctimeNs < now - SETTLED) this.#known.set(file, { stamp: stampOf(before), digests });
    return digests;
  }
}

function stampOf({ dev, ino, size, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${ctimeNs}`;
}

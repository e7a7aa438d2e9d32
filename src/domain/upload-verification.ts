/**
 * When a far side's word about an upload is enough (design §3, transfer). Real servers store altered bytes under a right
 * name and keep them, so `auto` reads back every large blob and the first small ones, then samples.
 */

/** Blobs of this size or more are always proved under `auto`. Bytes. */
export const LARGE_BLOB_BYTES = 8 * 1024 * 1024;
/** So many small blobs are read back before `auto` begins to sample. */
const SMALL_BLOBS_BEFORE_SAMPLING = 100;
/** Then one in so many. */
const SAMPLE_ONE_IN = 20;

export interface UploadFacts {
  /** Bytes. */
  readonly size: number;
  /** The far side compared the digest itself, on bytes that it certainly did not have before. */
  readonly provedByUpload: boolean;
  /** Small blobs of this far side that were read back and found right so far in this run, or since it is followed. */
  readonly smallBlobsProved: number;
  /** In [0, 1). */
  readonly random: number;
}

export function mustReadBack(verification: 'auto' | 'always' | 'never', facts: UploadFacts): boolean {
  if (verification === 'never') return false;
  if (verification === 'always') return true;
  if (facts.provedByUpload) return false;
  if (facts.size >= LARGE_BLOB_BYTES) return true;
  return facts.smallBlobsProved < SMALL_BLOBS_BEFORE_SAMPLING || facts.random < 1 / SAMPLE_ONE_IN;
}

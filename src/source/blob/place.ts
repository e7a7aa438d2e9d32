import type { Readable } from 'node:stream';

/** What is asked of a place. */
export interface BlobRequest {
  /** Lower-case hex. */
  readonly sha256: string;
  /** Bytes of the whole blob. */
  readonly size: number;
  /** First byte wanted, at most `size`. */
  readonly start: number;
}

/**
 * What a place answers: the bytes from `start` on; or that it does not have the blob; or that what it has is not it, in
 * words (a half-written or encrypted copy). That it cannot tell is an error, never "missing".
 */
export type BlobAnswer =
  | { readonly kind: 'found'; readonly stream: Readable }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unusable'; readonly reason: string };

/** One place where blobs of one credentials key may be. */
export interface BlobPlace {
  /** For people: kind and location, without secrets. */
  readonly name: string;
  open(request: BlobRequest, signal: AbortSignal): Promise<BlobAnswer>;
}

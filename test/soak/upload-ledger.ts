/**
 * What the uploads of one run have cost, counted by the proxies in front of the far sides. Guaranteed by the program, and
 * checked here: what is visible at a far side is never sent again, and a large upload that was broken off goes on where the
 * far side acknowledged it last: in all it costs its size and, for each break, one chunk.
 */
import type { FaultProxy, SeenRequest } from '../support/fault-proxy.ts';
import { KINDS } from '../support/schedule/plan.ts';

export interface LedgerSide {
  readonly name: string;
  readonly proxy: FaultProxy;
}

/** Of the program; what is smaller goes in one request. */
export const CHUNK_BYTES = 8 * 1024 * 1024;

export class UploadLedger {
  readonly #sides: readonly LedgerSide[];
  /** By upload: bytes that its breaks may have cost. */
  readonly #allowances = new Map<string, number>();
  /** By upload that was seen to be visible: bytes sent until then. */
  readonly #done = new Map<string, number>();
  /** Breaks that struck a large upload. */
  breaks = 0;

  constructor(sides: readonly LedgerSide[]) {
    this.#sides = sides;
  }

  /** For the next run. */
  forget(): void {
    for (const { proxy } of this.#sides) proxy.forget();
    this.#allowances.clear();
    this.#done.clear();
  }

  /** Large uploads that have a session and have not been told that they ended. */
  underWay(side?: string): readonly string[] {
    const open = new Set<string>();
    for (const { name, proxy } of this.#sides) {
      if (side !== undefined && side !== name) continue;
      for (const request of proxy.requests) {
        const upload = uploadOf(name, request);
        if (upload === undefined || KINDS.push(request)) continue;
        if (KINDS.session(request) || KINDS.chunk(request)) open.add(upload);
        else if (request.answered === 201) open.delete(upload);
      }
    }
    return [...open];
  }

  /** `cost`: bytes that may have to be sent once more for it. */
  broke(uploads: readonly string[], cost = CHUNK_BYTES): void {
    for (const upload of uploads) this.#allowances.set(upload, (this.#allowances.get(upload) ?? 0) + cost);
    this.breaks += uploads.length;
  }

  /** These digests are visible at a far side: from now on nothing of them may be sent. */
  visible(side: string, digests: Iterable<string>): void {
    const sent = this.#sent();
    for (const sha256 of digests) {
      const upload = `${side} ${sha256}`;
      if (!this.#done.has(upload)) this.#done.set(upload, sent.get(upload) ?? 0);
    }
  }

  /** In words, what was sent that need not have been. `sizes`: of the large blobs by digest. */
  violations(sizes: ReadonlyMap<string, number>): readonly string[] {
    const found: string[] = [];
    for (const [upload, bytes] of this.#sent()) {
      const done = this.#done.get(upload);
      if (done !== undefined && bytes > done)
        found.push(`${upload}: ${bytes - done} bytes were sent after it was visible`);
      const size = sizes.get(upload.split(' ')[1] ?? '');
      if (size === undefined) continue;
      const allowed = size + (this.#allowances.get(upload) ?? 0);
      if (bytes > allowed)
        found.push(`${upload}: ${bytes} bytes were sent for ${size}, ${allowed} were to be expected`);
    }
    return found;
  }

  #sent(): Map<string, number> {
    const sent = new Map<string, number>();
    for (const { name, proxy } of this.#sides) {
      for (const request of proxy.requests) {
        const upload = uploadOf(name, request);
        if (upload !== undefined) sent.set(upload, (sent.get(upload) ?? 0) + request.bodyBytes);
      }
    }
    return sent;
  }
}

/** `<far side> <digest>`: every request of an upload names its digest. */
export function uploadOf(side: string, request: SeenRequest): string | undefined {
  if (!isUpload(request) && !KINDS.session(request)) return undefined;
  const sha256 = new URL(request.url, 'http://far-side').searchParams.get('sha256');
  return sha256 === null ? undefined : `${side} ${sha256}`;
}

export function isUpload(request: SeenRequest): boolean {
  return KINDS.chunk(request) || KINDS.push(request) || KINDS.finish(request);
}

/** A far side with bk-repo's chunked calls as measured (contract §11), one session at a time, for faults in the middle. */
import type { ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import type { BkRepoTargetOptions } from '../../../src/target/bkrepo/options.ts';
import { type Answer, envelope, type Received, refusal } from './fault-server.ts';
import { type Scene, scene } from './support.ts';

export const MiB = 1024 * 1024;
/** Three chunks, the last of them short. */
export const LARGE = Buffer.alloc(20 * MiB + 123, 'abcdefghijk');

export interface Far {
  /** What blob/check says: the truth, or always false (contract §11). */
  readonly honestCheck: boolean;
  /** The Range of a 416 tells the length of the refused chunk, as real servers do it; else what the session holds. */
  readonly realRanges?: boolean;
  /** Called for each PATCH with bytes before it is stored; true = it has answered itself. */
  readonly onPatch?: (request: Received, response: ServerResponse, index: number) => boolean;
  readonly onPut?: (request: Received, response: ServerResponse) => boolean;
}

export interface Store {
  bytes: Buffer;
  stored: boolean;
  sessions: number;
  /** PATCHes with bytes. */
  patches: number;
  /** False = the session is not known (any more). */
  known: boolean;
}

function chunkedFarSide(far: Far, store: Store): Answer {
  const location = (): Record<string, string> => ({
    location: `bkrepo/replica/rp1/gen/blobs/uploads/s${store.sessions}`,
  });
  const unknown = (response: ServerResponse): void => refusal(response, 500, 251101, 'Failed to store file');
  return (request, response) => {
    if (request.url.includes('/blob/check')) {
      envelope(response, far.honestCheck && store.stored);
    } else if (request.method === 'POST') {
      Object.assign(store, { sessions: store.sessions + 1, bytes: Buffer.alloc(0), known: true });
      response.writeHead(202, location()).end();
    } else if (request.method === 'PATCH') {
      if (request.body.length > 0) {
        store.patches += 1;
        if (far.onPatch?.(request, response, store.patches)) return;
      }
      if (!isOpen(request, store)) {
        unknown(response);
        return;
      }
      const start = Number(request.headers['content-range']?.split('-')[0]);
      if (start === store.bytes.length) store.bytes = Buffer.concat([store.bytes, request.body]);
      const status = start + request.body.length === store.bytes.length ? 202 : 416;
      const told = status === 416 && far.realRanges === true ? request.body.length : store.bytes.length;
      response.writeHead(status, { ...location(), range: `0-${told - 1}` }).end();
    } else {
      if (far.onPut?.(request, response)) return;
      if (!isOpen(request, store)) {
        unknown(response);
        return;
      }
      Object.assign(store, { stored: true, known: false });
      response.writeHead(201, location()).end();
    }
  };
}

function isOpen({ url }: Received, { known, sessions }: Store): boolean {
  return known && url.includes(`/uploads/s${sessions}?`);
}

export async function chunked(
  context: TestContext,
  far: Far,
  changes: Partial<BkRepoTargetOptions> = {},
): Promise<Scene & { readonly store: Store }> {
  const store: Store = { bytes: Buffer.alloc(0), stored: false, sessions: 0, patches: 0, known: false };
  return { ...(await scene(context, { answer: chunkedFarSide(far, store) }, changes)), store };
}

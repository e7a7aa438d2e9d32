import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { orWayFailed } from './chain.ts';
import { type Say, WayFailed } from './way.ts';

/** A closed network must be noticed within a few seconds: milliseconds until the first small file has to be there. */
const REACH_MS = 5_000;
const SMALL_LIMIT = 4 * 1024 * 1024;
const STALL_MS = 30_000;

/** A small text, fetched within a few seconds or not at all. @throws {WayFailed} */
export async function fetchSmall(url: string, withinMs = REACH_MS): Promise<string> {
  return orWayFailed(`no answer from ${new URL(url).host}`, async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(withinMs) });
    if (!response.ok) throw new WayFailed(`${url} answers ${response.status}`);
    const text = await response.text();
    if (text.length > SMALL_LIMIT) throw new WayFailed(`${url} is larger than expected`);
    return text;
  });
}

export interface Checksum {
  readonly algorithm: 'sha256' | 'sha512';
  /** In lower-case hexadecimal. */
  readonly digest: string;
}

const DIGEST_LENGTH = { sha256: 64, sha512: 128 } as const;

/** The first word of a published checksum file. @throws {WayFailed} when it is no such checksum */
export function publishedChecksum(algorithm: Checksum['algorithm'], text: string): Checksum {
  const digest = text.trim().split(/\s+/)[0]?.toLowerCase() ?? '';
  if (digest.length !== DIGEST_LENGTH[algorithm] || !/^[0-9a-f]+$/.test(digest))
    throw new WayFailed(`what is published as its checksum is no ${algorithm}`);
  return { algorithm, digest };
}

/** Fetches a large file, saying how far it is, and checks it on the way. @throws {WayFailed} */
export async function fetchLarge(url: string, file: string, expected: Checksum, say: Say): Promise<void> {
  await orWayFailed(`download of ${url}`, async () => {
    const stalled = new AbortController();
    let bytes = 0;
    let atLastLook = -1;
    const watching = setInterval(() => {
      if (bytes === atLastLook) stalled.abort(new WayFailed(`no byte of ${url} for ${STALL_MS / 1000} s`));
      atLastLook = bytes;
    }, STALL_MS);
    const telling = setInterval(() => say(`${Math.round(bytes / 1e6)} MB of ${url}`), 15_000);
    const hash = createHash(expected.algorithm);
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        hash.update(chunk);
        done(null, chunk);
      },
    });
    try {
      const response = await fetch(url, { signal: stalled.signal });
      if (!response.ok || response.body === null) throw new WayFailed(`${url} answers ${response.status}`);
      await pipeline(Readable.fromWeb(response.body), meter, createWriteStream(file));
    } finally {
      clearInterval(watching);
      clearInterval(telling);
    }
    const actual = hash.digest('hex');
    if (actual !== expected.digest)
      throw new WayFailed(`checksum of ${url}: published is ${expected.digest}, received was ${actual}`);
  });
}

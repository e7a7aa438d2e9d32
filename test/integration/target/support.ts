import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { TestContext } from 'node:test';

import { ReplicationError } from '../../../src/domain/errors.ts';
import type { SourceNode } from '../../../src/engine/ports/source.ts';
import type {
  BlobUpload,
  Target,
  TargetRepository,
  UploadMemory,
  UploadSession,
} from '../../../src/engine/ports/target.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { VerifiedStream } from '../../../src/lib/verified-stream.ts';
import type { BkRepoTargetOptions } from '../../../src/target/bkrepo/options.ts';
import { createBkRepoTarget } from '../../../src/target/bkrepo/target.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { type FaultServer, type FaultServerOptions, startFaultServer } from './fault-server.ts';

export const PASSWORD = 'sehr-geheim-4711';

/** Loopback is allowed by name here, as demo and tests configure it. */
export function targetOptions(url: string, changes: Partial<BkRepoTargetOptions> = {}): BkRepoTargetOptions {
  return {
    id: '0123456789abcdef0123456789abcdef',
    name: 'edge-1',
    url,
    username: 'robot',
    password: PASSWORD,
    hostPolicy: {
      allowedHosts: ['127.0.0.1', 'localhost', '*.test'],
      allowedAddresses: ['127.0.0.0/8'],
      apiServers: [],
      allowedProxies: [],
    },
    timeouts: { connectMs: 2_000, answerMs: 5_000, downloadIdleMs: 5_000, uploadIdleMs: 5_000 },
    mayStart: () => {},
    userAgent: 'bkrepo-replicator/test',
    logger: silentLogger,
    clock: systemClock,
    ...changes,
  };
}

export interface Scene {
  readonly server: FaultServer;
  readonly target: Target;
  readonly signal: AbortSignal;
}

/** A fault server and a target on it, both ended with the test. */
export async function scene(
  context: TestContext,
  server: FaultServerOptions,
  changes: Partial<BkRepoTargetOptions> = {},
): Promise<Scene> {
  const running = await startFaultServer(server);
  const target = createBkRepoTarget(targetOptions(running.url, changes));
  context.after(async () => {
    await running.close();
    await target.close();
  });
  return { server: running, target, signal: AbortSignal.any([context.signal, AbortSignal.timeout(20_000)]) };
}

export const REPOSITORY: TargetRepository = { projectId: 'rp1', name: 'gen', repoType: 'GENERIC', storageKey: null };

/** `opened`: the positions that its bytes were read from, in order; `payload`: bytes told to be sent. */
export interface TestBlob extends BlobUpload {
  readonly opened: readonly number[];
  readonly payload: () => number;
}

export function blobOf(content: Buffer, claimed: Buffer = content, memory?: UploadMemory): TestBlob {
  const opened: number[] = [];
  let payload = 0;
  const sha256 = createHash('sha256').update(claimed).digest('hex');
  return {
    sha256,
    md5: createHash('md5').update(claimed).digest('hex'),
    size: claimed.length,
    ...(memory === undefined ? {} : { memory }),
    opened,
    payload: () => payload,
    onPayload: (bytes) => {
      payload += bytes;
    },
    open: (start) => {
      opened.push(start);
      const bytes = pieces(content.subarray(start));
      return Promise.resolve(start === 0 ? bytes.pipe(new VerifiedStream({ sha256, size: claimed.length })) : bytes);
    },
  };
}

/** Where one upload is remembered, as the journal does it; `writes` tells what was to be written, undefined = forgotten. */
export interface TestMemory extends UploadMemory {
  readonly writes: readonly (UploadSession | undefined)[];
}

export function uploadMemory(noted?: UploadSession): TestMemory {
  const writes: (UploadSession | undefined)[] = [];
  const write = (session: UploadSession | undefined, signal: AbortSignal): Promise<void> => {
    writes.push(session);
    return signal.aborted ? Promise.reject(signal.reason) : Promise.resolve();
  };
  return {
    writes,
    load: () => Promise.resolve(writes.length === 0 ? noted : writes.at(-1)),
    save: write,
    forget: (signal) => write(undefined, signal),
  };
}

/** The bytes in pieces of an odd size, so that no border falls together with one of ours. */
function pieces(content: Buffer): Readable {
  function* cut(): Generator<Buffer> {
    for (let at = 0; at < content.length; at += 60_007) yield content.subarray(at, at + 60_007);
  }
  return Readable.from(cut(), { objectMode: false });
}

export function sourceNode(changes: Partial<SourceNode> = {}): SourceNode {
  return {
    id: '6740a1b2c3d4e5f60718293a',
    fullPath: '/a/b/hello.txt',
    kind: 'file',
    size: 6,
    sha256: '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
    md5: 'b1946ac92492d2347c6235b4d2611184',
    crc64ecma: '16212385353172476069',
    metadata: [{ key: 'color', value: 'red', system: false }],
    createdBy: 'alice',
    createdDate: new Date('2026-11-22T14:15:57.067Z'),
    lastModifiedBy: 'bob',
    lastModifiedDate: new Date('2026-11-22T15:15:57.500Z'),
    expireDate: null,
    copyFromCredentialsKey: null,
    ...changes,
  };
}

/** The classified error that `work` fails with. */
export async function failureOf(work: Promise<unknown>): Promise<ReplicationError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ReplicationError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

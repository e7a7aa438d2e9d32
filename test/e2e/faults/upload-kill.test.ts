/**
 * SIGKILL at the instants of a large upload at which something else is known each time: the program's request is held back,
 * or throttled, at every far side, so that the instant is certain, then the process is killed and started again.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RUN_REQUESTED_ANNOTATION } from '../../../src/api/names.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import type { Fault, SeenRequest } from '../../support/fault-proxy.ts';
import { type RemoteSide, Replication, type StoredRecord } from '../../support/replication.ts';
import { Standalone } from '../../support/standalone.ts';
import { eventually } from '../../support/wait.ts';

const CHUNK = 8 * 1024 * 1024;
/** Three chunks, the last of them short. */
const SIZE = 2 * CHUNK + 4_321;
const PATIENCE = { timeoutMs: 60_000, intervalMs: 50 };

interface Instant {
  readonly name: string;
  /** The request that is held back, and how. */
  readonly at: (request: SeenRequest, earlier: readonly SeenRequest[]) => boolean;
  readonly held: Fault;
  /** Of the chunks, how much crosses in both lives together. Bytes. */
  readonly sent: number;
  /** Sessions begun in both lives together. */
  readonly sessions: number;
}

const STALL: Fault = { kind: 'stall' };
const INSTANTS: readonly Instant[] = [
  { name: 'before the session', at: isSession, held: STALL, sent: SIZE, sessions: 2 },
  {
    name: 'in the middle of a chunk',
    at: (request) => isChunk(request) && request.headers['content-range']?.startsWith(`${CHUNK}-`) === true,
    held: { kind: 'slow', bytesPerSecond: CHUNK },
    sent: SIZE + CHUNK,
    sessions: 1,
  },
  {
    name: 'before the end of the upload',
    at: ({ method, url }) => method === 'PUT' && url.includes('/blobs/uploads/'),
    held: STALL,
    sent: SIZE,
    sessions: 1,
  },
  { name: 'before the commit', at: isCommit, held: STALL, sent: SIZE, sessions: 1 },
  {
    name: 'after the commit, before the record',
    at: ({ url }, earlier) => url.includes('/node/search') && earlier.some(isCommit),
    held: STALL,
    sent: SIZE,
    sessions: 1,
  },
];

function isSession({ method, url }: SeenRequest): boolean {
  return method === 'POST' && url.includes('/blobs/uploads/');
}

function isChunk({ method, headers }: SeenRequest): boolean {
  return method === 'PATCH' && headers['content-length'] !== '0';
}

function isCommit({ url }: SeenRequest): boolean {
  return url.includes('/node/create');
}

let replication: Replication;
let program: Standalone;

before(async () => {
  replication = await Replication.start();
  await replication.farSide('sound');
  await replication.farSide('faithful', { faithful: true });
  program = new Standalone(replication);
  await replication.files.putFile('/small', 'a small file');
  await program.apply(replication.manifests());
  await program.start();
  await eventually(() => ended(), PATIENCE);
});
after(async () => {
  await program.stop();
  await replication.stop();
});

async function ended(): Promise<StoredRecord | undefined> {
  const last = (await replication.records()).at(-1);
  return last?.status === 'RUNNING' ? undefined : last;
}

/** Holds the request back at every far side and waits until each has one. */
async function strike({ at, held }: Instant): Promise<void> {
  const struck = new Set<RemoteSide>();
  for (const side of replication.farSides)
    side.proxy.setFault((request) => {
      if (!at(request, side.proxy.requests)) return undefined;
      struck.add(side);
      return held;
    });
  await eventually(() => struck.size === replication.farSides.length, PATIENCE);
  if (held.kind !== 'slow') return;
  const begun = ({ proxy }: RemoteSide): boolean =>
    proxy.requests.some((request) => at(request, proxy.requests) && request.bodyBytes >= CHUNK / 8);
  await eventually(() => replication.farSides.every(begun), PATIENCE);
}

for (const [index, instant] of INSTANTS.entries())
  test(`SIGKILL ${instant.name}: the same record goes on, and sends no more than was not acknowledged`, async () => {
    replication.beginAnew();
    await replication.files.putFile(`/large/${index}`, seededBytes(SIZE, index));
    await program.apply(replication.manifests({}, { [RUN_REQUESTED_ANNOTATION]: instant.name }));
    await strike(instant);
    await program.program?.signal('SIGKILL');
    const [begun] = await replication.records();
    assert.equal(begun?.status, 'RUNNING');
    for (const { proxy } of replication.farSides) proxy.setFault(undefined);

    await program.start();
    const record = await eventually(() => ended(), PATIENCE);
    assert.deepEqual(
      { id: record.id, epoch: record.epoch, status: record.status, reason: record.errorReason },
      { id: begun.id, epoch: 2, status: 'SUCCESS', reason: null },
    );
    assert.equal((await replication.records()).length, 1);
    assert.deepEqual(await replication.differences(), []);
    assert.deepEqual(await replication.doubles(), []);
    assert.deepEqual(await replication.writtenTwice('/large/'), []);
    for (const { name, proxy } of replication.farSides) {
      const sent = proxy.requests.filter(isChunk).reduce((sum, { bodyBytes }) => sum + bodyBytes, 0);
      assert.ok(sent >= SIZE && sent <= instant.sent, `${sent} bytes of chunks to ${name}`);
      assert.equal(proxy.requests.filter(isSession).length, instant.sessions, `sessions at ${name}`);
    }
    const left = await replication.journal.collection('upload_session').countDocuments();
    assert.ok(left === 0 || instant.name.includes('commit'), `${left} sessions are still remembered`);
  });

/** Large uploads that break off, and what the next part of them costs, measured at a proxy in front of the far side. */
import assert from 'node:assert/strict';
import { open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { ReplicationError } from '../../../src/domain/errors.ts';
import type { Source } from '../../../src/engine/ports/source.ts';
import type { RunObject, Tally } from '../../../src/engine/run-types.ts';
import { startPeer } from '../../../src/peer/server.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import { blobPath } from '../../support/bkrepo/layout.ts';
import { readBack } from '../../support/bkrepo/read-back.ts';
import type { Fault, SeenRequest } from '../../support/fault-proxy.ts';
import { type FarSide, type FinishedRun, REPOSITORY, type RunOptions, World } from '../../support/world.ts';

const CHUNK = 8 * 1024 * 1024;
const CHUNKS = 10;
/** The last chunk is a short one. */
const SIZE = (CHUNKS - 1) * CHUNK + 12_345;
/** For what is not about 90 %. */
const SHORT_SIZE = 3 * CHUNK + 77;
const DEAD: Fault = { kind: 'reset' };

let world: World;

before(async () => {
  world = await World.start();
  await world.files.putFile('/large/image.bin', seededBytes(SIZE, 41));
  await world.files.putFile('/short/image.bin', seededBytes(SHORT_SIZE, 42));
});
after(() => world.stop());

const folder = (name: string): RunObject[] => [
  {
    localRepoName: REPOSITORY,
    remoteProjectId: 'mirror',
    remoteRepoName: REPOSITORY,
    repoType: 'GENERIC',
    paths: [`/${name}`],
  },
];

const LARGE = { objects: folder('large'), patience: 300 } satisfies RunOptions;
const SHORT = { ...LARGE, objects: folder('short') } satisfies RunOptions;

async function differences(farSide: FarSide, path: string): Promise<string[]> {
  return (await world.differences(farSide, { limit: 10_000 })).filter((line) => line.startsWith(path));
}

function tallyOf({ outcome }: FinishedRun): Tally {
  const [first] = outcome.farSides;
  assert.ok(first);
  return first.tally;
}

const isChunk = ({ method, headers }: SeenRequest): boolean => method === 'PATCH' && headers['content-length'] !== '0';
const startOf = ({ headers }: SeenRequest): number => Number(headers['content-range']?.split('-')[0]);
/** Chunks that reached the far side since `forget`, by the position of their first byte. */
const chunks = ({ proxy }: FarSide): number[] => proxy.requests.filter(isChunk).map(startOf);
/** Sessions begun since `forget`. */
const opened = ({ proxy }: FarSide): number =>
  proxy.requests.filter(({ method, url }) => method === 'POST' && url.includes('/blobs/uploads/')).length;
const uploadsAt = ({ proxy }: FarSide): number => proxy.uploadedBytes();

/**
 * Resets the connection in the middle of the chunk that starts at `position`, and from then on every one of them; `before`
 * strikes the chunks before it.
 */
function dieAt(
  farSide: FarSide,
  position: number,
  then: (request: SeenRequest) => Fault | undefined = () => DEAD,
  before?: Fault,
): void {
  let dead = false;
  farSide.proxy.setFault((request) => {
    if (dead) return then(request);
    if (!isChunk(request)) return undefined;
    if (startOf(request) !== position) return before;
    dead = true;
    return { kind: 'reset', afterBytes: CHUNK / 2 };
  });
}

/** One run that ends in the middle of the upload, because the far side is dead from there on. */
async function firstPart(farSide: FarSide, position: number, options: RunOptions, before?: Fault): Promise<void> {
  dieAt(farSide, position, () => DEAD, before);
  const run = await world.run([farSide], options);
  assert.equal(run.outcome.farSides[0]?.error?.reason, 'FarSideUnavailable');
  farSide.proxy.setFault(undefined);
  assert.deepEqual(
    chunks(farSide).slice(0, position / CHUNK + 1),
    Array.from({ length: position / CHUNK + 1 }, (_, index) => index * CHUNK),
  );
  farSide.proxy.forget();
}

function sessionFiles({ storeDir }: FarSide): Promise<string[]> {
  return readdir(join(storeDir, 'temp')).then((names) =>
    names.filter((name) => name.startsWith('upload-')).map((name) => join(storeDir, 'temp', name)),
  );
}

async function onlySession(farSide: FarSide): Promise<string> {
  const [file, ...others] = await sessionFiles(farSide);
  assert.ok(file);
  assert.equal(others.length, 0);
  return file;
}

/** One bit becomes another; doing it twice puts it right again. */
async function flipBit(file: string, position: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ 1;
    await handle.write(byte, 0, 1, position);
  } finally {
    await handle.close();
  }
}

/** The source, of which each reading is told where it begins. */
function readingThrough(open: (start: number, really: () => Promise<Readable>) => Promise<Readable>): Source {
  return {
    ...world.source,
    open: (repository, node, start, signal) => open(start, () => world.source.open(repository, node, start, signal)),
  };
}

for (const faithful of [false, true]) {
  const mode = faithful ? 'faithful' : 'sound';
  describe(`at a ${mode} far side`, () => {
    const farSideOf = (name: string): Promise<FarSide> => world.farSide(`${name}_${mode}`, { faithful });

    test('a reset at 90 % costs the run no more than that one chunk', async () => {
      const farSide = await farSideOf('reset');
      dieAt(farSide, 8 * CHUNK, () => undefined);
      const run = await world.run([farSide], LARGE);
      assert.deepEqual([tallyOf(run).success, opened(farSide)], [1, 1]);
      assert.deepEqual(
        chunks(farSide),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9].map((index) => index * CHUNK),
      );
      assert.ok(
        tallyOf(run).sentBytes > SIZE && tallyOf(run).sentBytes <= SIZE + CHUNK,
        'what was sent twice is counted',
      );
      assert.deepEqual(await differences(farSide, '/large/'), []);
    });

    test('a line that breaks at every chunk, more often than a request is tried, costs a chunk each time', async () => {
      const farSide = await farSideOf('flaky');
      const broken = new Set<number>();
      farSide.proxy.setFault((request) => {
        if (!isChunk(request) || broken.has(startOf(request))) return undefined;
        broken.add(startOf(request));
        return { kind: 'reset', afterBytes: 10_000 };
      });
      const run = await world.run([farSide], LARGE);
      assert.deepEqual([tallyOf(run).success, tallyOf(run).failed, opened(farSide)], [1, 0, 1]);
      assert.deepEqual(
        chunks(farSide),
        [...broken].flatMap((start) => [start, start]),
      );
      assert.equal(broken.size, CHUNKS);
      assert.deepEqual(await differences(farSide, '/large/'), []);
    });

    test('the run after one that ended at 90 % sends the rest, and reads no more than that', async () => {
      const farSide = await farSideOf('later');
      await firstPart(farSide, 8 * CHUNK, LARGE);
      const starts: number[] = [];
      const source = readingThrough((start, open) => {
        starts.push(start);
        return open();
      });
      const run = await world.run([farSide], { ...LARGE, deps: { source } });
      assert.deepEqual([tallyOf(run).success, tallyOf(run).sentBytes], [1, SIZE - 8 * CHUNK]);
      assert.ok(uploadsAt(farSide) <= 0.1 * SIZE + CHUNK, `${uploadsAt(farSide)} bytes were sent`);
      assert.deepEqual([starts, opened(farSide)], [[8 * CHUNK], 0]);
      assert.deepEqual(await differences(farSide, '/large/'), []);
      const again = await world.run([farSide], LARGE);
      assert.deepEqual([tallyOf(again).unchanged, tallyOf(again).sentBytes], [1, 0]);
    });

    test('a run that is aborted writes nothing more, and whoever adopts it sends what was not acknowledged', async () => {
      const farSide = await farSideOf('aborted');
      const abort = new AbortController();
      const record = await world.begin();
      farSide.proxy.setFault((request) => {
        if (isChunk(request) && startOf(request) === 2 * CHUNK) abort.abort(new Error('the process died'));
        return undefined;
      });
      await assert.rejects(world.run([farSide], { ...SHORT, record, signal: abort.signal }), /the process died/);
      farSide.proxy.setFault(undefined);
      const adopted = await world.journal.adopt(record.id, AbortSignal.timeout(5000));
      assert.ok(adopted);
      farSide.proxy.forget();
      const run = await world.run([farSide], { ...SHORT, record: adopted });
      assert.equal(run.record.id, record.id);
      assert.equal(tallyOf(run).success, 1);
      assert.ok((chunks(farSide)[0] ?? 0) >= 2 * CHUNK, `went on at ${chunks(farSide)[0]}`);
      assert.equal(opened(farSide), 0);
      assert.deepEqual(await differences(farSide, '/short/'), []);
    });

    test('a far side that starts again in the middle is gone on with', async () => {
      const farSide = await farSideOf('restarted');
      let restarted: Promise<void> | undefined;
      const restart = async (): Promise<void> => {
        await farSide.peer.close();
        const users = [{ username: 'replicator', password: 'pass:word', admin: true }];
        const peer = await startPeer({ mongo: farSide.db, storePath: farSide.storeDir, users, faithful });
        after(() => peer.close());
        farSide.proxy.pointTo(peer.url);
      };
      dieAt(farSide, 2 * CHUNK, () => {
        restarted ??= restart();
        return undefined;
      });
      const run = await world.run([farSide], { ...SHORT, patience: 10_000 });
      await restarted;
      assert.deepEqual([tallyOf(run).success, opened(farSide)], [1, 1]);
      assert.ok(uploadsAt(farSide) <= SHORT_SIZE + 2 * CHUNK, `${uploadsAt(farSide)} bytes were sent`);
      assert.deepEqual(await differences(farSide, '/short/'), []);
    });

    test('a session that the far side has lost begins anew', async () => {
      const farSide = await farSideOf('lost');
      await firstPart(farSide, 2 * CHUNK, SHORT);
      await rm(await onlySession(farSide));
      const run = await world.run([farSide], SHORT);
      assert.deepEqual([tallyOf(run).success, tallyOf(run).sentBytes], [1, SHORT_SIZE]);
      assert.deepEqual([chunks(farSide)[0], opened(farSide)], [0, 1]);
      assert.deepEqual(await differences(farSide, '/short/'), []);
    });

    test('a far side that holds fewer bytes than it acknowledged ends equal', async () => {
      const farSide = await farSideOf('fewer');
      await firstPart(farSide, 2 * CHUNK, SHORT);
      await truncate(await onlySession(farSide), CHUNK + 17);
      const run = await world.run([farSide], SHORT);
      assert.equal(tallyOf(run).success, 1);
      // A real server does not say how much it has (contract §11).
      const [first, session] = faithful ? [0, 1] : [CHUNK + 17, 0];
      assert.deepEqual([chunks(farSide)[0], opened(farSide)], [first, session]);
      assert.deepEqual(await differences(farSide, '/short/'), []);
    });

    test('bytes that were spoilt on their way in the first part are found at the end, and sent again from the beginning', async () => {
      const farSide = await farSideOf('spoilt');
      await firstPart(farSide, 2 * CHUNK, SHORT, { kind: 'corrupt-request' });
      const run = await world.run([farSide], SHORT);
      assert.equal(tallyOf(run).success, 1);
      assert.deepEqual([opened(farSide), chunks(farSide)[0], chunks(farSide)[2]], [1, 2 * CHUNK, 0]);
      assert.deepEqual(await differences(farSide, '/short/'), []);
    });

    test('a file with other content in between is sent as a whole, and equal', async () => {
      const farSide = await farSideOf('changed');
      const path = `/changed_${mode}/file`;
      const options = { ...SHORT, objects: folder(`changed_${mode}`) };
      await world.files.putFile(path, seededBytes(2 * CHUNK, 5));
      await firstPart(farSide, CHUNK, options);
      await world.files.putFile(path, seededBytes(CHUNK + 1, 6));
      const run = await world.run([farSide], options);
      assert.deepEqual([tallyOf(run).success, tallyOf(run).sentBytes, opened(farSide)], [1, CHUNK + 1, 1]);
      assert.deepEqual(await differences(farSide, path), []);
    });

    test('bytes of the source that went wrong in between are told, and not published', async () => {
      const farSide = await farSideOf('damaged');
      const path = `/damaged_${mode}/file`;
      const options = { ...SHORT, objects: folder(`damaged_${mode}`) };
      const { sha256: digest } = await world.files.putFile(path, seededBytes(2 * CHUNK + 9, faithful ? 7 : 8));
      await firstPart(farSide, CHUNK, options);
      const stored = blobPath(world.builder.storeDir, digest);
      await flipBit(stored, CHUNK + 5);
      const run = await world.run([farSide], options);
      const told = (await world.details(run.record, farSide)).get(path);
      assert.deepEqual([told?.status, told?.reason], ['FAILED', 'SourceBytesDiffer']);
      const there = await readBack(farSide.db, farSide.storeDir, 'mirror', REPOSITORY);
      assert.equal(there.has(path), false, 'no node');
      await assert.rejects(stat(blobPath(farSide.storeDir, digest)), 'no blob');
      await flipBit(stored, CHUNK + 5);
      const healed = await world.run([farSide], options);
      assert.equal(tallyOf(healed).success, 1);
      assert.deepEqual(await differences(farSide, path), []);
    });

    test('two tasks that send the same blob share no session', async () => {
      const farSide = await farSideOf('shared');
      await firstPart(farSide, 2 * CHUNK, SHORT);
      const other = await world.run([farSide], { ...SHORT, record: await world.begin(`other-${mode}`) });
      assert.deepEqual([tallyOf(other).success, tallyOf(other).sentBytes, opened(farSide)], [1, SHORT_SIZE, 1]);
      farSide.proxy.forget();
      const run = await world.run([farSide], SHORT);
      assert.deepEqual([tallyOf(run).unchanged, tallyOf(run).sentBytes, opened(farSide)], [1, 0, 0]);
      assert.deepEqual(await differences(farSide, '/short/'), []);
    });
  });
}

test('a place of the source that cannot be read from the middle is read from the beginning', async () => {
  const farSide = await world.farSide('whole');
  await firstPart(farSide, 2 * CHUNK, SHORT);
  const starts: number[] = [];
  const source = readingThrough((start, really) => {
    starts.push(start);
    if (start === 0) return really();
    throw new ReplicationError('unit', 'BlobSizeMismatch', 'the range was not heeded');
  });
  const run = await world.run([farSide], { ...SHORT, deps: { source } });
  assert.deepEqual([tallyOf(run).success, tallyOf(run).sentBytes], [1, SHORT_SIZE]);
  assert.deepEqual(starts, [2 * CHUNK, 0]);
  assert.deepEqual(await differences(farSide, '/short/'), []);
});

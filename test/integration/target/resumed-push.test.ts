import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';

import { CHUNK_BYTES } from '../../../src/target/bkrepo/chunked-push.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { chunked, LARGE, MiB } from './chunked-far-side.ts';
import { type Received, refusal } from './fault-server.ts';
import { blobOf, failureOf, REPOSITORY, uploadMemory } from './support.ts';

const methods = (received: readonly Received[]): string[] =>
  received.map(
    ({ method, headers }) => `${method}${headers['content-range'] === undefined ? '' : ` ${headers['content-range']}`}`,
  );

/** A question for a position: a chunk without bytes. */
const ask = (position: number): string => `PATCH ${position}-${position - 1}`;
const chunk = (start: number, end = Math.min(start + CHUNK_BYTES, LARGE.length)): string => `PATCH ${start}-${end - 1}`;
const noted = (acknowledged: number) => ({ id: 's1', acknowledged, absentBefore: true, setbacks: 0 });

const FAILURES = [
  ['500', (response: ServerResponse): void => refusal(response, 500, 250102, 'System service is busy')],
  ['a page of a proxy', (response: ServerResponse): void => void response.writeHead(502).end('<html>')],
  ['a reset', (response: ServerResponse): void => void response.socket?.resetAndDestroy()],
] as const;

for (const [what, fail] of FAILURES) {
  test(`${what} to a chunk costs that chunk alone: the next attempt goes on there and reads from there`, async (context) => {
    const onPatch = (_: Received, response: ServerResponse, index: number): boolean => {
      if (index === 2) fail(response);
      return index === 2;
    };
    const { server, target, signal, store } = await chunked(context, { honestCheck: true, onPatch });
    const memory = uploadMemory();
    const first = blobOf(LARGE, LARGE, memory);
    assert.equal((await failureOf(target.pushBlob(REPOSITORY, first, signal))).errorClass, 'retryable');
    const before = server.received.length;
    const second = blobOf(LARGE, LARGE, memory);
    assert.equal(await target.pushBlob(REPOSITORY, second, signal), 'verified');
    assert.deepEqual(methods(server.received.slice(before)), [
      'GET',
      ask(CHUNK_BYTES),
      chunk(CHUNK_BYTES),
      chunk(2 * CHUNK_BYTES),
      'PUT',
      'GET',
    ]);
    assert.deepEqual([first.opened, second.opened], [[0], [CHUNK_BYTES]]);
    assert.equal(second.payload(), LARGE.length - CHUNK_BYTES);
    assert.deepEqual([store.sessions, store.patches], [1, 4]);
    assert.ok(store.bytes.equals(LARGE));
    assert.equal(memory.writes.at(-1), undefined, 'what is finished is forgotten');
  });

  test(`${what} to the finish costs no chunk: the next attempt only finishes`, async (context) => {
    let failing = true;
    const onPut = (_: Received, response: ServerResponse): boolean => {
      if (failing) fail(response);
      return failing;
    };
    const { server, target, signal, store } = await chunked(context, { honestCheck: true, onPut });
    const memory = uploadMemory();
    const push = (): Promise<string> => target.pushBlob(REPOSITORY, blobOf(LARGE, LARGE, memory), signal);
    assert.equal((await failureOf(push())).errorClass, 'retryable');
    failing = false;
    const before = server.received.length;
    assert.equal(await push(), 'verified');
    assert.deepEqual(methods(server.received.slice(before)), ['GET', ask(LARGE.length), 'PUT', 'GET']);
    assert.deepEqual([store.sessions, store.patches], [1, 3]);
  });
}

test('without a memory each attempt begins anew', async (context) => {
  const onPatch = (_: Received, response: ServerResponse, index: number): boolean => {
    if (index === 2) response.socket?.resetAndDestroy();
    return index === 2;
  };
  const { target, signal, store } = await chunked(context, { honestCheck: true, onPatch });
  await failureOf(target.pushBlob(REPOSITORY, blobOf(LARGE), signal));
  assert.equal(await target.pushBlob(REPOSITORY, blobOf(LARGE), signal), 'verified');
  assert.equal(store.sessions, 2);
});

for (const realRanges of [false, true]) {
  const server = realRanges ? 'a real server' : 'a sound server';
  // What the note says, what the session holds, and what is asked until the position is found.
  const positions = [
    { note: 2, holds: 2, asked: [2] },
    { note: 1, holds: 2, asked: realRanges ? [1, 2] : [1] },
    { note: 0, holds: 1, asked: [1] },
    { note: 0, holds: 2, asked: realRanges ? [1, 2] : [1] },
  ];
  for (const { note, holds, asked } of positions)
    test(`${server} that holds ${holds} chunks where ${note} were noted gets the rest`, async (context) => {
      const far = await chunked(context, { honestCheck: true, realRanges });
      Object.assign(far.store, { bytes: LARGE.subarray(0, holds * CHUNK_BYTES), sessions: 1, known: true });
      const memory = uploadMemory(noted(note * CHUNK_BYTES));
      const blob = blobOf(LARGE, LARGE, memory);
      assert.equal(await far.target.pushBlob(REPOSITORY, blob, far.signal), 'verified');
      assert.deepEqual(
        methods(far.server.received).filter((line) => line.startsWith('PATCH')),
        [...asked.map((position) => ask(position * CHUNK_BYTES)), ...rest(holds)],
      );
      assert.equal(blob.payload(), LARGE.length - holds * CHUNK_BYTES);
      assert.ok(far.store.bytes.equals(LARGE));
    });

  test(`${server} that holds all is only finished`, async (context) => {
    const far = await chunked(context, { honestCheck: true, realRanges });
    Object.assign(far.store, { bytes: LARGE, sessions: 1, known: true });
    const blob = blobOf(LARGE, LARGE, uploadMemory(noted(CHUNK_BYTES)));
    assert.equal(await far.target.pushBlob(REPOSITORY, blob, far.signal), 'verified');
    assert.deepEqual([blob.opened, blob.payload(), far.store.sessions], [[], 0, 1]);
  });

  for (const method of ['PATCH', 'PUT'])
    test(`${server} that has lost the session at a ${method} gets a new one`, async (context) => {
      const far = await chunked(context, {
        honestCheck: true,
        realRanges,
        onPatch: (_, __, index) => {
          if (method === 'PATCH' && index === 2) far.store.known = false;
          return false;
        },
        onPut: () => {
          if (method === 'PUT' && far.store.sessions === 1) far.store.known = false;
          return false;
        },
      });
      const memory = uploadMemory();
      const push = (): Promise<string> => far.target.pushBlob(REPOSITORY, blobOf(LARGE, LARGE, memory), far.signal);
      const error = await failureOf(push());
      assert.deepEqual([error.errorClass, error.code], ['retryable', 'UploadSessionLost']);
      assert.equal(memory.writes.at(-1), undefined);
      assert.equal(await push(), 'verified');
      assert.equal(far.store.sessions, 2);
    });

  test(`${server} that does not know the noted session gets a new one at once`, async (context) => {
    const far = await chunked(context, { honestCheck: true, realRanges });
    const blob = blobOf(LARGE, LARGE, uploadMemory({ ...noted(CHUNK_BYTES), id: 'long-gone' }));
    assert.equal(await far.target.pushBlob(REPOSITORY, blob, far.signal), 'verified');
    assert.deepEqual([far.store.sessions, blob.opened], [1, [0]]);
  });
}

function rest(chunks: number): string[] {
  const starts = [0, CHUNK_BYTES, 2 * CHUNK_BYTES].slice(chunks);
  return starts.map((start) => chunk(start));
}

test('a sound far side that has lost bytes is gone on with where it stands', async (context) => {
  const { server, target, signal, store } = await chunked(context, { honestCheck: true });
  Object.assign(store, { bytes: LARGE.subarray(0, 3 * MiB), sessions: 1, known: true });
  const blob = blobOf(LARGE, LARGE, uploadMemory(noted(2 * CHUNK_BYTES)));
  assert.equal(await target.pushBlob(REPOSITORY, blob, signal), 'verified');
  assert.deepEqual(methods(server.received).slice(1, 4), [
    ask(2 * CHUNK_BYTES),
    chunk(3 * MiB, 11 * MiB),
    chunk(11 * MiB, 19 * MiB),
  ]);
  assert.deepEqual([store.sessions, blob.opened], [1, [3 * MiB]]);
});

test('a real far side that has lost bytes gets a new session, because nobody can tell where it stands', async (context) => {
  const { target, signal, store } = await chunked(context, { honestCheck: true, realRanges: true });
  Object.assign(store, { bytes: LARGE.subarray(0, 3 * MiB), sessions: 1, known: true });
  const blob = blobOf(LARGE, LARGE, uploadMemory(noted(2 * CHUNK_BYTES)));
  assert.equal(await target.pushBlob(REPOSITORY, blob, signal), 'verified');
  assert.deepEqual([store.sessions, blob.opened], [2, [0]]);
});

test('a far side that refuses a chunk in the middle is asked where it stands, and gone on with there', async (context) => {
  const far = await chunked(context, {
    honestCheck: true,
    onPatch: (_, __, index) => {
      if (index === 2) far.store.bytes = far.store.bytes.subarray(0, MiB);
      return false;
    },
  });
  const memory = uploadMemory();
  const blob = blobOf(LARGE, LARGE, memory);
  assert.equal(await far.target.pushBlob(REPOSITORY, blob, far.signal), 'verified');
  assert.deepEqual([blob.opened, far.store.sessions], [[0, MiB], 1]);
  assert.ok(far.store.bytes.equals(LARGE));
});

test('a far side that steps back again and again is given up, and not for ever tried', async (context) => {
  const far = await chunked(context, {
    honestCheck: true,
    onPatch: (_, __, index) => {
      if (index % 2 === 0) far.store.bytes = far.store.bytes.subarray(0, MiB);
      return false;
    },
  });
  const memory = uploadMemory();
  const error = await failureOf(far.target.pushBlob(REPOSITORY, blobOf(LARGE, LARGE, memory), far.signal));
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'UploadSessionLost']);
  assert.ok(far.store.patches <= 8, `${far.store.patches} chunks`);
  assert.equal(memory.writes.at(-1), undefined);
});

test('a session that answers nothing but errors is given up', async (context) => {
  const onPut = (_: Received, response: ServerResponse): boolean => {
    const broken = store.sessions === 1;
    if (broken) refusal(response, 500, 250102, 'System service is busy');
    return broken;
  };
  const { target, signal, store } = await chunked(context, { honestCheck: true, onPut });
  const memory = uploadMemory();
  const push = (): Promise<string> => target.pushBlob(REPOSITORY, blobOf(LARGE, LARGE, memory), signal);
  for (let attempt = 1; attempt <= 3; attempt += 1) assert.equal((await failureOf(push())).code, 'FarSideError');
  assert.equal(await push(), 'verified');
  assert.equal(store.sessions, 2);
});

test('a refused password does not cost the session', async (context) => {
  let refusing = true;
  const onPatch = (_: Received, response: ServerResponse, index: number): boolean => {
    if (index < 2 || !refusing) return false;
    refusal(response, 401, 250114, 'Failed to authenticate');
    return true;
  };
  const { target, signal, store } = await chunked(context, { honestCheck: true, onPatch });
  const memory = uploadMemory();
  const push = (): Promise<string> => target.pushBlob(REPOSITORY, blobOf(LARGE, LARGE, memory), signal);
  assert.equal((await failureOf(push())).code, 'Unauthorized');
  refusing = false;
  assert.equal(await push(), 'verified');
  assert.equal(store.sessions, 1);
});

test('what was stored meanwhile is neither sent nor proved by the old session', async (context) => {
  const { target, signal, store } = await chunked(context, { honestCheck: true });
  Object.assign(store, { bytes: LARGE.subarray(0, CHUNK_BYTES), sessions: 1, known: true, stored: true });
  const memory = uploadMemory(noted(CHUNK_BYTES));
  const blob = blobOf(LARGE, LARGE, memory);
  assert.equal(await target.pushBlob(REPOSITORY, blob, signal), 'accepted');
  assert.deepEqual([blob.payload(), memory.writes], [0, [undefined]]);
});

test('an aborted upload writes no note, and the next one finds all that had been acknowledged', async (context) => {
  const aborter = new AbortController();
  const onPatch = (_: Received, __: ServerResponse, index: number): boolean => {
    if (index === 3) aborter.abort(new Error('cancelled'));
    return index === 3;
  };
  const { target, signal, store } = await chunked(context, { honestCheck: true, onPatch, realRanges: true });
  const memory = uploadMemory();
  await assert.rejects(target.pushBlob(REPOSITORY, blobOf(LARGE, LARGE, memory), aborter.signal), /cancelled/);
  assert.deepEqual(memory.writes, [noted(0)], 'the note lags behind by less than 64 MiB and two seconds');
  const blob = blobOf(LARGE, LARGE, memory);
  assert.equal(await target.pushBlob(REPOSITORY, blob, signal), 'verified');
  assert.equal(blob.payload(), LARGE.length - 2 * CHUNK_BYTES);
  assert.equal(store.sessions, 1);
});

for (const [what, chunkMs, written] of [
  ['64 MiB', 0, [0, 8, 16]],
  ['two seconds', 700, [0, 3, 6, 9]],
] as const)
  test(`a note is written at the beginning and every ${what}`, async (context) => {
    const content = Buffer.alloc((what === '64 MiB' ? 17 : 10) * CHUNK_BYTES + 5, 'note');
    const clock = new FakeClock();
    const onPatch = (): boolean => {
      clock.advance(chunkMs);
      return false;
    };
    const { target, signal } = await chunked(context, { honestCheck: true, onPatch }, { clock });
    const memory = uploadMemory();
    await target.pushBlob(REPOSITORY, blobOf(content, content, memory), signal);
    const positions = memory.writes.map((session) => session?.acknowledged);
    assert.deepEqual(positions, [...written.map((chunks) => chunks * CHUNK_BYTES), undefined]);
  });

for (const { what, held, opened } of [
  { what: 'an earlier part', held: CHUNK_BYTES, opened: [CHUNK_BYTES, 0] },
  { what: 'earlier parts that were all', held: LARGE.length, opened: [0] },
]) {
  test(`wrong bytes from ${what} are found by the far side, then the upload begins anew from the first byte`, async (context) => {
    const onPut = (_: Received, response: ServerResponse): boolean => {
      const wrong = !store.bytes.equals(LARGE);
      if (wrong) refusal(response, 400, 250311, 'replica artifact broken');
      return wrong;
    };
    const { target, signal, store } = await chunked(context, { honestCheck: true, onPut });
    Object.assign(store, { bytes: Buffer.alloc(held, 'x'), sessions: 1, known: true });
    const memory = uploadMemory(noted(held));
    const blob = blobOf(LARGE, LARGE, memory);
    assert.equal(await target.pushBlob(REPOSITORY, blob, signal), 'verified');
    assert.deepEqual([blob.opened, store.sessions], [opened, 2]);
  });
}

test('a source that gives other bytes now is told, and nothing of it stays', async (context) => {
  const onPut = (_: Received, response: ServerResponse): boolean => {
    refusal(response, 400, 250311, 'replica artifact broken');
    return true;
  };
  const { target, signal, store } = await chunked(context, { honestCheck: true, onPut });
  Object.assign(store, { bytes: LARGE.subarray(0, CHUNK_BYTES), sessions: 1, known: true });
  const changed = Buffer.from(LARGE).fill('!', CHUNK_BYTES + 5, CHUNK_BYTES + 6);
  const memory = uploadMemory(noted(CHUNK_BYTES));
  const push = target.pushBlob(REPOSITORY, blobOf(changed, LARGE, memory), signal);
  await assert.rejects(push, { name: 'ContentMismatchError' });
  assert.deepEqual([store.stored, store.sessions, memory.writes.at(-1)], [false, 2, undefined]);
});

test('bytes that the far side spoils again and again end after one more try of the attempt', async (context) => {
  const onPut = (_: Received, response: ServerResponse): boolean => {
    refusal(response, 400, 250311, 'replica artifact broken');
    return true;
  };
  const { target, signal, store } = await chunked(context, { honestCheck: true, onPut });
  Object.assign(store, { bytes: LARGE.subarray(0, CHUNK_BYTES), sessions: 1, known: true });
  const memory = uploadMemory(noted(CHUNK_BYTES));
  const error = await failureOf(target.pushBlob(REPOSITORY, blobOf(LARGE, LARGE, memory), signal));
  assert.deepEqual([error.errorClass, error.code], ['retryable', 'DigestMismatch']);
  assert.deepEqual([store.sessions, memory.writes.at(-1)], [2, undefined]);
});

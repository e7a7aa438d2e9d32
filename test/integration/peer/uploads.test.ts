import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';

import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { blobFile } from '../../../src/source/schema/store-layout.ts';
import { eventually } from '../../support/wait.ts';
import { type Answer, basic, md5, PeerBed, type PeerSide, sha256 } from './client.ts';

const BYTES = '0123456789';
const DIGEST = sha256(BYTES);

let bed: PeerBed;
before(async () => {
  bed = await PeerBed.start();
});
after(async () => await bed.stop());

async function begin(side: PeerSide, digest = DIGEST): Promise<string> {
  const answer = await side.call('POST', `/replication/replica/rp1/gen/blobs/uploads/?sha256=${digest}`, {
    headers: { chunkedUpload: 'chunkedUpload' },
  });
  assert.equal(answer.status, 202);
  return String(answer.headers['push-session-id']);
}

async function patch(side: PeerSide, id: string, range: string, body: string): Promise<Answer> {
  return await side.call('PATCH', `/replication/replica/rp1/gen/blobs/uploads/${id}?sha256=${DIGEST}`, {
    headers: { 'content-type': 'application/octet-stream', 'content-range': range },
    body,
  });
}

async function finish(side: PeerSide, id: string, query = '', digest = DIGEST): Promise<Answer> {
  return await side.call('PUT', `/replication/replica/rp1/gen/blobs/uploads/${id}?sha256=${digest}${query}`, {
    headers: { 'content-type': 'application/octet-stream' },
  });
}

async function stored(side: PeerSide, digest: string): Promise<string | undefined> {
  try {
    return await readFile(blobFile(side.storePath, digest), 'utf8');
  } catch {
    return undefined;
  }
}

suite('chunked upload', () => {
  test('chunks in order make the blob, and nothing is left', async () => {
    const side = await bed.peer('chunks');
    const id = await begin(side);
    const first = await patch(side, id, '0-3', '0123');
    assert.deepEqual([first.status, first.headers.range], [202, '0-3']);
    const second = await patch(side, id, 'bytes 4-9/10', '456789');
    assert.deepEqual([second.status, second.headers.range], [202, '0-9']);
    const end = await finish(side, id, `&md5=${md5(BYTES)}&size=10`);
    assert.equal(end.status, 201);
    assert.equal(await stored(side, DIGEST), BYTES);
    assert.deepEqual(await readdir(join(side.storePath, 'temp')), []);
  });

  test('Location is absolute, and relative at a real server', async () => {
    const side = await bed.peer('location');
    const id = await begin(side);
    const answer = await patch(side, id, '0-0', '0');
    assert.equal(answer.headers.location, `${side.peer.url}/replication/replica/rp1/gen/blobs/uploads/${id}`);
    const real = await bed.peer('location-real', { faithful: true });
    const relative = await patch(real, await begin(real), '0-0', '0');
    assert.match(relative.headers.location ?? '', /^bkrepo\/replica\/rp1\/gen\/blobs\/uploads\/[0-9a-f]{32}$/);
  });

  const refused = [
    ['without Content-Range', '', '4567'],
    ['with a gap', '6-9', '6789'],
    ['that overlaps', '2-5', '2345'],
    ['of another length than its range', '4-9', '45'],
    ['with a range that is none', 'x-y', '45'],
  ] as const;
  for (const [what, range, body] of refused)
    test(`a chunk ${what} is refused with 416 and what is stored`, async () => {
      const side = await bed.peer('gaps');
      const id = await begin(side);
      await patch(side, id, '0-3', '0123');
      const answer = await patch(side, id, range, body);
      assert.deepEqual([answer.status, answer.headers.range], [416, '0-3']);
      assert.equal((await patch(side, id, '4-9', '456789')).status, 202);
      assert.equal((await finish(side, id)).status, 201);
    });

  test('the Range of a refused chunk tells its own length at a real server', async () => {
    const side = await bed.peer('gaps-real', { faithful: true });
    const id = await begin(side);
    await patch(side, id, '0-3', '0123');
    assert.equal((await patch(side, id, '6-7', '67')).headers.range, '0-1');
  });

  for (const faithful of [false, true])
    test(`a chunk without bytes changes nothing and tells whether its start is right (${faithful ? 'faithful' : 'better'})`, async () => {
      const side = await bed.peer(`ask-${faithful}`, { faithful });
      const id = await begin(side);
      await patch(side, id, '0-3', '0123');
      for (const position of [2, 4, 7]) {
        const answer = await patch(side, id, `${position}-${position - 1}`, '');
        const refused = faithful ? [416, '0--1'] : [416, '0-3'];
        assert.deepEqual([answer.status, answer.headers.range], position === 4 ? [202, '0-3'] : refused);
      }
      assert.equal((await patch(side, id, '4-9', '456789')).status, 202);
      assert.equal((await finish(side, id)).status, 201);
      assert.equal(await stored(side, DIGEST), BYTES);
    });

  test('a session that holds nothing has no range to tell', async () => {
    const side = await bed.peer('nothing');
    const answer = await patch(side, await begin(side), '4-3', '');
    assert.deepEqual([answer.status, answer.headers.range], [416, undefined]);
  });

  test('a repeated chunk is a success and stored once', async () => {
    const side = await bed.peer('repeat');
    const id = await begin(side);
    await patch(side, id, '0-4', '01234');
    const again = await patch(side, id, '0-4', '01234');
    assert.deepEqual([again.status, again.headers.range], [202, '0-4']);
    await patch(side, id, '5-9', '56789');
    assert.equal((await finish(side, id)).status, 201);
    assert.equal(await stored(side, DIGEST), BYTES);
  });

  test('a chunk that breaks off leaves the session as it was', async () => {
    const side = await bed.peer('break');
    const id = await begin(side);
    await patch(side, id, '0-3', '0123');
    const file = join(side.storePath, 'temp', `upload-${id}`);
    const sending = request(side.peer.url, {
      method: 'PATCH',
      path: `/replica/rp1/gen/blobs/uploads/${id}`,
      headers: {
        authorization: basic('admin', 'password'),
        'content-type': 'application/octet-stream',
        'content-range': '4-100003',
        'content-length': 100_000,
      },
    });
    sending.on('error', () => {});
    sending.write('x'.repeat(50_000));
    await eventually(async () => (await stat(file)).size > 4);
    sending.destroy();
    await eventually(async () => (await stat(file)).size === 4);
    assert.equal((await patch(side, id, '4-9', '456789')).status, 202);
    assert.equal((await finish(side, id)).status, 201, 'nor do the bytes that came count in its digest');
  });

  test('sessions outlive the server', async () => {
    const side = await bed.peer('restart');
    const id = await begin(side);
    await patch(side, id, '0-4', '01234');
    await side.peer.close();
    const again = await bed.peer('restart');
    assert.equal((await patch(again, id, '5-9', '56789')).headers.range, '0-9');
    assert.equal((await finish(again, id)).status, 201);
  });

  test('sessions that nobody goes on with are swept, others are kept', async () => {
    const side = await bed.peer('sweep');
    await begin(side);
    const kept = await bed.peer('sweep', { clock: laterBy(3_600_000) });
    assert.equal((await readdir(join(side.storePath, 'temp'))).length, 1);
    await kept.peer.close();
    await bed.peer('sweep', { clock: laterBy(13 * 3_600_000) });
    assert.equal((await readdir(join(side.storePath, 'temp'))).length, 0);
  });

  test('there is an end to the number of sessions', async () => {
    const side = await bed.peer('many', { maxUploads: 2 });
    await begin(side);
    await begin(side);
    const answer = await side.call('POST', `/replica/rp1/gen/blobs/uploads?sha256=${DIGEST}`);
    assert.deepEqual([answer.status, answer.json.code], [429, 250124]);
  });

  test('an empty blob needs no chunk', async () => {
    const side = await bed.peer('empty');
    const id = await begin(side, sha256(''));
    assert.equal((await finish(side, id, '', sha256(''))).status, 201);
    assert.equal(await stored(side, sha256('')), '');
  });

  for (const id of ['nosuch', '0'.repeat(32), '..%2F..%2Fetc'])
    test(`an unknown session (${id}) is told`, async () => {
      const side = await bed.peer('unknown');
      const answers = [await patch(side, id, '0-9', BYTES), await finish(side, id)];
      for (const answer of answers) assert.deepEqual([answer.status, answer.json.code], [404, 251101]);
      const real = await bed.peer('unknown-real', { faithful: true });
      assert.deepEqual([(await patch(real, id, '0-9', BYTES)).status], [500]);
    });
});

suite('the end of a chunked upload', () => {
  const wrong = 'wrong56789';
  const cases = [
    { what: 'wrong bytes with size', query: '&size=10&md5=x', better: 400, faithful: 201 },
    { what: 'wrong bytes without size', query: '', better: 400, faithful: 400 },
    { what: 'a wrong size', query: '&size=11&md5=x', better: 400, faithful: 400 },
  ] as const;
  for (const { what, query, ...expected } of cases)
    for (const mode of ['better', 'faithful'] as const)
      test(`${what}: ${expected[mode]} (${mode})`, async () => {
        const side = await bed.peer(`end-${mode}-${cases.findIndex((item) => item.what === what)}`, {
          faithful: mode === 'faithful',
        });
        const id = await begin(side);
        await patch(side, id, '0-9', wrong);
        const answer = await finish(side, id, query);
        assert.equal(answer.status, expected[mode]);
        if (answer.status === 400) assert.equal(answer.json.code, 250311);
        assert.equal(await stored(side, DIGEST), answer.status === 201 ? wrong : undefined);
      });

  test('a session that is too short can be filled and ended', async () => {
    const side = await bed.peer('short');
    const id = await begin(side);
    await patch(side, id, '0-3', '0123');
    assert.equal((await finish(side, id, '&size=10')).status, 400);
    await patch(side, id, '4-9', '456789');
    assert.equal((await finish(side, id, '&size=10')).status, 201);
  });

  test('an end whose answer was lost can be repeated', async () => {
    const side = await bed.peer('twice');
    const id = await begin(side);
    await patch(side, id, '0-9', BYTES);
    assert.deepEqual([(await finish(side, id)).status, (await finish(side, id)).status], [201, 201]);
  });

  test('a real server proves the chunks and then keeps the wrong blob it has', async () => {
    const side = await bed.peer('kept', { faithful: true });
    await side.push(wrong, { sha256: DIGEST });
    const id = await begin(side);
    await patch(side, id, '0-9', BYTES);
    assert.equal((await finish(side, id)).status, 201);
    assert.equal(await stored(side, DIGEST), wrong);
  });
});

function laterBy(ms: number): Clock {
  return { ...systemClock, now: () => Date.now() + ms };
}

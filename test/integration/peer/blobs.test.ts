import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { after, before, suite, test } from 'node:test';

import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { blobFile } from '../../../src/source/schema/store-layout.ts';
import { eventually } from '../../support/wait.ts';
import { PeerProcess } from './child.ts';
import { basic, PeerBed, type PeerSide, pushForm, sha256 } from './client.ts';

const HEADERS = { authorization: basic('admin', 'password'), 'content-type': 'multipart/form-data; boundary=b-b' };

let bed: PeerBed;
before(async () => {
  bed = await PeerBed.start();
});
after(async () => await bed.stop());

async function stored(side: PeerSide, digest: string): Promise<Buffer | undefined> {
  try {
    return await readFile(blobFile(side.storePath, digest));
  } catch {
    return undefined;
  }
}

async function leftovers(side: PeerSide): Promise<string[]> {
  return await readdir(join(side.storePath, 'temp'));
}

async function check(side: PeerSide, digest: string): Promise<unknown> {
  return (await side.call('GET', `/replica/blob/check?sha256=${digest}&repoType=GENERIC`)).json.data;
}

suite('blob push', () => {
  test('stores right bytes where bk-repo looks for them, empty ones too', async () => {
    const side = await bed.peer('push');
    for (const bytes of ['0123456789', '']) {
      assert.equal(await check(side, sha256(bytes)), false);
      assert.equal((await side.push(bytes)).status, 200);
      assert.equal((await stored(side, sha256(bytes)))?.toString(), bytes);
      assert.equal(await check(side, sha256(bytes)), true);
    }
    assert.deepEqual(await leftovers(side), []);
  });

  const refused = [
    ['wrong bytes', { sha256: sha256('other') }, 251003],
    ['wrong bytes without size', { sha256: sha256('other'), size: '' }, 251003],
    ['a wrong size', { size: '4' }, 251031],
    ['a name that is no digest', { sha256: '../../etc/passwd' }, 250105],
    ['no digest', { sha256: '' }, 250103],
  ] as const;
  for (const [what, fields, code] of refused)
    test(`${what} is refused with ${code} and leaves nothing`, async () => {
      const side = await bed.peer('refused');
      const answer = await side.push('bytes', fields);
      assert.deepEqual([answer.status, answer.json.code], [400, code]);
      assert.deepEqual(await leftovers(side), []);
      assert.deepEqual(
        (await readdir(side.storePath)).filter((name) => name !== 'temp'),
        [],
      );
    });

  test('a real server stores wrong bytes and keeps them', async () => {
    const side = await bed.peer('faithful', { faithful: true });
    const digest = sha256('right');
    assert.equal((await side.push('wrong', { sha256: digest })).status, 200);
    assert.equal((await side.push('right')).status, 200);
    assert.equal((await stored(side, digest))?.toString(), 'wrong');
    assert.equal((await side.push('wrong', { sha256: digest, size: '4' })).json.code, 251031);
  });

  test('right bytes replace damaged ones', async () => {
    const side = await bed.peer('heal');
    const file = blobFile(side.storePath, sha256('right'));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, 'wrong');
    assert.equal((await side.push('right')).status, 200);
    assert.equal((await stored(side, sha256('right')))?.toString(), 'right');
  });

  test('many pushes of one digest at once make one blob', async () => {
    const side = await bed.peer('race');
    const bytes = 'x'.repeat(100_000);
    const answers = await Promise.all(Array.from({ length: 16 }, () => side.push(bytes)));
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
    assert.equal((await stored(side, sha256(bytes)))?.toString(), bytes);
    assert.deepEqual(await leftovers(side), []);
  });

  test('a push that breaks off before its first byte could be stored leaves nothing, and the server lives', async () => {
    const asked = Promise.withResolvers<void>();
    const broken = Promise.withResolvers<void>();
    const side = await bed.peer('slow-to-open', {
      createFile: async (file) => {
        asked.resolve();
        await broken.promise;
        return await open(file, 'wx');
      },
    });
    const sending = request(`${side.peer.url}/replication/replica/blob/push`, { method: 'POST', headers: HEADERS });
    sending.on('error', () => undefined);
    sending.write('--b-b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nthe first bytes');
    await asked.promise;
    const closed = new Promise((resolve) => sending.once('close', resolve));
    sending.destroy();
    await closed;
    // By the second answer the receiving side has met the end of the connection: an error that nobody takes ends it.
    for (let call = 0; call < 2; call += 1) await check(side, sha256('x'));
    broken.resolve();
    await eventually(async () => (await leftovers(side)).length === 0);
  });

  test('a push that breaks off leaves nothing', async () => {
    const side = await bed.peer('broken');
    const sending = request(side.peer.url, { method: 'POST', path: '/replica/blob/push', headers: HEADERS });
    sending.on('error', () => {});
    sending.write(pushForm('x'.repeat(200_000), {}).subarray(0, 100_000));
    await eventually(async () => (await leftovers(side)).length === 1);
    sending.destroy();
    await eventually(async () => (await leftovers(side)).length === 0);
  });

  test('a push that stalls is given up', async () => {
    const side = await bed.peer('stall', { stallTimeoutMs: 200 });
    const sending = request(side.peer.url, { method: 'POST', path: '/replica/blob/push', headers: HEADERS });
    const ended = new Promise((resolve) => sending.on('error', resolve));
    sending.write(pushForm('x'.repeat(200_000), {}).subarray(0, 100_000));
    await ended;
    await eventually(async () => (await leftovers(side)).length === 0);
  });

  test('a full disk is told, even in the middle of a large push', async () => {
    const side = await bed.peer('full', { createFile: async () => await open('/dev/full', 'w') });
    const answer = await side.push(Buffer.alloc(8 << 20));
    assert.deepEqual([answer.status, answer.json.code], [507, 251101]);
    assert.equal((await side.call('GET', '/replica/version')).status, 200);
  });

  const forms = [
    ['rubbish instead of a form', 'multipart/form-data; boundary=b-b', 'rubbish', 250106],
    ['a form without boundary', 'multipart/form-data', 'rubbish', 250106],
    [
      'a form without file',
      HEADERS['content-type'],
      '--b-b\r\nContent-Disposition: form-data; name="sha256"\r\n\r\nabc\r\n--b-b--\r\n',
      250103,
    ],
  ] as const;
  for (const [what, type, body, code] of forms)
    test(`${what} is refused with ${code}`, async () => {
      const side = await bed.peer('forms');
      const answer = await side.call('POST', '/replica/blob/push', { headers: { 'content-type': type }, body });
      assert.deepEqual([answer.status, answer.json.code], [400, code]);
    });

  test('a key of storage_credentials leads to that store, an unknown one to the default', async () => {
    const side = await bed.peer('keys');
    const other = join(bed.directory, 'other-store');
    const credentials = JSON.stringify({ type: 'filesystem', path: other });
    await side.db
      .collection<{ _id: string; credentials: string }>('storage_credentials')
      .insertOne({ _id: 'k', credentials });
    await side.push('in other', { storageKey: 'k' });
    await side.push('in default', { storageKey: 'unknown' });
    assert.equal(await readFile(blobFile(other, sha256('in other')), 'utf8'), 'in other');
    assert.equal((await stored(side, sha256('in default')))?.toString(), 'in default');
    assert.equal(
      (await side.call('GET', `/replica/blob/check?sha256=${sha256('in other')}&storageKey=k`)).json.data,
      true,
    );
    assert.equal(await check(side, sha256('in other')), false);
  });

  test('a check may deny what is there, at one edition', async () => {
    const side = await bed.peer('deny', { defects: { checkMayDeny: true } });
    await side.push('bytes');
    assert.equal(await check(side, sha256('bytes')), false);
  });
});

suite('blob pull', () => {
  const ranges = [
    ['all of it', { start: 0, end: 9, total: 10, length: 10 }, '0123456789'],
    ['a part', { start: 2, end: 5, total: 10, length: 4 }, '2345'],
    ['positions', { startPosition: 2, endPosition: 5, total: 10 }, '2345'],
    ['one byte without a length', { start: 2, end: 5, total: 10 }, '2'],
    ['no total: all of it', { startPosition: 0, endPosition: null, total: null }, '0123456789'],
    ['an end beyond the blob', { startPosition: 8, endPosition: 99, total: 100 }, '89'],
    ['nothing', { start: 10, end: 9, total: 10, length: 0 }, ''],
  ] as const;
  test('reads what the range says', async () => {
    const side = await bed.peer('pull');
    await side.push('0123456789');
    for (const [what, range, expected] of ranges) {
      const answer = await side.post('/replica/blob/pull', { sha256: sha256('0123456789'), range });
      assert.deepEqual([answer.status, answer.bytes.toString()], [200, expected], what);
    }
  });

  test('an empty blob is read', async () => {
    const side = await bed.peer('pull');
    await side.push('');
    const range = { start: 0, end: -1, total: 0, length: 0 };
    const answer = await side.post('/replica/blob/pull', { sha256: sha256(''), range });
    assert.deepEqual([answer.status, answer.bytes.length], [200, 0]);
  });

  test('a digest that is not stored is 404, 251024', async () => {
    const side = await bed.peer('pull');
    const answer = await side.post('/replica/blob/pull', { sha256: sha256('none'), range: { total: null } });
    assert.deepEqual([answer.status, answer.json.code], [404, 251024]);
  });
});

suite('a peer as a process', () => {
  test('killed in mid-push it has no partial blob, and goes on after a restart', async () => {
    const storePath = join(bed.directory, 'killed');
    const options = {
      mongo: bed.mongod.uri,
      database: 'killed',
      storePath,
      users: [{ username: 'admin', password: 'password', admin: true }],
    };
    const child = await PeerProcess.start(options);
    const bytes = Buffer.alloc(4 << 20, 'k');
    const sending = request(child.origin, { method: 'POST', path: '/replica/blob/push', headers: HEADERS });
    sending.on('error', () => {});
    sending.write(pushForm(bytes, { sha256: sha256(bytes) }).subarray(0, 3 << 20));
    await eventually(async () => (await readdir(join(storePath, 'temp'))).length === 1);
    await child.kill();
    assert.deepEqual(
      (await readdir(storePath)).filter((name) => name !== 'temp'),
      [],
    );
    const again = await bed.peer('killed', { storePath, clock: laterClock(24 * 3_600_000) });
    assert.deepEqual(await leftovers(again), []);
    assert.equal((await again.push(bytes)).status, 200);
  });

  test('streams 200 MB up and down in little memory', async () => {
    const storePath = join(bed.directory, 'large');
    const options = {
      mongo: bed.mongod.uri,
      database: 'large',
      storePath,
      users: [{ username: 'admin', password: 'password', admin: true }],
    };
    const child = await PeerProcess.start(options);
    try {
      const before_ = await child.maxRss();
      const digest = await pushLarge(child.origin, 200);
      const received = await pullLength(child.origin, digest);
      assert.equal(received, 200 << 20);
      const grown = (await child.maxRss()) - before_;
      assert.ok(grown < 90 << 20, `memory grew by ${Math.round(grown / (1 << 20))} MB`);
    } finally {
      await child.stop();
    }
  });
});

/** Sends so many MiB of a pattern and returns their digest. */
async function pushLarge(origin: string, mebibytes: number): Promise<string> {
  const chunk = Buffer.alloc(1 << 20, 'large ');
  const hash = createHash('sha256');
  for (let sent = 0; sent < mebibytes; sent += 1) hash.update(chunk);
  const digest = hash.digest('hex');
  const form = pushForm('@', { size: String(mebibytes << 20), sha256: digest });
  const [head, tail] = [form.subarray(0, form.indexOf('@')), form.subarray(form.indexOf('@') + 1)];
  async function* body(): AsyncGenerator<Buffer> {
    yield head;
    for (let sent = 0; sent < mebibytes; sent += 1) yield chunk;
    yield tail;
  }
  const length = head.length + tail.length + (mebibytes << 20);
  const sending = request(origin, {
    method: 'POST',
    path: '/replica/blob/push',
    headers: { ...HEADERS, 'content-length': length },
  });
  const [answer] = (await Promise.all([once(sending, 'response'), pipeline(body, sending)])) as [
    [IncomingMessage],
    void,
  ];
  answer[0].resume();
  assert.equal(answer[0].statusCode, 200);
  return digest;
}

async function pullLength(origin: string, digest: string): Promise<number> {
  const sending = request(origin, {
    method: 'POST',
    path: '/replica/blob/pull',
    headers: { authorization: HEADERS.authorization, 'content-type': 'application/json' },
  });
  sending.end(JSON.stringify({ sha256: digest, range: { total: null } }));
  const [answer] = (await once(sending, 'response')) as [IncomingMessage];
  let length = 0;
  for await (const chunk of answer) length += (chunk as Buffer).length;
  return length;
}

function laterClock(ms: number): Clock {
  return { ...systemClock, now: () => Date.now() + ms };
}

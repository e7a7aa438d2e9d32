import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { VerifiedStream } from '../../../src/lib/verified-stream.ts';

const bytes = Buffer.from('the content of a file');
const sha256 = createHash('sha256').update(bytes).digest('hex');

async function collect(stream: VerifiedStream): Promise<{ readonly seen: Buffer; readonly error: unknown }> {
  const seen: Buffer[] = [];
  try {
    for await (const chunk of stream) seen.push(chunk as Buffer);
    return { seen: Buffer.concat(seen), error: undefined };
  } catch (error) {
    return { seen: Buffer.concat(seen), error };
  }
}

test('declared bytes pass unchanged, whatever their chunks', async () => {
  for (const size of [1, 4, bytes.length]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    const stream = Readable.from(chunks).pipe(new VerifiedStream({ sha256, size: bytes.length }));
    assert.deepEqual(await buffer(stream), bytes);
  }
});

test('an empty content passes', async () => {
  const empty = createHash('sha256').digest('hex');
  assert.equal((await buffer(Readable.from([]).pipe(new VerifiedStream({ sha256: empty, size: 0 })))).length, 0);
});

for (const [what, content] of [
  ['one flipped byte', Buffer.from('the content of a filf')],
  ['a truncated content', bytes.subarray(0, 20)],
  ['an extended content', Buffer.concat([bytes, Buffer.from('!')])],
] as const) {
  test(`${what} ends in an error, and the last chunk never comes`, async () => {
    const chunks = [content.subarray(0, 10), content.subarray(10)];
    const { seen, error } = await collect(
      Readable.from(chunks).pipe(new VerifiedStream({ sha256, size: bytes.length })),
    );
    assert.ok(seen.length < bytes.length);
    assert.match(String(error), /not the declared ones/);
  });
}

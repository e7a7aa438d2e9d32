import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { BcryptThread } from '../../../../src/rest/auth/bcrypt-thread.ts';
import { parsePasswordHash } from '../../../../src/rest/auth/password-hash.ts';
import { HASHES, PASSWORD } from './passwords.ts';

const end = new AbortController();
const thread = new BcryptThread(end.signal);
after(() => end.abort());

for (const [kind, text] of Object.entries(HASHES)) {
  test(`a ${kind} hash of another tool fits its password alone`, async () => {
    const hash = parsePasswordHash(text);
    assert.equal(await hash.verify(PASSWORD, thread), true);
    assert.equal(await hash.verify('pass', thread), false);
  });
}

for (const text of [
  HASHES['2b'].replace('$05$', '$31$'),
  HASHES['2b'].slice(0, -1),
  HASHES.argon2id.replace('m=1024', 'm=4194304'),
  HASHES.argon2id.replace('t=2', 't=4000000'),
  HASHES.argon2id.replace('v=19', 'v=16'),
  HASHES.scrypt.replace('ln=10', 'ln=20'),
  '{SHA}abc',
]) {
  test(`the hash ${text.slice(0, 24)}… is refused without being shown`, () => {
    assert.throws(
      () => parsePasswordHash(text),
      (error: Error) => !error.message.includes(text.slice(-10)),
    );
  });
}

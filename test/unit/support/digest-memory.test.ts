import assert from 'node:assert/strict';
import { open, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DigestMemory, type StoredDigests } from '../../support/bkrepo/digest-memory.ts';
import { tempDirFor } from '../../support/tempdir.ts';
import { eventually } from '../../support/wait.ts';

test('a file is read anew after a byte of it became another or it was replaced, whatever its times and size say', async (t) => {
  const directory = await tempDirFor(t, 'digest-memory');
  const file = join(directory, 'blob');
  await writeFile(file, 'content');
  const memory = new DigestMemory();
  let reads = 0;
  const read = (): Promise<StoredDigests> => {
    reads += 1;
    return Promise.resolve({ size: 7, sha256: `read ${reads}`, md5: '' });
  };
  const isRemembered = async (): Promise<boolean> => {
    const before = reads;
    const { sha256 } = await memory.of(file, read);
    return reads === before && sha256 === `read ${reads}`;
  };
  await eventually(isRemembered);

  const { atime, mtime } = await stat(file);
  const handle = await open(file, 'r+');
  await handle.write('C', 0);
  await handle.close();
  await utimes(file, atime, mtime);
  assert.equal(await isRemembered(), false);
  await eventually(isRemembered);

  await writeFile(join(directory, 'other'), 'CONTENT');
  await rename(join(directory, 'other'), file);
  assert.equal(await isRemembered(), false);
  await eventually(isRemembered);
});

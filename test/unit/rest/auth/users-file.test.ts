import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';

import { readUsersFile, type Users, UsersFileError, watchUsersFile } from '../../../../src/rest/auth/users-file.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { makeTempDir, removeDir } from '../../../support/tempdir.ts';
import { eventually } from '../../../support/wait.ts';
import { HASHES, replaceFile, usersText } from './passwords.ts';

async function directory(t: TestContext): Promise<string> {
  const made = await makeTempDir('rest-users-file');
  t.after(() => removeDir(made));
  return made;
}

/** Follows the file; `looked` passes once it was looked at again. */
async function followed(t: TestContext, file: string) {
  const clock = new FakeClock();
  const applied: string[][] = [];
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', format: 'json', destination: { write: (line) => lines.push(line) } });
  const apply = ({ list }: Users): void => void applied.push(list.map(({ username }) => username));
  const end = new AbortController();
  const watch = watchUsersFile({ file, present: await readUsersFile(file), apply, clock, logger }, end.signal);
  t.after(async () => {
    end.abort();
    await watch;
  });
  const looked = async (): Promise<void> => {
    const before = clock.slept.length;
    clock.advance(5_000);
    await eventually(() => clock.slept.length > before, { intervalMs: 5 });
  };
  return { applied, lines, looked };
}

test('users that Kubernetes swaps in by its symlink ..data count from the next look', async (t) => {
  const mount = await directory(t);
  const version = async (name: string, text: string): Promise<void> => {
    await mkdir(join(mount, name));
    await writeFile(join(mount, name, 'users.yaml'), text);
  };
  await version('..2026_11_22', usersText('ann'));
  await symlink('..2026_11_22', join(mount, '..data'));
  await symlink('..data/users.yaml', join(mount, 'users.yaml'));
  const { applied, looked } = await followed(t, join(mount, 'users.yaml'));
  await looked();
  assert.deepEqual(applied, []);
  await version('..2026_11_23', usersText('ann', 'bob'));
  await symlink('..2026_11_23', join(mount, '..data_tmp'));
  await rename(join(mount, '..data_tmp'), join(mount, '..data'));
  await rm(join(mount, '..2026_11_22'), { recursive: true });
  await looked();
  await looked();
  assert.deepEqual(applied, [['ann', 'bob']]);
});

for (const [what, text, words] of [
  ['that is no YAML', 'users: [', /no YAML/],
  ['with a hash that is none', usersText('ann').replace(HASHES['2b'], 'plain-s3cret'), /users\.0\.passwordHash/],
  ['with a role that is none', usersText('ann').replace('viewer', 'root-s3cret'), /users\.0\.role/],
  ['with one name twice', usersText('ann', 'ann'), /users\.1\.username/],
  ['that has gone', undefined, /cannot be read \(ENOENT\)/],
] as const)
  test(`a file ${what} is told once, and the users in use stay`, async (t) => {
    const file = join(await directory(t), 'users.yaml');
    await writeFile(file, usersText('ann'));
    const { applied, lines, looked } = await followed(t, file);
    if (text === undefined) await rm(file);
    else await replaceFile(file, text);
    await looked();
    await looked();
    assert.deepEqual(applied, []);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', words);
    assert.match(lines[0] ?? '', /"level":"error".*the old users stay/);
    assert.doesNotMatch(lines[0] ?? '', /s3cret|\$2b\$05/);
    await assert.rejects(readUsersFile(file), UsersFileError);
    await replaceFile(file, usersText('bob'));
    await looked();
    assert.deepEqual(applied, [['bob']]);
    await replaceFile(file, 'users: {');
    await looked();
    assert.equal(lines.length, 3, 'the next trouble is told, too');
  });

test('a file with more users or bytes than there may be is refused', async (t) => {
  const file = join(await directory(t), 'users.yaml');
  const names = Array.from({ length: 1_001 }, (_, index) => `user${index}`);
  await writeFile(file, usersText(...names));
  await assert.rejects(readUsersFile(file), /users: /);
  await writeFile(file, `${usersText('ann')}${' '.repeat(1_048_576)}`);
  await assert.rejects(readUsersFile(file), /larger than 1048576 bytes/);
});

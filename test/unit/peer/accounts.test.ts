import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import { Accounts, mayRead, requireBlobAccess, requireProject } from '../../../src/peer/accounts.ts';

const USERS = [
  { username: 'admin', password: 'pass:word:1', admin: true },
  { username: 'plain', password: '', projects: ['rp1'], hiddenPaths: ['/rp1/gen/secret/'] },
  { username: 'nobody', password: '密码' },
];

function header(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`;
}

suite('accounts', () => {
  const accounts = new Accounts(USERS, false);

  test('a password may hold colons, be empty, or be no ASCII', () => {
    assert.equal(accounts.authenticate(header('admin:pass:word:1')).name, 'admin');
    assert.equal(accounts.authenticate(header('plain:')).name, 'plain');
    assert.equal(accounts.authenticate(header('nobody:密码')).name, 'nobody');
  });

  test('a real server cuts the password at its colon', () => {
    const cutting = new Accounts([{ username: 'u', password: 'a' }, ...USERS], true);
    assert.equal(cutting.authenticate(header('u:a:b')).name, 'u');
    assert.throws(() => cutting.authenticate(header('admin:pass:word:1')), { code: 250114 });
  });

  const refused = [
    [header('admin:wrong'), 'Authorization value check failed'],
    [header('admin:'), 'Authorization value check failed'],
    [header('stranger:'), 'Authorization value check failed'],
    [header('stranger:x'), 'Authorization value check failed'],
    ['Basic !!!', 'Invalid authorization value.'],
    ['Basic', 'Invalid authorization value.'],
    ['Basic YWJj', 'Invalid authorization value.'],
    ['Bearer rubbish', 'Invalid token'],
    ['Foo bar', 'Unauthorized'],
    ['', 'Unauthorized'],
  ] as const;
  for (const [authorization, reason] of refused)
    test(`"${authorization}" is refused: ${reason}`, () =>
      assert.throws(() => accounts.authenticate(authorization), {
        code: 250114,
        status: 401,
        message: `Failed to authenticate: ${reason}`,
      }));

  test('no header is nobody, and nobody has no project', () => {
    const nobody = accounts.authenticate(undefined);
    assert.equal(nobody.anonymous, true);
    assert.throws(() => requireProject(nobody, 'rp1'), { status: 401 });
  });

  test('an account has its own projects, an administrator all', () => {
    const plain = accounts.authenticate(header('plain:'));
    requireProject(plain, 'rp1');
    assert.throws(() => requireProject(plain, 'rp2'), { status: 403, code: 250113 });
    requireProject(accounts.authenticate(header('admin:pass:word:1')), 'rp2');
  });

  test('blobs are for accounts with a project, at a real server for administrators alone', () => {
    const plain = accounts.authenticate(header('plain:'));
    requireBlobAccess(plain, false);
    assert.throws(() => requireBlobAccess(plain, true), { status: 403 });
    assert.throws(() => requireBlobAccess(accounts.authenticate(header('nobody:密码')), false), { status: 403 });
  });

  test('hidden paths are hidden from their account alone', () => {
    const plain = accounts.authenticate(header('plain:'));
    assert.equal(mayRead(plain, 'rp1', 'gen', '/secret/a'), false);
    assert.equal(mayRead(plain, 'rp1', 'gen', '/secrets'), true);
    assert.equal(mayRead(accounts.authenticate(header('admin:pass:word:1')), 'rp1', 'gen', '/secret/a'), true);
  });
});

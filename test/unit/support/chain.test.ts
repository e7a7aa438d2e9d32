import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { obtain, PartUnavailable } from '../../support/assets/chain.ts';
import { withLock } from '../../support/assets/lock.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';
import { eventually } from '../../support/wait.ts';
import { partOf, type Ways } from './obtaining.ts';

let base: string;
let root: string;
let journal: string;
let said: string[];
before(async () => {
  base = await makeTempDir('chain');
});
after(() => removeDir(base));
beforeEach(async () => {
  const directory = await mkdtemp(join(base, 'test-'));
  root = join(directory, 'cache');
  journal = join(directory, 'journal');
  said = [];
  await writeFile(journal, '');
});

const get = (ways: Ways): Promise<string> =>
  obtain(partOf(ways, journal), root, (line) => said.push(line), { pollMs: 20 }).then(({ paths }) => paths);
const tried = async (): Promise<string[]> => (await readFile(journal, 'utf8')).split('\n').filter(Boolean);

describe('the order of the ways', () => {
  const cases: readonly { ways: Ways; tried: string[]; says: RegExp }[] = [
    {
      ways: { user: 'give', download: 'give', registries: 'give' },
      tried: [],
      says: /^thing: 9\.9\.9 from what is installed \(\/opt\/thing\)$/,
    },
    {
      ways: { download: 'give', registries: 'give' },
      tried: ['download'],
      says: /^thing: 1\.2\.3 from download, now in the cache/,
    },
    {
      ways: { registries: 'give' },
      tried: ['download', 'registries'],
      says: /^thing: 1\.2\.3 from registries, now in/,
    },
  ];
  for (const { ways, tried: expected, says } of cases) {
    test(`${JSON.stringify(ways)} is had from the first way that leads there, and says which`, async () => {
      const path = await get(ways);
      assert.deepEqual(await tried(), expected);
      assert.match(said.at(-1) ?? '', says);
      if (expected.length > 0) assert.equal(await readFile(path, 'utf8'), `made by ${expected.at(-1)}`);
    });
  }

  test('the second time it comes from the cache and no way is tried', async () => {
    const first = await get({ registries: 'give' });
    await writeFile(journal, '');
    assert.equal(await get({ download: 'give' }), first);
    assert.deepEqual(await tried(), []);
    assert.match(said.at(-1) ?? '', /^thing: 1\.2\.3 from the project's cache \(/);
  });

  test('what the user has goes before the cache', async () => {
    await get({ registries: 'give' });
    assert.equal(await get({ user: 'give' }), '/opt/thing');
  });

  test('a part that cannot be had is an error that names all four ways and why each failed', async () => {
    const error = await get({}).then(
      () => assert.fail('it was had'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof PartUnavailable);
    const lines = error.message.split('\n');
    assert.equal(lines.length, 5);
    assert.match(lines[0] ?? '', /^thing cannot be had/);
    assert.match(lines[1] ?? '', /1 what the user has: THING is not set$/);
    assert.match(lines[2] ?? '', /2 the project's cache: nothing at .*thing-1-/);
    assert.match(lines[3] ?? '', /3 download: download is closed today$/);
    assert.match(lines[4] ?? '', /4 registries: registries is closed today$/);
    assert.deepEqual(await readdir(root), []);
  });

  test('a defect in a way is thrown and not taken for a closed way', async () => {
    const part = partOf({ registries: 'give' }, journal);
    const broken = { name: 'broken', supply: () => Promise.reject(new TypeError('a defect')) };
    const attempt = obtain({ ...part, suppliers: [broken, ...part.suppliers] }, root, () => undefined);
    await assert.rejects(attempt, new TypeError('a defect'));
  });
});

describe('a damaged cache', () => {
  const damages: Readonly<Record<string, (thing: string) => Promise<unknown>>> = {
    'another content': (thing) => writeFile(thing, 'made by somebody'),
    'a missing file': (thing) => rm(thing),
    'a file more': (thing) => writeFile(`${thing}-and-more`, ''),
    'no manifest': (thing) => rm(join(dirname(thing), 'manifest.json')),
    'half a manifest': (thing) => writeFile(join(dirname(thing), 'manifest.json'), '{"part"'),
  };
  for (const [name, damage] of Object.entries(damages)) {
    test(`with ${name} is refused and made anew`, async () => {
      const thing = await get({ download: 'give' });
      await damage(thing);
      assert.equal(await get({ registries: 'give' }), thing);
      assert.equal(await readFile(thing, 'utf8'), 'made by registries');
      assert.deepEqual((await readdir(dirname(thing))).sort(), ['manifest.json', 'thing']);
    });
  }

  test('names the file and both checksums when nothing else is to be had', async () => {
    const thing = await get({ download: 'give' });
    await writeFile(thing, 'made by somebody');
    await assert.rejects(
      get({}),
      /2 the project's cache: .*thing is damaged: expected [0-9a-f]{64}, found [0-9a-f]{64}/,
    );
  });
});

describe('several processes', () => {
  const program = join(import.meta.dirname, 'obtaining.ts');
  const start = (ways: Ways) =>
    spawn(process.execPath, [program, root, journal, JSON.stringify(ways)], { stdio: ['ignore', 'pipe', 'ignore'] });

  test('that ask at once make the part once and get the same', async () => {
    const children = [start({ download: 'give' }), start({ download: 'give' }), start({ download: 'give' })];
    const outputs = await Promise.all(
      children.map(async (child) => {
        const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
        return line;
      }),
    );
    assert.equal(new Set(outputs).size, 1);
    assert.deepEqual(await tried(), ['download']);
  });

  test('killed in the middle leave nothing that stands in the way', async () => {
    const child = start({ download: 'hang' });
    await eventually(async () => (await tried()).length === 1);
    const before = await eventually(async () => {
      const names = await readdir(root);
      return names.some((name) => name.includes('.draft-')) && names;
    });
    assert.ok(before.some((name) => name.endsWith('.lock')));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const thing = await get({ registries: 'give' });
    assert.equal(await readFile(thing, 'utf8'), 'made by registries');
    assert.ok(said.some((line) => line.includes(`took over a lock left behind by process ${child.pid}`)));
    assert.equal((await readdir(root)).length, 1);
  });

  test('wait for the one that lives, and say for whom', async () => {
    await mkdir(root, { recursive: true });
    const lock = join(root, 'lock');
    const order: string[] = [];
    const inside = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const first = withLock(
      lock,
      () => undefined,
      async () => {
        inside.resolve();
        await leave.promise;
        order.push('first');
      },
    );
    await inside.promise;
    const second = withLock(
      lock,
      (line) => said.push(line),
      async () => order.push('second'),
      {
        pollMs: 10,
        sayEveryMs: 20,
      },
    );
    await eventually(() => said.some((line) => line.includes(`waiting for process ${process.pid}`)));
    leave.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(order, ['first', 'second']);
    assert.deepEqual(await readdir(root), []);
  });

  test('give up after the longest time', async () => {
    await mkdir(root, { recursive: true });
    const lock = join(root, 'lock');
    await withLock(
      lock,
      () => undefined,
      async () => {
        const attempt = withLock(
          lock,
          () => undefined,
          () => Promise.resolve(),
          { pollMs: 10, timeoutMs: 50 },
        );
        await assert.rejects(attempt, new RegExp(`process ${process.pid} has held`));
      },
    );
  });

  test('take over the lock of a process whose number belongs to another one now', async () => {
    await mkdir(root, { recursive: true });
    const lock = join(root, 'lock');
    await writeFile(lock, JSON.stringify({ pid: process.pid, born: '1', token: 'of long ago' }));
    assert.equal(
      await withLock(
        lock,
        (line) => said.push(line),
        () => Promise.resolve('in'),
        { pollMs: 10 },
      ),
      'in',
    );
    assert.equal(said.length, 1);
  });

  test('do not touch a file that is no lock', async () => {
    await mkdir(root, { recursive: true });
    await writeFile(join(root, 'lock'), 'my notes');
    await assert.rejects(
      withLock(
        join(root, 'lock'),
        () => undefined,
        () => Promise.resolve(),
      ),
      /no lock|not a lock/,
    );
    assert.equal(await readFile(join(root, 'lock'), 'utf8'), 'my notes');
  });
});

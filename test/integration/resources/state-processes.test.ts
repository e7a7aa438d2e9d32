import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

import { loadState } from '../../../src/resources/state-files.ts';
import { bench, clusterYaml, never, present } from './directory-samples.ts';

const CHILD = fileURLToPath(import.meta.resolve('./state-child.ts'));

interface Child {
  readonly process: ChildProcess;
  line(): Promise<string>;
  kill(): Promise<void>;
}

function startChild(t: TestContext, dir: string, stateDir: string, mode: string): Child {
  const child = spawn(process.execPath, [CHILD, dir, stateDir, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  t.after(kill);
  return { process: child, kill, line: async () => String((await lines.next()).value) };
}

describe('processes on one state directory', () => {
  it('lets one in, refuses the next, and takes over from a dead one', async (t) => {
    const { put, open, dir, stateDir } = await bench(t);
    await put('a.yaml', clusterYaml());
    const first = startChild(t, dir, stateDir, 'hold');
    assert.equal(await first.line(), 'open');
    const refused = await startChild(t, dir, stateDir, 'hold').line();
    assert.match(refused, new RegExp(`^failed StateLocked: .* in use by process ${first.process.pid}:`));
    await assert.rejects(open(), { code: 'StateLocked', errorClass: 'spec' });
    await first.kill();
    const store = await open();
    await store.refresh(never);
    assert.ok(present(store));
    assert.equal((await readdir(stateDir)).filter((name) => name.startsWith('lock.')).length, 1);
  });

  it('never lets in two that start at once', async (t) => {
    const { put, dir, stateDir } = await bench(t);
    await put('a.yaml', clusterYaml());
    const children = Array.from({ length: 3 }, () => startChild(t, dir, stateDir, 'hold'));
    const answers = await Promise.all(children.map((child) => child.line()));
    assert.ok(answers.filter((answer) => answer === 'open').length <= 1, answers.join(' | '));
    assert.ok(answers.every((answer) => answer === 'open' || answer.startsWith('failed StateLocked')));
  });

  it('takes over from a process of another machine once it has been silent', async (t) => {
    const { put, open, stateDir } = await bench(t);
    await put('a.yaml', clusterYaml());
    const store = await open();
    await store.close();
    const file = join(stateDir, 'lock.1.x.other');
    await writeFile(file, JSON.stringify({ pid: 1, birth: 'x', realm: 'elsewhere' }));
    const past = new Date(Date.now() - 21_000);
    await utimes(file, past, past);
    await open();
    assert.ok(!(await readdir(stateDir)).includes('lock.1.x.other'));
  });

  it('takes over from a dead process whose number another process has by now', async (t) => {
    const { put, open, stateDir } = await bench(t);
    await put('a.yaml', clusterYaml());
    const locks = async (): Promise<string[]> => (await readdir(stateDir)).filter((name) => name.startsWith('lock.'));
    const store = await open();
    const [own = ''] = await locks();
    const holder = JSON.parse(await readFile(join(stateDir, own), 'utf8')) as { readonly birth: string };
    await store.close();
    await writeFile(join(stateDir, 'lock.dead'), JSON.stringify({ ...holder, pid: process.ppid, birth: '1' }));
    await open();
    assert.ok(!(await locks()).includes('lock.dead'));
  });

  it('lets in the next when one died over its own lock', async (t) => {
    const { put, open, dir, stateDir } = await bench(t);
    await put('a.yaml', clusterYaml());
    await mkdir(stateDir, { recursive: true });
    // No file may have a byte: what it begins stays unfinished, as when the disk is full or it is killed just then.
    const shell = `ulimit -f 0; trap '' XFSZ; exec "${process.execPath}" "${CHILD}" "${dir}" "${stateDir}" hold`;
    const child = spawn('/bin/sh', ['-c', shell], { stdio: 'ignore' });
    t.after(() => child.kill('SIGKILL'));
    await once(child, 'exit');
    await open();
    assert.deepEqual((await readdir(stateDir)).filter((name) => name.includes('lock.')).length, 1);
  });

  it('has readable state at every moment, and whenever it is killed', async (t) => {
    const { put, open, dir, stateDir } = await bench(t);
    await put('a.yaml', `${clusterYaml()}---\n${clusterYaml('b')}`);
    let uid: string | undefined;
    for (let round = 0; round < 4; round += 1) {
      const child = startChild(t, dir, stateDir, 'write');
      assert.equal(await child.line(), 'open');
      assert.equal(await child.line(), 'writing');
      for (let n = 0; n < 20; n += 1) assert.deepEqual((await loadState(stateDir)).unreadable, []);
      await child.kill();
      const store = await open();
      await store.refresh(never);
      assert.deepEqual(store.problems(), []);
      const { metadata, status } = present(store);
      uid ??= metadata.uid;
      assert.equal(metadata.uid, uid);
      assert.ok(status.observedGeneration >= 2, `the writes of round ${round} are there`);
      assert.equal(status.errorReason, `${status.observedGeneration} `.repeat(100_000));
      await store.close();
      assert.deepEqual((await readdir(join(stateDir, 'objects'))).length, 2, 'no leftovers');
    }
  });

  it('has what REST made, old or new as a whole, whenever it is killed', async (t) => {
    const { open, dir, stateDir } = await bench(t);
    let uid: string | undefined;
    for (let round = 0; round < 3; round += 1) {
      const child = startChild(t, dir, stateDir, 'edit');
      assert.equal(await child.line(), 'open');
      assert.equal(await child.line(), 'writing');
      await child.kill();
      const store = await open();
      await store.refresh(never);
      assert.deepEqual(store.problems(), []);
      const { metadata, spec } = present(store, 'far');
      uid ??= metadata.uid;
      assert.equal(metadata.uid, uid);
      assert.match(spec.url, /^http:\/\/127\.0\.0\.1:1\/(\d+)-x{1500}-\1$/);
      const secret = await store.secret({ namespace: 'default', name: 'far-credentials' }, never);
      const [username = '', password = ''] = ['username', 'password'].map((key) => secret?.data[key]?.toString());
      assert.ok(Number(username) >= 1);
      assert.equal(password, `${username} `.repeat(100_000), 'user and password of one write');
      await store.close();
      assert.deepEqual(await readdir(join(stateDir, 'secrets')), ['default_far-credentials.json'], 'no leftovers');
    }
  });
});

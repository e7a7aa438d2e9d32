import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Say } from './way.ts';

/*
 * A lock between processes of one machine: a file that names its owner. It holds as long as the owner lives; a lock whose
 * owner is gone is taken over. Guarantee: two live processes never hold the same lock, unless one of them is stopped for
 * longer than GUARD_STALE_MS within the few file operations of a take-over. Not for network file systems.
 */

interface Owner {
  readonly pid: number;
  /** When the process was born, as the kernel counts: tells a process from a later one with the same number. */
  readonly born: string;
  readonly token: string;
}

export interface LockOptions {
  /** How often to look again, in milliseconds. */
  readonly pollMs?: number;
  /** After how long of waiting to give up, in milliseconds. */
  readonly timeoutMs?: number;
  /** How often to say that one waits, in milliseconds. */
  readonly sayEveryMs?: number;
}

const GUARD_STALE_MS = 10_000;

/** Runs `work` while no other live process runs work under the same lock file. Not re-entrant. */
export async function withLock<T>(
  file: string,
  say: Say,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const me: Owner = { pid: process.pid, born: await birthOf(process.pid), token: randomUUID() };
  await acquire(file, me, say, options);
  try {
    return await work();
  } finally {
    if ((await read(file))?.token === me.token) await rm(file, { force: true });
  }
}

async function acquire(file: string, me: Owner, say: Say, options: LockOptions): Promise<void> {
  const { pollMs = 250, timeoutMs = 45 * 60_000, sayEveryMs = 15_000 } = options;
  const started = performance.now();
  let saidAt = started;
  while (!(await tryCreate(file, me))) {
    const owner = await read(file);
    if (owner !== undefined && !(await isAlive(owner))) {
      if (await removeStale(file, owner)) say(`took over a lock left behind by process ${owner.pid}: ${file}`);
      continue;
    }
    const now = performance.now();
    const waited = Math.round((now - started) / 1000);
    const holder = owner === undefined ? 'another process' : `process ${owner.pid}`;
    if (now - started > timeoutMs) throw new Error(`${holder} has held ${file} for more than ${waited} s; gave up`);
    if (now - saidAt >= sayEveryMs) {
      say(`waiting for ${holder}, which prepares the same part (${waited} s)`);
      saidAt = now;
    }
    await delay(pollMs);
  }
}

/** A hard link makes the lock appear together with its content, or not at all. */
async function tryCreate(file: string, me: Owner): Promise<boolean> {
  const draft = `${file}.${me.token}`;
  await writeFile(draft, JSON.stringify(me), { mode: 0o600 });
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * Removes the lock if it still is the stale one that was read. Everybody who removes does so inside a guard, so that
 * nobody removes the fresh lock of whoever was quicker.
 */
async function removeStale(file: string, stale: Owner): Promise<boolean> {
  const guard = `${file}.takeover`;
  try {
    await mkdir(guard);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    const age = await stat(guard).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    if (age > GUARD_STALE_MS) await rmdir(guard).catch(() => undefined);
    await delay(20);
    return false;
  }
  try {
    if ((await read(file))?.token !== stale.token) return false;
    await rm(file, { force: true });
    return true;
  } finally {
    await rmdir(guard).catch(() => undefined);
  }
}

async function read(file: string): Promise<Owner | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const { pid, born, token } = JSON.parse(text) as Partial<Owner>;
    if (typeof pid === 'number' && typeof born === 'string' && typeof token === 'string') return { pid, born, token };
  } catch (error) {
    throw new Error(`${file} is not a lock of ours; remove it by hand`, { cause: error });
  }
  throw new Error(`${file} is not a lock of ours; remove it by hand`);
}

async function isAlive(owner: Owner): Promise<boolean> {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return isCode(error, 'EPERM');
  }
  return (await birthOf(owner.pid)) === owner.born;
}

/** Field 22 of /proc/PID/stat; empty where there is no /proc. */
export async function birthOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/**
 * Keeps a second process out of a state directory. Each process puts down a file of a name that is never used again
 * (boot, process, birth), then looks at the others': whoever sees a live one withdraws. Only files of dead processes are
 * ever removed, so a takeover cannot remove a live lock; two that start in the same instant may both withdraw. A file
 * appears whole: a process that dies over it keeps nobody out.
 *
 * A process of this machine and process namespace is dead when it is gone or was born at another time. Others (another
 * container or host on the same volume) count as alive for 20 s after the last sign of life, given every 5 s.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ReplicationError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';

const PREFIX = 'lock.';
/** Of files that are not whole yet. */
const UNFINISHED = 'unfinished-';
const SIGN_OF_LIFE_MS = 5_000;
const SILENCE_MS = 20_000;

interface Holder {
  readonly pid: number;
  /** Kernel time of the process's start; empty where the system does not tell. */
  readonly birth: string;
  /** Boot and process namespace, within which pids mean something. */
  readonly realm: string;
}

export interface StateLock {
  release(): Promise<void>;
}

/**
 * Takes the lock, waiting at most 20 s for one whose holder cannot be looked at. Fails with spec error `StateLocked`
 * naming the holder.
 */
export async function lockState(directory: string, clock: Clock, signal: AbortSignal): Promise<StateLock> {
  const own = holderOf(process.pid);
  const name = `${PREFIX}${own.pid}.${own.birth || 'x'}.${randomBytes(4).toString('hex')}`;
  const path = join(directory, name);
  await putDown(directory, name, own);
  try {
    const deadline = clock.monotonic() + SILENCE_MS + SIGN_OF_LIFE_MS;
    for (;;) {
      const other = await liveOther(directory, name, own, clock);
      if (other === undefined) break;
      if (other.realm === own.realm || clock.monotonic() > deadline) throw locked(directory, other);
      await clock.sleep(1_000, signal);
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  const timer = setInterval(() => void signOfLife(path, clock), SIGN_OF_LIFE_MS);
  timer.unref();
  return {
    release: async () => {
      clearInterval(timer);
      await rm(path, { force: true });
    },
  };
}

async function putDown(directory: string, name: string, own: Holder): Promise<void> {
  const unfinished = join(directory, `${UNFINISHED}${name}`);
  try {
    await writeFile(unfinished, JSON.stringify(own), { mode: 0o600, flag: 'wx' });
    await rename(unfinished, join(directory, name));
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function liveOther(directory: string, name: string, own: Holder, clock: Clock): Promise<Holder | undefined> {
  for (const entry of await readdir(directory)) {
    const path = join(directory, entry);
    if (entry.startsWith(UNFINISHED) && !(await isFresh(path, clock))) await rm(path, { force: true });
    if (!entry.startsWith(PREFIX) || entry === name) continue;
    const holder = await readHolder(path);
    if (await isAlive(path, holder, own, clock)) return holder ?? { pid: 0, birth: '', realm: own.realm };
    await rm(path, { force: true });
  }
  return undefined;
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch {
    // Gone meanwhile, or written by nobody of us: judged by its age alone.
    return undefined;
  }
}

async function isAlive(path: string, holder: Holder | undefined, own: Holder, clock: Clock): Promise<boolean> {
  return holder?.realm === own.realm ? isRunning(holder) : await isFresh(path, clock);
}

async function isFresh(path: string, clock: Clock): Promise<boolean> {
  try {
    return clock.now() - (await stat(path)).mtimeMs < SILENCE_MS;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function isRunning(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return birthOf(holder.pid) === holder.birth;
}

function holderOf(pid: number): Holder {
  const realm = `${textOf('/proc/sys/kernel/random/boot_id')} ${linkOf('/proc/self/ns/pid')}`;
  return { pid, birth: birthOf(pid), realm };
}

/** Field 22 of /proc/<pid>/stat (proc(5)); the second field, a name in parentheses, may hold anything. */
function birthOf(pid: number): string {
  const text = textOf(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // No such file on this system, or the process is gone: unknown.
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // No process namespaces on this system.
    return '';
  }
}

async function signOfLife(path: string, clock: Clock): Promise<void> {
  const now = new Date(clock.now());
  // A failure only lets the file age: then others may take the lock, as they should when the disk is gone.
  await utimes(path, now, now).catch(() => {});
}

function locked(directory: string, holder: Holder): ReplicationError {
  const who = holder.pid === 0 ? 'another process' : `process ${holder.pid}`;
  return new ReplicationError(
    'spec',
    'StateLocked',
    `the state directory ${directory} is in use by ${who}: stop it, or give this one a directory of its own`,
  );
}

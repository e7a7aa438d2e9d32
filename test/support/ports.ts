import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * Ports for programs that cannot be told to choose one themselves. Test files run side by side, so a port that is free now
 * is reserved by a file that says whose it is, until that process ends; below those that systems give to anybody who asks.
 */

const FIRST = 20_000;
const COUNT = 10_000;
const DIRECTORY = join(tmpdir(), 'bkrepo-replicator-ports');
const reserved = new Set<string>();

/** A port of 127.0.0.1 that is free, and that no other process gets from here while this one lives. */
export async function freePort(): Promise<number> {
  mkdirSync(DIRECTORY, { recursive: true });
  const start = Math.floor(Math.random() * COUNT);
  for (let step = 0; step < COUNT; step += 1) {
    const port = FIRST + ((start + step) % COUNT);
    if (reserve(join(DIRECTORY, String(port))) && (await isFree(port))) return port;
  }
  throw new Error(`no port from ${FIRST} to ${FIRST + COUNT - 1} is free`);
}

function reserve(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch {
    if (isAlive(ownerOf(file))) return false;
    // Whoever left it is gone; of two that clear it away at once, one gets it.
    rmSync(file, { force: true });
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
    } catch {
      return false;
    }
  }
  if (reserved.size === 0) process.once('exit', release);
  reserved.add(file);
  return true;
}

function ownerOf(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

/** What cannot be read yet is being written. */
function isAlive(pid: number): boolean {
  if (pid === 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function release(): void {
  for (const file of reserved) rmSync(file, { force: true });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The variable that holds the directory for temporary ones, where it is not the system's. */
export const TEMP_DIRECTORY = 'TEST_TEMP_DIRECTORY';

const SHARED_MEMORY = '/dev/shm';
const TMPFS = 0x01021994;
const GIB = 1024 ** 3;
/** What a run of all tests may have in its directories at a time, with room to spare. */
const ROOM = 6 * GIB;

/**
 * A fresh directory in memory, or undefined where there is no such room. Most of what tests wait for on a disk is that it
 * has really written: hundreds of databases and stores are made and thrown away. No test pulls the plug of the machine.
 */
export async function makeMemoryDir(): Promise<string | undefined> {
  const memory = await statfs(SHARED_MEMORY).catch(() => undefined);
  if (memory?.type !== TMPFS || memory.bavail * memory.bsize < ROOM || process.availableMemory() < 2 * ROOM)
    return undefined;
  return mkdtemp(join(SHARED_MEMORY, 'bkrepo-replicator-')).catch(() => undefined);
}

/** A fresh directory below the system's temporary directory, or below that of this run of the tests. */
export async function makeTempDir(label: string): Promise<string> {
  return mkdtemp(join(process.env[TEMP_DIRECTORY] ?? tmpdir(), `bkrepo-replicator-${label}-`));
}

/** Removes a directory with everything in it; a directory that is gone already is fine. */
export async function removeDir(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** Something that runs a function when the test (or suite) is over: `TestContext` and `node:test` itself both are. */
export interface AfterHook {
  after(fn: () => Promise<void>): void;
}

/** A fresh directory that is removed when the test is over. */
export async function tempDirFor(test: AfterHook, label: string): Promise<string> {
  const directory = await makeTempDir(label);
  test.after(() => removeDir(directory));
  return directory;
}

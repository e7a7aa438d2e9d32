import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh directory below the system's temporary directory. */
export async function makeTempDir(label: string): Promise<string> {
  return mkdtemp(join(tmpdir(), `bkrepo-replicator-${label}-`));
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

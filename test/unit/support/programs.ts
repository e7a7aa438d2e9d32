import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** An executable that prints one line whatever it is asked; answers its path. */
export async function program(directory: string, name: string, prints: string): Promise<string> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, name);
  await writeFile(path, `#!/bin/sh\necho '${prints}'\n`, { mode: 0o755 });
  return path;
}

import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface Making {
  /** The directory is there; fails when it cannot be made. */
  readonly made: Promise<unknown>;
  /** Its name, and the names of those above it, are on the disk. */
  readonly durable: Promise<unknown>;
}

/**
 * Makes directories below a root, each name synced once, by whoever makes it. Who comes while that is still going on waits
 * for the same sync: nobody relies on a name that a power failure could take away.
 */
export class DurableDirectories {
  readonly #root: string;
  /** Only those that are being made. */
  readonly #making = new Map<string, Making>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Both promises must be awaited together. */
  make(path: string): Making {
    if (path === this.#root) return { made: Promise.resolve(), durable: Promise.resolve() };
    const running = this.#making.get(path);
    if (running !== undefined) return running;
    const parent = dirname(path);
    const above = this.make(parent);
    const made = above.made.then(() => mkdir(path, { recursive: true }));
    const synced = made.then(async (first) => {
      if (first !== undefined) await syncDirectory(parent);
    });
    const durable = Promise.all([above.durable, synced]).finally(() => this.#making.delete(path));
    const making = { made, durable };
    this.#making.set(path, making);
    return making;
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

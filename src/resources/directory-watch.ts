/**
 * Wakes when something below the watched directories may have changed. Only a hint: the system drops and merges
 * notifications, and some file systems send none, so the caller looks by itself every so often as well.
 */
import { type FSWatcher, watch } from 'node:fs';

import type { Logger } from '../telemetry/logger.ts';

/** Kernel watches are scarce; beyond this many directories the regular look must do. */
const MAX_WATCHED = 256;

export class DirectoryWatch {
  readonly #logger: Logger;
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #complained = false;

  constructor(logger: Logger, onChange: () => void) {
    this.#logger = logger;
    this.#onChange = onChange;
  }

  /** Watches exactly these directories from now on. */
  set(directories: readonly string[]): void {
    const wanted = new Set(directories.slice(0, MAX_WATCHED));
    for (const [directory, watcher] of this.#watchers)
      if (!wanted.has(directory)) {
        watcher.close();
        this.#watchers.delete(directory);
      }
    for (const directory of wanted) if (!this.#watchers.has(directory)) this.#add(directory);
  }

  close(): void {
    this.set([]);
  }

  #add(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#onChange());
      watcher.on('error', (error) => {
        watcher.close();
        this.#watchers.delete(directory);
        this.#complain(directory, error);
      });
      this.#watchers.set(directory, watcher);
    } catch (error) {
      this.#complain(directory, error);
    }
  }

  #complain(directory: string, error: unknown): void {
    if (this.#complained) return;
    this.#complained = true;
    this.#logger.warn('a directory cannot be watched; changes are seen at the regular look', { directory, error });
  }
}

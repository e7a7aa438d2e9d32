/** How many files may be deleted before somebody is asked (design §6). Pure. */

export interface DeleteProtection {
  /** Percent of the files that the task owns at a far side. */
  readonly percent: number;
  /** Files that may go in any case. */
  readonly files: number;
}

/** Deletions are counted over this time. Milliseconds. */
export const DELETE_WINDOW_MS = 600_000;

/** Most files that may go within the window, of so many owned at its beginning. */
export function allowedDeletes({ percent, files }: DeleteProtection, owned: number): number {
  return Math.max(files, Math.floor((owned * percent) / 100));
}

/** Deletions of one far side, as they were done. */
export class DeleteWindow {
  readonly #done: { readonly at: number; files: number }[] = [];

  /** Monotonic milliseconds. Those of one second are kept together. */
  add(at: number, files: number): void {
    const last = this.#done.at(-1);
    if (last !== undefined && at - last.at < 1_000) last.files += files;
    else if (files > 0) this.#done.push({ at, files });
  }

  /** Files deleted within the window that ends now. */
  recent(now: number): number {
    while ((this.#done[0]?.at ?? now) <= now - DELETE_WINDOW_MS) this.#done.shift();
    return this.#done.reduce((sum, { files }) => sum + files, 0);
  }

  /** Begins anew. */
  clear(): void {
    this.#done.length = 0;
  }
}

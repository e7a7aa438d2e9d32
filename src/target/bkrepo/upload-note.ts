import type { UploadMemory, UploadSession } from '../../engine/ports/target.ts';
import type { Clock } from '../../lib/clock.ts';

/** How far a note may lag behind: by so many bytes, or so many milliseconds, whichever comes first. */
export const NOTE_EVERY_BYTES = 64 * 1024 * 1024;
const NOTE_EVERY_MS = 2_000;

/**
 * What is remembered of one upload, written no more often than needed: whoever goes on with it finds by asking what came
 * after the last note. Nothing is written under an aborted signal, and nothing has to be: the note lags behind then as
 * it does after a crash.
 */
export class UploadNote {
  readonly #memory: UploadMemory | undefined;
  readonly #clock: Clock;
  #noted: UploadSession | undefined;
  #notedAt = 0;

  /** Without a memory nothing is remembered. */
  constructor(memory: UploadMemory | undefined, clock: Clock) {
    this.#memory = memory;
    this.#clock = clock;
  }

  async load(signal: AbortSignal): Promise<UploadSession | undefined> {
    this.#noted = await this.#memory?.load(signal);
    return this.#noted;
  }

  async write(session: UploadSession, signal: AbortSignal): Promise<void> {
    if (signal.aborted || (this.#noted !== undefined && isSame(session, this.#noted))) return;
    await this.#memory?.save(session, signal);
    this.#noted = session;
    this.#notedAt = this.#clock.monotonic();
  }

  /** Writes when the last note has become too old. */
  async follow(session: UploadSession, signal: AbortSignal): Promise<void> {
    const bytes = session.acknowledged - (this.#noted?.acknowledged ?? 0);
    if (bytes >= NOTE_EVERY_BYTES || this.#clock.monotonic() - this.#notedAt >= NOTE_EVERY_MS)
      await this.write(session, signal);
  }

  async forget(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#noted === undefined) return;
    await this.#memory?.forget(signal);
    this.#noted = undefined;
  }
}

function isSame(one: UploadSession, other: UploadSession): boolean {
  return one.id === other.id && one.acknowledged === other.acknowledged && one.setbacks === other.setbacks;
}

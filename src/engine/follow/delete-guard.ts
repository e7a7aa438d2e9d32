/**
 * How much may be deleted at one far side before a person is asked (design §6), and what is held until then. Guarantees:
 * what was held by an earlier process stays held and told; it is over when a person agrees, or when nothing of it is gone
 * from the source any more.
 */
import { allowedDeletes, type DeleteProtection, DeleteWindow } from '../../domain/follow/delete-cap.ts';
import type { Clock } from '../../lib/clock.ts';
import type { FollowJournal } from '../ports/follow-journal.ts';
import type { FarSideDesk } from './far-side-desk.ts';

export interface DeleteGuardOptions {
  readonly protection: DeleteProtection;
  readonly journal: Pick<FollowJournal, 'countOwned'>;
  readonly desk: FarSideDesk;
  readonly clock: Clock;
}

export class DeleteGuard {
  readonly #options: DeleteGuardOptions;
  readonly #window = new DeleteWindow();
  /** Names of what is held, with what found them: several changes may tell of the same file. */
  readonly #held = new Map<string, string>();
  /** How many more a person has agreed to. */
  #approved = 0;

  constructor(options: DeleteGuardOptions) {
    this.#options = options;
  }

  /** A person has agreed to what is held. */
  approve(): void {
    this.#approved = this.#options.desk.held?.files ?? 0;
    this.#held.clear();
    this.#window.clear();
  }

  /** All that was held was looked at again: what comes from now on is judged anew. */
  async settle(signal: AbortSignal): Promise<void> {
    const { desk } = this.#options;
    this.#approved = 0;
    if (desk.state.heldSince !== undefined && this.#held.size === 0) await desk.forgetHeld(signal);
  }

  /** How many may go now. */
  async room(signal: AbortSignal): Promise<number> {
    const { desk, clock } = this.#options;
    if (desk.state.heldSince !== undefined) return 0;
    const { allowed } = await this.#cap(signal);
    return this.#approved + Math.max(0, allowed - this.#window.recent(clock.monotonic()));
  }

  deleted(): void {
    if (this.#approved > 0) this.#approved -= 1;
    else this.#window.add(this.#options.clock.monotonic(), 1);
  }

  async hold(names: AsyncIterable<readonly string[]>, by: string, signal: AbortSignal): Promise<void> {
    const { desk, clock } = this.#options;
    for await (const page of names) for (const name of page) this.#held.set(name, by);
    const held = { files: this.#held.size, ...(await this.#cap(signal)) };
    await desk.save({ heldSince: desk.state.heldSince ?? new Date(clock.now()), held }, signal);
  }

  /** What was found so is looked at again. */
  letGoOf(by: string): void {
    for (const [name, other] of this.#held) if (other === by) this.#held.delete(name);
  }

  /** They are looked at again, or are there. */
  letGo(names: Iterable<string>): void {
    if (this.#held.size > 0) for (const name of names) this.#held.delete(name);
  }

  async #cap(signal: AbortSignal): Promise<{ readonly owned: number; readonly allowed: number }> {
    const { journal, protection, desk, clock } = this.#options;
    const owned = await journal.countOwned(desk.id, signal);
    return { owned, allowed: allowedDeletes(protection, owned + this.#window.recent(clock.monotonic())) };
  }
}

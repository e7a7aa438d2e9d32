/**
 * What is known of one far side while it is followed. Guarantees: its state in the journal is written by one hand, one
 * write after the other; a cursor is never written lower than it was.
 */
import type { FarSideState, FollowJournal } from '../ports/follow-journal.ts';
import type { FarSideOutcome, FarSideProgress, RunFarSide } from '../run-types.ts';
import type { HeldDeletes } from './types.ts';

export class FarSideDesk {
  readonly farSide: RunFarSide;
  readonly #journal: Pick<FollowJournal, 'saveFarSide'>;
  /** What this follower's compares count for. */
  readonly #comparedAs: string;
  #state: FarSideState;
  #writing: Promise<void> = Promise.resolve();
  /** What keeps its converger from getting on. */
  trouble: { readonly reason: string; readonly message: string } | undefined;
  compare: (FarSideProgress & { readonly trigger: 'backfill' | 'resync' }) | undefined;
  lastCompare: FarSideOutcome | undefined;

  constructor(farSide: RunFarSide, specHash: string, journal: Pick<FollowJournal, 'saveFarSide' | 'state'>) {
    this.farSide = farSide;
    // Under the same name there may be another server.
    this.#comparedAs = `${specHash} ${farSide.target.origin}`;
    this.#journal = journal;
    const clusterId = farSide.target.id;
    const known = journal.state.farSides.find((side) => side.clusterId === clusterId);
    // A far side that is new has nothing before its first compare to catch up with.
    this.#state = known ?? { clusterId, cursor: journal.state.lastSeq };
  }

  get id(): string {
    return this.#state.clusterId;
  }

  get name(): string {
    return this.farSide.target.name;
  }

  /** Told also after a restart. */
  get held(): HeldDeletes | undefined {
    return this.#state.held;
  }

  get state(): FarSideState {
    return this.#state;
  }

  /** When everything was compared last, by this spec and with this server. */
  get comparedAt(): Date | undefined {
    const { compared } = this.#state;
    return compared?.specHash === this.#comparedAs ? compared.at : undefined;
  }

  async saveCompare(at: Date, signal: AbortSignal): Promise<void> {
    await this.save({ compared: { specHash: this.#comparedAs, at } }, signal);
  }

  async save(change: Partial<Omit<FarSideState, 'clusterId'>>, signal: AbortSignal): Promise<void> {
    this.#state = { ...this.#state, ...change };
    const previous = this.#writing;
    this.#writing = (async () => {
      await previous.catch(() => undefined);
      await this.#journal.saveFarSide(this.#state, signal);
    })();
    await this.#writing;
  }

  /** Nobody knows any more whether it is equal. */
  async forgetCompare(signal: AbortSignal): Promise<void> {
    const { compared: _, ...rest } = this.#state;
    this.#state = rest;
    await this.save({}, signal);
  }

  async forgetHeld(signal: AbortSignal): Promise<void> {
    const { heldSince: _since, held: _held, ...rest } = this.#state;
    this.#state = rest;
    await this.save({}, signal);
  }
}

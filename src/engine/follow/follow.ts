/**
 * Follows the source for one task: reads a feed of changes, keeps every far side equal to the source's present state, and
 * closes what the feed leaves out by comparing. Guarantees: a change that the source's feed tells of is at each far side,
 * or waits in the journal for it, whatever is restarted or lost; far sides do not wait for each other. Ends by `drain`
 * (with its reason, after what is under way has come to a safe point), by `signal`, or when the journal is lost.
 */
import { settledAll } from '../../lib/settled-all.ts';
import type { RunFarSide } from '../run-types.ts';
import { Comparer, type Side } from './comparer.ts';
import { Converger } from './converger.ts';
import { FarSideDesk } from './far-side-desk.ts';
import { Intake } from './intake.ts';
import { Marker } from './marker.ts';
import { preparedTarget } from './prepared-target.ts';
import type { FarSideReport, FollowDeps, FollowPlan, FollowReport } from './types.ts';

/** Between two reports, and two looks at what all far sides are past. Milliseconds. */
const REPORT_MS = 500;

export async function follow(
  plan: FollowPlan,
  farSides: readonly RunFarSide[],
  deps: FollowDeps,
  signal: AbortSignal,
): Promise<never> {
  const failure = new AbortController();
  const end = AbortSignal.any([signal, failure.signal]);
  const soft = AbortSignal.any([end, deps.drain]);
  await forgetOthers(farSides, deps, signal);
  const follower = new Follower(plan, farSides, deps);
  const parts = follower.parts(end, soft).map(async (part) => {
    try {
      await part;
    } catch (error) {
      if (!soft.aborted) failure.abort(error);
      throw error;
    }
  });
  const settled = await Promise.allSettled(parts);
  signal.throwIfAborted();
  failure.signal.throwIfAborted();
  deps.drain.throwIfAborted();
  throw settled.find((part) => part.status === 'rejected')?.reason;
}

/** Marks are forgotten without them from now on: one that comes back is compared anew, also by a spec that it knew. */
async function forgetOthers(
  farSides: readonly RunFarSide[],
  { journal }: Pick<FollowDeps, 'journal'>,
  signal: AbortSignal,
): Promise<void> {
  for (const { compared, ...rest } of journal.state.farSides) {
    const isFollowed = farSides.some(({ target }) => target.id === rest.clusterId);
    if (!isFollowed && compared !== undefined) await journal.saveFarSide(rest, signal);
  }
}

class Follower {
  readonly #deps: FollowDeps;
  readonly #sides: readonly Side[];
  readonly #intake: Intake;
  readonly #comparer: Comparer;
  #forgotten: number;

  constructor(plan: FollowPlan, farSides: readonly RunFarSide[], deps: FollowDeps) {
    this.#deps = deps;
    const { journal } = deps;
    const marker = new Marker(journal);
    const desks = farSides.map((farSide) => {
      const target = preparedTarget(farSide.target, deps.clock);
      return new FarSideDesk({ ...farSide, target, trust: { smallBlobsProved: 0 } }, plan.specHash, journal);
    });
    this.#sides = desks.map((desk) => ({ desk, converger: new Converger({ plan, desk, marker, deps }) }));
    this.#intake = new Intake({ plan, desks, marker, deps, onGap: () => this.#comparer.awaken() });
    this.#comparer = new Comparer({ plan, sides: this.#sides, intake: this.#intake, deps });
    this.#forgotten = 0;
  }

  /** `soft` ends what only waits, `end` also what is under way. */
  parts(end: AbortSignal, soft: AbortSignal): readonly Promise<void>[] {
    return [
      this.#intake.run(soft),
      this.#comparer.run(end, soft),
      ...this.#sides.map(({ converger }) => converger.run(end, soft)),
      this.#obey(soft),
      this.#tell(soft),
    ];
  }

  async #obey(signal: AbortSignal): Promise<never> {
    const { orders } = this.#deps;
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    for (;;) {
      signal.throwIfAborted();
      if (orders.take('compare')) this.#comparer.order();
      const retry = orders.take('retry');
      const approved = orders.take('approve-deletes');
      if (retry || approved) await settledAll(this.#sides.map(({ converger }) => converger.tryAgain(approved, signal)));
      await Promise.race([orders.next(), aborted]);
    }
  }

  async #tell(signal: AbortSignal): Promise<never> {
    const { onReport, clock } = this.#deps;
    for (;;) {
      onReport(this.#report());
      await this.#forget(signal);
      await clock.sleep(REPORT_MS, signal);
    }
  }

  /** Marks that every far side is past. */
  async #forget(signal: AbortSignal): Promise<void> {
    const past = Math.min(...this.#sides.map(({ desk }) => desk.state.cursor));
    if (past <= this.#forgotten) return;
    await this.#deps.journal.forgetMarks(past, signal);
    this.#forgotten = past;
  }

  #report(): FollowReport {
    const { report: feed, trouble } = this.#intake;
    return {
      ...(feed === undefined ? {} : { feed }),
      ...(trouble === undefined ? {} : { feedTrouble: trouble }),
      farSides: this.#sides.map((side) => this.#farSide(side)),
    };
  }

  #farSide({ desk, converger }: Side): FarSideReport {
    const { comparedAt } = desk;
    const { oldest } = converger;
    const lagMs = oldest === undefined ? 0 : Math.max(0, this.#deps.clock.now() - oldest);
    return {
      clusterId: desk.id,
      clusterName: desk.name,
      pending: converger.pending,
      retrying: converger.retrying,
      ...(comparedAt === undefined ? {} : { comparedAt, lagMs }),
      ...(desk.compare === undefined ? {} : { compare: desk.compare }),
      ...(desk.lastCompare === undefined ? {} : { lastCompare: desk.lastCompare }),
      ...(desk.held === undefined ? {} : { held: desk.held }),
      ...(desk.trouble === undefined ? {} : { trouble: desk.trouble }),
    };
  }
}

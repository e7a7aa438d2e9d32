/**
 * Reads committed units back before they count (design §3, commit): real servers answer 200 for a create that did
 * nothing, and the source may have changed meanwhile. Guarantees: a unit is recorded as SUCCESS only after the far side
 * showed its digest, size and metadata, and only while the source still says the same; otherwise it is begun again.
 */
import { judge, travellingMetadata } from '../../domain/compare.ts';
import { classify, ReplicationError } from '../../domain/errors.ts';
import { settledAll } from '../../lib/settled-all.ts';
import type { Committed, ObjectContext, Unit } from '../context.ts';
import { finish } from '../finish-unit.ts';
import { keysOf } from '../node-writing.ts';
import { adopts, follows, goneMeanwhile, stateOf } from '../ownership.ts';
import type { OwnedNode, ProofMethod } from '../ports/journal.ts';
import type { SourceNode } from '../ports/source.ts';
import type { TargetNode } from '../ports/target.ts';
import { confirmStored } from '../storage-check.ts';
import { fastFail } from '../unit-errors.ts';
import { fail } from './unit-worker.ts';

interface Proof {
  readonly sha256: string;
  readonly method: ProofMethod;
}

/** Both sides at the moment of reading back. */
interface Sight {
  /** Files whose blob turned out not to be stored. */
  readonly lost: ReadonlyMap<Committed, ReplicationError>;
  readonly far: ReadonlyMap<string, TargetNode>;
  readonly present: ReadonlyMap<string, SourceNode>;
}

/** Milliseconds after which committed units are read back although they are few: progress is seen, and a crash costs little. */
export const LONGEST_UNSETTLED = 2_000;
/** Times a unit may be begun again before it fails. */
const MOST_REDONE = 3;

export class Settler {
  readonly #context: ObjectContext;
  readonly #redo: (unit: Unit) => void;
  readonly #pending: Committed[] = [];
  readonly #proofs: Proof[] = [];
  /** Files whose ownership is to be put down. */
  readonly #owned: OwnedNode[] = [];
  #lastFlush: number;
  #flushing = false;

  constructor(context: ObjectContext, redo: (unit: Unit) => void) {
    this.#context = context;
    this.#redo = redo;
    this.#lastFlush = context.deps.clock.monotonic();
  }

  /** Enough is pending to be worth a flush. */
  get due(): boolean {
    const { limits, clock } = this.#context.deps;
    const most = Math.max(this.#pending.length, this.#proofs.length, this.#owned.length);
    if (most >= limits.settleSize) return true;
    return most > 0 && !this.#flushing && clock.monotonic() - this.#lastFlush >= LONGEST_UNSETTLED;
  }

  /** When what is pending has waited long enough, in monotonic milliseconds. */
  get dueAt(): number {
    return this.#lastFlush + LONGEST_UNSETTLED;
  }

  add(committed: Committed): void {
    this.#pending.push(committed);
  }

  /** A proof about a file that needed no commit. */
  addProof(sha256: string, method: ProofMethod): void {
    this.#proofs.push({ sha256, method });
  }

  /** A file that is at the far side as it should be, and that this run has not put there. */
  met({ node }: Pick<Unit, 'node'>): void {
    if (adopts(this.#context)) this.#owned.push({ fullPath: node.fullPath, file: stateOf(node) });
  }

  /** A file that this run meant to put there, and that somebody else has: put down at once, before it is meant anew. */
  notOurs({ node }: Pick<Unit, 'node'>, signal: AbortSignal): Promise<void> {
    const { fullPath, sha256: meant } = node;
    return this.#writeOwned([{ fullPath, keys: [], ...(follows(this.#context) ? { file: null, meant } : {}) }], signal);
  }

  /**
   * Settles what is pending now; what is added meanwhile waits for the next time. One at a time. What is pending stays so
   * when the far side or the source cannot be asked; what was looked at is recorded under `run`, also when the far side
   * is given up meanwhile.
   */
  async flush(signal: AbortSignal, run: AbortSignal): Promise<void> {
    this.#lastFlush = this.#context.deps.clock.monotonic();
    this.#flushing = true;
    try {
      await this.#writeProofs(this.#proofs.splice(0), run);
      await this.#writeOwned(this.#owned.splice(0), run);
      for (let left = this.#pending.length; left > 0; ) {
        const batch = this.#pending.splice(0, Math.min(left, this.#context.deps.limits.settleSize));
        left -= batch.length;
        await this.#settle(batch, await this.#look(batch, signal), run);
      }
      await this.#context.recorder.flush(run);
    } finally {
      this.#flushing = false;
    }
  }

  /** Units that were committed and can no longer be read back. */
  abandon(): readonly Committed[] {
    return this.#pending.splice(0);
  }

  async #look(batch: readonly Committed[], signal: AbortSignal): Promise<Sight> {
    const { link, reader, repository, target } = this.#context;
    const paths = batch.map(({ unit }) => unit.node.fullPath);
    try {
      return {
        lost: await this.#lost(batch, signal),
        far: await link.call((t) => t.findNodes(target, paths, signal), signal),
        present: await reader.findNodes(repository, paths, signal),
      };
    } catch (error) {
      this.#pending.unshift(...batch);
      throw error;
    }
  }

  /** Blobs that were sent, once more, when the task says so. */
  async #lost(batch: readonly Committed[], signal: AbortSignal): Promise<Sight['lost']> {
    const lost = new Map<Committed, ReplicationError>();
    const check = async (item: Committed): Promise<void> => {
      try {
        await confirmStored(this.#context, [item.unit.node], signal);
      } catch (cause) {
        const error = classify(cause);
        if (error.errorClass !== 'unit') throw cause;
        lost.set(item, error);
      }
    };
    await settledAll(batch.filter(({ pushed }) => pushed).map(check));
    return lost;
  }

  async #settle(batch: readonly Committed[], { lost, far, present }: Sight, run: AbortSignal): Promise<void> {
    const settled: Committed[] = [];
    for (const item of batch) {
      const { fullPath } = item.unit.node;
      const error = lost.get(item);
      if (error !== undefined) {
        await this.#failed(item, error, run);
        continue;
      }
      const next = this.#nextState(item.unit, far.get(fullPath), present.get(fullPath));
      if (next === undefined) settled.push(item);
      else if (item.unit.redone < MOST_REDONE) this.#redo(next);
      else await this.#failed(item, this.#keepsChanging(fullPath), run);
    }
    await this.#remember(settled, run);
    const gone = settled.map(({ unit }) => unit.node).filter(({ fullPath }) => !present.has(fullPath));
    goneMeanwhile(this.#context, gone);
    for (const item of settled) await this.#record(item, run);
  }

  /** undefined = both sides agree; else the unit to begin again with. */
  #nextState(unit: Unit, far: TargetNode | undefined, present: SourceNode | undefined): Unit | undefined {
    const { node } = unit;
    const again = {
      startTime: unit.startTime,
      redone: unit.redone + 1,
      rebuilt: unit.rebuilt,
      recorded: unit.recorded,
      listed: unit.listed,
      ownDigest: far?.sha256 === node.sha256 ? node.sha256 : unit.ownDigest,
      ownKeys: [...new Set([...unit.ownKeys, ...keysOf(node)])],
    };
    if (present !== undefined && !unit.rebuilt && present.kind === 'file') {
      const wanted = {
        ...present,
        metadata: travellingMetadata(present.metadata, this.#context.setting.includeMetadata),
      };
      const changed = judge(wanted, { ...node, folder: false }, keysOf(node)) !== 'same';
      if (changed) return { ...again, node: wanted, listed: present };
    }
    return judge(node, far, []) === 'same' ? undefined : { ...again, node };
  }

  async #remember(settled: readonly Committed[], run: AbortSignal): Promise<void> {
    const proofs = settled.flatMap(({ unit, proof }) =>
      proof === undefined ? [] : [{ sha256: unit.node.sha256, method: proof }],
    );
    await this.#writeProofs(proofs, run);
    const owned = settled.flatMap(({ unit: { node }, ownedKeys: keys, isOurs }): OwnedNode[] => {
      // Once more: what somebody took for another's meanwhile, in this very process, is the task's.
      const file = adopts(this.#context) || (isOurs && follows(this.#context)) ? { file: stateOf(node) } : undefined;
      return keys === undefined && file === undefined
        ? []
        : [{ fullPath: node.fullPath, ...(keys && { keys }), ...file }];
    });
    await this.#writeOwned(owned, run);
  }

  async #writeOwned(owned: readonly OwnedNode[], run: AbortSignal): Promise<void> {
    const { link, target, deps } = this.#context;
    if (owned.length > 0) await deps.journal.writeOwnedKeys(link.id, target, owned, run);
  }

  async #writeProofs(proofs: readonly Proof[], run: AbortSignal): Promise<void> {
    const { link, target, deps } = this.#context;
    if (proofs.length > 0) await deps.journal.writeProofs(link.id, target.storageKey, proofs, run);
  }

  #record({ unit, bytesSent }: Committed, run: AbortSignal): Promise<void> {
    return finish(this.#context, unit, 'SUCCESS', bytesSent, run);
  }

  async #failed({ unit, bytesSent }: Committed, error: ReplicationError, run: AbortSignal): Promise<void> {
    await fail(this.#context, unit, run, error, bytesSent);
    if (this.#context.setting.errorStrategy === 'FAST_FAIL') this.#context.giveUp(fastFail(error, unit.node.fullPath));
  }

  #keepsChanging(fullPath: string): ReplicationError {
    const { name } = this.#context.link;
    const message = `far side ${name} accepted ${fullPath} ${MOST_REDONE + 1} times, but afterwards it was not what the source has`;
    return new ReplicationError('unit', 'NotAsCommitted', message);
  }
}

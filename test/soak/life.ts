/**
 * One life of the program from its start to its SIGKILL: when it ends, and what else goes wrong meanwhile: connections that
 * are reset, and a receiving side that is killed and comes back.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, SeenRequest } from '../support/fault-proxy.ts';
import type { Program } from '../support/program.ts';
import type { RemoteSide, Replication } from '../support/replication.ts';
import type { SeededRandom } from '../support/seed.ts';
import { type PlannedKill, planKill } from './kill-moments.ts';
import { isUpload, type UploadLedger, uploadOf } from './upload-ledger.ts';

/** Of each upload through a proxy, so that kills strike in the middle of large ones. */
const BYTES_PER_SECOND = 24 * 1024 * 1024;
const LATE = 'late';
/** A program that is not at work by then waits for something. */
const LONGEST_START_MS = 10_000;

export interface LifeOptions {
  readonly replication: Replication;
  readonly ledger: UploadLedger;
  readonly random: SeededRandom;
  /** Bytes of a large blob by its digest. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly hasEnded: () => Promise<boolean>;
}

export interface EndOfLife {
  /** When it was killed, in words. */
  readonly how: string;
  /** Name of the moment at which it was, if it was one. */
  readonly moment: string | undefined;
  readonly peerDied: boolean;
  readonly resets: number;
}

export class Life {
  readonly #options: LifeOptions;
  readonly #plan: PlannedKill;
  readonly #struck = Promise.withResolvers<string>();
  readonly #over = new AbortController();
  readonly #atWork = Promise.withResolvers<void>();
  #left: number;
  #resets = 0;
  #resetsWanted: number;

  constructor(options: LifeOptions) {
    this.#options = options;
    const { random } = options;
    this.#plan = planKill(random);
    this.#left = this.#plan.nth;
    this.#resetsWanted = random.below(3) === 0 ? 1 + random.below(4) : 0;
  }

  /** Answers when the program is dead, and the receiving sides are alive. */
  async endOf(program: Program): Promise<EndOfLife> {
    const { replication, random, ledger } = this.#options;
    for (const side of replication.farSides) {
      side.proxy.setFault((request) => this.#met(side, request));
      side.proxy.onAnswer((request) => this.#answered(request));
    }
    const victim = random.below(5) === 0 ? random.pick(replication.farSides) : undefined;
    const peer = victim === undefined ? undefined : this.#killPeer(victim, random.below(3_000), random.below(900));
    const how = await Promise.race([this.#struck.promise, this.#late(), this.#untilEnded(program)]);
    // After the request reached the far side, and perhaps its effect, but not the record of it; or after the record was
    // closed, but not yet the status.
    if (how !== LATE) await delay(this.#plan.moment === undefined ? random.below(40) : this.#plan.laterMs);
    await program.signal('SIGKILL');
    ledger.broke(ledger.underWay());
    this.#over.abort();
    const peerDied = (await peer) === true;
    for (const { proxy } of replication.farSides) proxy.onAnswer(undefined);
    return {
      how: how === LATE ? `after ${this.#plan.lifeMs} ms ${this.#plan.early ? 'from its start' : 'at work'}` : how,
      moment: how === this.#plan.moment?.name ? how : undefined,
      peerDied,
      resets: this.#resets,
    };
  }

  #met(side: RemoteSide, request: SeenRequest): Fault | undefined {
    const { moment, losesAnswer } = this.#plan;
    if (!request.url.includes('/ping') && !request.url.includes('/version')) this.#atWork.resolve();
    const { random, ledger } = this.#options;
    if (moment?.at === 'request' && moment.is(request) && this.#strikes(moment.name) && losesAnswer)
      return { kind: 'lose-answer' };
    if (this.#resetsWanted > 0 && random.below(40) === 0) {
      this.#resetsWanted -= 1;
      this.#resets += 1;
      const upload = isUpload(request) ? uploadOf(side.name, request) : undefined;
      if (upload !== undefined) ledger.broke([upload]);
      return { kind: 'reset', ...(random.below(2) === 0 ? {} : { afterBytes: random.below(4 * 1024 * 1024) }) };
    }
    return isUpload(request) ? { kind: 'slow', bytesPerSecond: BYTES_PER_SECOND } : undefined;
  }

  async #late(): Promise<string> {
    const { lifeMs, early } = this.#plan;
    const { signal } = this.#over;
    const cap = early ? 0 : LONGEST_START_MS;
    await Promise.race([this.#atWork.promise, delay(cap, undefined, { signal }).catch(() => undefined)]);
    return await delay(lifeMs, LATE, { signal }).catch(() => LATE);
  }

  #answered(request: SeenRequest): void {
    const { moment } = this.#plan;
    if (moment?.at === 'answer' && moment.is(request)) this.#strikes(moment.name);
  }

  #strikes(name: string): boolean {
    this.#left -= 1;
    if (this.#left === 0) this.#struck.resolve(name);
    return this.#left === 0;
  }

  async #killPeer(side: RemoteSide, afterMs: number, awayMs: number): Promise<boolean> {
    const { replication, ledger, sizes } = this.#options;
    const due = await delay(afterMs, true, { signal: this.#over.signal }).catch(() => false);
    if (!due) return false;
    await side.program.signal('SIGKILL');
    // Part of a chunk may have been kept: where that leaves the session is for the far side to say, and some cannot.
    for (const upload of ledger.underWay(side.name)) ledger.broke([upload], sizes.get(upload.split(' ')[1] ?? ''));
    await delay(awayMs);
    await replication.restartFarSide(side);
    return true;
  }

  async #untilEnded(program: Program): Promise<string> {
    while (!this.#over.signal.aborted) {
      if (!program.running) throw new Error(`the program ended by itself: ${program.output.slice(-3_000)}`);
      if (await this.#options.hasEnded()) return 'at the end of the run';
      await delay(20, undefined, { signal: this.#over.signal }).catch(() => undefined);
    }
    return LATE;
  }
}

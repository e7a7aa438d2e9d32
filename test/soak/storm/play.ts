/** Lets the actions of a storm happen one after another, and remembers what happened. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../../support/fault-proxy.ts';
import { type SeededRandom, seededRandom } from '../../support/seed.ts';
import { isUpload } from '../upload-ledger.ts';
import type { StormAction, StormPlan } from './plan.ts';
import type { StormSite } from './site.ts';

const BUSY = '{"code":250102,"message":"busy","data":null}';

export class StormPlay {
  /** In words, in their order. */
  readonly happened: string[] = [];
  kills = 0;
  edits = 0;
  readonly #site: StormSite;
  readonly #random: SeededRandom;
  readonly #began = performance.now();

  constructor(site: StormSite, { seed }: StormPlan) {
    this.#site = site;
    this.#random = seededRandom(seed + 1);
  }

  async play({ actions }: StormPlan): Promise<void> {
    for (const { afterMs, action } of actions) {
      await delay(afterMs);
      const { program } = this.#site.program;
      if (program?.running !== true)
        throw new Error(`the program ended by itself: ${program?.output.slice(-3_000) ?? ''}`);
      this.#tell(await this.#do(action));
    }
  }

  /** No more faults; everything is up. */
  calm(): void {
    for (const { proxy } of this.#site.replication.farSides) proxy.setFault(undefined);
  }

  async #do(action: StormAction): Promise<string> {
    const { replication, program } = this.#site;
    switch (action.kind) {
      case 'edit':
        this.edits += 1;
        return await this.#site.edit(action.task, action.edit, action.salt);
      case 'source':
        return await this.#site.changeSource(action.salt);
      case 'kill':
      case 'stop':
        this.kills += 1;
        await program.program?.signal(action.kind === 'kill' ? 'SIGKILL' : 'SIGTERM');
        await delay(action.awayMs);
        await program.start({ atOnce: true });
        return `${action.kind} of the program for ${action.awayMs} ms`;
      case 'kill-peer': {
        const side = replication.farSides[action.side];
        if (side === undefined) throw new RangeError(`no far side ${action.side}`);
        await side.program.signal('SIGKILL');
        await delay(action.awayMs);
        await replication.restartFarSide(side);
        return `SIGKILL of ${side.name} for ${action.awayMs} ms`;
      }
      case 'kill-database':
        await replication.mongod.kill('SIGKILL');
        await delay(action.awayMs);
        await replication.mongod.restart();
        return `SIGKILL of source and journal for ${action.awayMs} ms`;
      case 'line':
        return this.#disturb(action);
    }
  }

  #disturb({ side, fault, oneIn, forMs }: Extract<StormAction, { readonly kind: 'line' }>): string {
    const { name, proxy } = this.#site.replication.farSides[side] ?? {};
    const until = performance.now() + forMs;
    proxy?.setFault((request): Fault | undefined => {
      if (performance.now() > until || this.#random.below(oneIn) > 0) return undefined;
      if (fault === 'slow') return isUpload(request) ? { kind: 'slow', bytesPerSecond: 400_000 } : undefined;
      if (fault === 'reset') return { kind: 'reset', ...(isUpload(request) ? { afterBytes: 20_000 } : {}) };
      return {
        kind: 'answer',
        status: Number(fault),
        ...(fault === '500' ? { body: BUSY } : {}),
        ...(fault === '429' ? { headers: { 'retry-after': '1' } } : {}),
      };
    });
    return `${fault} at ${name}, one request in ${oneIn}, for ${forMs} ms`;
  }

  #tell(what: string): void {
    this.happened.push(`${Math.round(performance.now() - this.#began)} ms: ${what}`);
  }
}

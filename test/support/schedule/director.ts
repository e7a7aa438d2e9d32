/** Lets the planned strikes and changes happen while runs are under way, and remembers what happened. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, SeenRequest } from '../fault-proxy.ts';
import { changeSource } from './changes.ts';
import type { Expectations, ExpectedVersion } from './expectations.ts';
import { KINDS, type PlannedChange, type PlannedStrike, type SchedulePlan } from './plan.ts';
import type { Scene, SceneSide } from './scene.ts';

interface Counted {
  readonly planned: PlannedStrike;
  seen: number;
}

export class Director {
  /** In words, in their order. */
  readonly happened: string[] = [];
  readonly removed: ExpectedVersion[] = [];
  programDeaths = 0;
  peerDeaths = 0;
  strikes = 0;
  readonly #scene: Scene;
  readonly #expectations: Expectations;
  readonly #began = performance.now();
  #changesLeft: PlannedChange[];
  #requests = 0;
  /** Deaths and changes, one after another. */
  #work: Promise<void> = Promise.resolve();
  #failure: Error | undefined;

  constructor(scene: Scene, expectations: Expectations, plan: SchedulePlan) {
    this.#scene = scene;
    this.#expectations = expectations;
    this.#changesLeft = [...plan.changes];
    for (const [index, side] of scene.sides.entries()) {
      const mine = plan.strikes.filter(({ farSide }) => farSide === index).map((planned) => ({ planned, seen: 0 }));
      side.proxy.setFault((request) => this.#met(side, index, mine, request));
    }
  }

  /** No more faults; waits until what died is up again. Then nothing changes any more. */
  async end(): Promise<void> {
    for (const { proxy } of this.#scene.sides) proxy.setFault(undefined);
    for (const change of this.#changesLeft.splice(0)) this.#later(() => this.#change(change));
    await this.settled();
  }

  async settled(): Promise<void> {
    let known: Promise<void>;
    do {
      known = this.#work;
      await known;
    } while (known !== this.#work);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #met(side: SceneSide, index: number, mine: readonly Counted[], request: SeenRequest): Fault | undefined {
    if (index === 0) this.#countRequest();
    let fault: Fault | undefined;
    for (const counted of mine) {
      const { on, nth, times, strike } = counted.planned;
      if (!KINDS[on](request)) continue;
      counted.seen += 1;
      if (counted.seen < nth || counted.seen >= nth + times) continue;
      if (strike.kind === 'kill-program') this.#later(() => this.#killProgram(request));
      else if (strike.kind === 'kill-peer') this.#later(() => this.#killPeer(side, strike.awayMs, request));
      else if (fault === undefined) {
        fault = strike;
        this.strikes += 1;
        this.#tell(`${side.name} ${describe(strike)} at ${where(request)}`);
      }
    }
    return fault;
  }

  #countRequest(): void {
    this.#requests += 1;
    const due = this.#changesLeft.filter(({ nth }) => nth <= this.#requests);
    if (due.length === 0) return;
    this.#changesLeft = this.#changesLeft.filter(({ nth }) => nth > this.#requests);
    for (const change of due) this.#later(() => this.#change(change));
  }

  #later(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
    });
  }

  async #killProgram(request: SeenRequest): Promise<void> {
    this.#tell(`SIGKILL of the program at ${where(request)}`);
    await this.#scene.program.program?.signal('SIGKILL');
    this.programDeaths += 1;
    await this.#scene.program.start({ atOnce: true });
  }

  async #killPeer(side: SceneSide, awayMs: number, request: SeenRequest): Promise<void> {
    this.#tell(`SIGKILL of ${side.name} for ${awayMs} ms at ${where(request)}`);
    this.peerDeaths += 1;
    await this.#scene.killSide(side, awayMs, delay);
  }

  async #change(change: PlannedChange): Promise<void> {
    const changed = await changeSource(change, this.#scene.repositories, this.#expectations);
    if (changed === undefined) return;
    this.#tell(changed.what);
    if (changed.removed !== undefined) this.removed.push(changed.removed);
  }

  #tell(what: string): void {
    this.happened.push(`${Math.round(performance.now() - this.#began)} ms: ${what}`);
  }
}

function where({ method, url }: SeenRequest): string {
  return `${method} ${url.split('?')[0]?.slice(-60)}`;
}

function describe(fault: Fault): string {
  return Object.entries(fault)
    .filter(([field]) => field !== 'body' && field !== 'headers')
    .map(([, value]) => JSON.stringify(value))
    .join(' ');
}

import { type Pace, paceOf, type Sample, withSample } from '../../domain/progress.ts';
import type { FarSideProgress } from '../../engine/run-types.ts';
import { Alarm } from '../../lib/alarm.ts';
import type { Clock } from '../../lib/clock.ts';

export type SideProgress = FarSideProgress & Pace;

/** Far sides are looked at this often while a run is active. Milliseconds. */
const INTERVAL = 1_000;

/**
 * What a run's far sides tell, brought together: looked at every second from the first word of one of them to the end of
 * the run, so that a rate falls, too, when nothing more is told; reported only when something is new.
 */
export class RunProgress {
  readonly #clock: Clock;
  readonly #report: (sides: readonly SideProgress[]) => void;
  readonly #latest = new Map<string, FarSideProgress>();
  readonly #samples = new Map<string, readonly Sample[]>();
  readonly #alarm: Alarm;
  #begun = false;
  #reported = '';

  constructor(clock: Clock, report: (sides: readonly SideProgress[]) => void) {
    this.#clock = clock;
    this.#report = report;
    this.#alarm = new Alarm(clock, () => this.#look());
  }

  take(side: FarSideProgress): void {
    this.#latest.set(side.clusterId, side);
    if (this.#begun) return;
    this.#begun = true;
    this.#alarm.set(this.#clock.monotonic());
  }

  latest(clusterId: string): FarSideProgress | undefined {
    return this.#latest.get(clusterId);
  }

  end(): void {
    this.#alarm.clear();
  }

  #look(): void {
    const now = this.#clock.monotonic();
    this.#alarm.set(now + INTERVAL);
    const sides = [...this.#latest.values()].map((side): SideProgress => {
      const samples = withSample(this.#samples.get(side.clusterId) ?? [], now, side);
      this.#samples.set(side.clusterId, samples);
      return { ...side, ...paceOf(samples, side) };
    });
    const text = JSON.stringify(sides);
    if (text === this.#reported) return;
    this.#reported = text;
    this.#report(sides);
  }
}

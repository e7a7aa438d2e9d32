/**
 * How far a run is at one far side, told as it moves: when units were counted, when payload is on its way, when it is
 * known what there is to do. Guarantees: `done` never falls, a total is never less than what is done, and what moved is
 * told within {@link INTERVAL}, also when nothing moves afterwards; it is told no more often than that. No timer is left
 * behind after `end`.
 */
import { Alarm } from '../../lib/alarm.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SelectionCount } from '../ports/source.ts';
import type { FarSideProgress, Tally } from '../run-types.ts';
import { TallyCounter } from '../tally.ts';

/** Milliseconds between two tellings. */
const INTERVAL = 250;

export interface TellerOptions {
  readonly clusterId: string;
  readonly clusterName: string;
  readonly clock: Clock;
  /** What the source was found to hold; undefined = not known (yet). */
  readonly counted: () => SelectionCount | undefined;
  readonly tell: (progress: FarSideProgress) => void;
}

export class ProgressTeller {
  readonly #options: TellerOptions;
  readonly #alarm: Alarm;
  #tally: Tally = new TallyCounter().snapshot();
  #payloadBytes = 0;
  #foreseen: SelectionCount = { units: 0, bytes: 0 };
  #toldAt = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => this.#tell());
  }

  unitsCounted(tally: Tally): void {
    this.#tally = tally;
    this.moved();
  }

  /** Units were met that the count of the source has not, as files that belong to no version. */
  foresee(units: number, bytes: number): void {
    this.#foreseen = { units: this.#foreseen.units + units, bytes: this.#foreseen.bytes + bytes };
    this.moved();
  }

  /** Payload went on its way to the far side; told also for bytes that go once more. */
  payloadSent(bytes: number): void {
    this.#payloadBytes += bytes;
    this.moved();
  }

  moved(): void {
    if (this.#ended) return;
    const next = this.#toldAt + INTERVAL;
    if (this.#options.clock.monotonic() >= next) this.#tell();
    else this.#alarm.set(next);
  }

  /** Tells once more how far it came. */
  end(): void {
    if (this.#ended) return;
    this.#tell();
    this.#ended = true;
  }

  #tell(): void {
    const { clusterId, clusterName, clock, counted, tell } = this.#options;
    this.#alarm.clear();
    this.#toldAt = clock.monotonic();
    const tally = this.#tally;
    const total = sumOf(counted(), this.#foreseen, tally);
    const payloadBytes = this.#payloadBytes;
    tell({ clusterId, clusterName, tally, payloadBytes, ...(total === undefined ? {} : { total }) });
  }
}

function sumOf(
  counted: SelectionCount | undefined,
  foreseen: SelectionCount,
  tally: Tally,
): SelectionCount | undefined {
  if (counted === undefined) return undefined;
  const { success, unchanged, conflict, failed, notTried, totalBytes } = tally;
  const done = success + unchanged + conflict + failed + notTried;
  return {
    units: Math.max(counted.units + foreseen.units, done),
    bytes: Math.max(counted.bytes + foreseen.bytes, totalBytes),
  };
}

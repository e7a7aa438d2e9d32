import type { ObjectReference } from './object.ts';

export interface EventInput {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase and stable; at most 128 bytes, longer is cut. */
  readonly reason: string;
  /** What was done or tried; at most 128 bytes, longer is cut. */
  readonly action: string;
  /** For people; at most 1,024 bytes, longer is cut. */
  readonly note: string;
  readonly related?: ObjectReference;
}

/** One Event object at the server, and how often the same was seen. */
export interface EventSeries {
  readonly key: string;
  /** The key without the note. */
  readonly base: string;
  readonly name: string;
  readonly regarding: ObjectReference;
  readonly input: EventInput;
  /** Milliseconds since the epoch. */
  readonly firstSeen: number;
  lastSeen: number;
  count: number;
  /** The count that the server knows; 0 = the Event was not created yet. */
  writtenCount: number;
  /** When (ms since the epoch) the server was told last. */
  writtenAt: number;
}

/** So many different notes of one reason and object are told apart; more are counted with the latest. */
const MAX_NOTES = 10;
const MAX_SERIES = 1_000;
/** Silence that ends a series: the next one like it is a new Event. */
const SILENCE_MS = 6 * 60_000;
/** A lasting series is written again so often; in between it is only counted here. */
const REFRESH_MS = 30 * 60_000;

/**
 * Decides what becomes a new Event and what only counts in one that exists (series), as the cluster's own components do.
 * At most 1,000 series are kept; the longest silent one gives way.
 */
export class EventSeriesBook {
  /** Ordered by last use: the first entry is the longest silent one. */
  readonly #series = new Map<string, EventSeries>();

  /** Counts one event; returns its series and whether the server must be told now (first and second time). */
  record(
    regarding: ObjectReference,
    input: EventInput,
    now: number,
    newName: () => string,
  ): { readonly series: EventSeries; readonly tell: boolean; readonly ended: readonly EventSeries[] } {
    const ended = this.#endSilent(now);
    const known = this.#find(regarding, input);
    if (known !== undefined) {
      known.count += 1;
      known.lastSeen = now;
      this.#series.delete(known.key);
      this.#series.set(known.key, known);
      return { series: known, tell: known.count === 2, ended };
    }
    const series: EventSeries = {
      key: keyOf(regarding, input),
      base: baseOf(regarding, input),
      name: newName(),
      regarding,
      input,
      firstSeen: now,
      lastSeen: now,
      count: 1,
      writtenCount: 0,
      writtenAt: now,
    };
    this.#series.set(series.key, series);
    const [oldest] = this.#series.values();
    if (this.#series.size <= MAX_SERIES || oldest === undefined) return { series, tell: true, ended };
    this.#series.delete(oldest.key);
    return { series, tell: true, ended: oldest.count > oldest.writtenCount ? [...ended, oldest] : ended };
  }

  /** Series whose count the server should hear now: those that ended, and lasting ones every half hour. */
  due(now: number): readonly EventSeries[] {
    const ended = this.#endSilent(now);
    const lasting = [...this.#series.values()].filter(
      (series) => isBehind(series) && now - series.writtenAt >= REFRESH_MS,
    );
    return [...ended, ...lasting];
  }

  /** Every series whose count the server does not know yet, for the end of the process. */
  behind(): readonly EventSeries[] {
    return [...this.#series.values()].filter(isBehind);
  }

  /** The server does not have this Event (any more): the next one like it is a new one. */
  forget(series: EventSeries): void {
    if (this.#series.get(series.key) === series) this.#series.delete(series.key);
  }

  #find(regarding: ObjectReference, input: EventInput): EventSeries | undefined {
    const exact = this.#series.get(keyOf(regarding, input));
    if (exact !== undefined) return exact;
    const base = baseOf(regarding, input);
    const alike = [...this.#series.values()].filter((series) => series.base === base);
    return alike.length >= MAX_NOTES ? alike.at(-1) : undefined;
  }

  #endSilent(now: number): readonly EventSeries[] {
    const ended: EventSeries[] = [];
    for (const series of this.#series.values()) {
      if (now - series.lastSeen < SILENCE_MS) break;
      this.#series.delete(series.key);
      if (isBehind(series)) ended.push(series);
    }
    return ended;
  }
}

function isBehind(series: EventSeries): boolean {
  return series.count > series.writtenCount && series.writtenCount > 0;
}

function baseOf(regarding: ObjectReference, input: EventInput): string {
  return JSON.stringify([regarding.uid, input.type, input.reason, input.action, input.related?.uid ?? '']);
}

function keyOf(regarding: ObjectReference, input: EventInput): string {
  return `${baseOf(regarding, input)} ${input.note}`;
}

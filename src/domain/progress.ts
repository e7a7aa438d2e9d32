/**
 * How far a run is: what its far sides have counted, how fast they go, when they will be done, and the same in short.
 * Pure. Estimates are about the last seconds only; what nothing is known about is absent, never guessed.
 */
import type { ReplicaTaskStatus } from '../api/replica-task.gen.ts';
import { type Counts, doneCount, type SideResult, sumCounts } from './run-verdict.ts';

export interface Amount {
  readonly units: number;
  readonly bytes: number;
}

/** What a far side has told of itself by some moment. */
export interface SideState {
  readonly tally: Counts & { readonly quarantined?: number };
  /** All that there is to do, as far as is known. */
  readonly total?: Amount;
  /** Payload bytes sent so far, those of uploads under way among them. */
  readonly payloadBytes: number;
}

export interface Pace {
  readonly bytesPerSecond?: number;
  readonly remainingSeconds?: number;
}

/** A far side of an active run. */
export interface SideProgress extends Pace {
  readonly tally: SideState['tally'];
  readonly total?: Amount;
}

/** As in the status of a task. */
export type Progress = NonNullable<ReplicaTaskStatus['progress']>;

/** One look at a far side. */
export interface Sample {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly done: number;
  /** Bytes of what is done, and of what is on its way. */
  readonly bytes: number;
  readonly payloadBytes: number;
}

/** How far back a rate looks. Milliseconds. */
const WINDOW = 12_000;
/** What was seen for a shorter time tells no rate. Milliseconds. */
const SHORTEST = 1_000;
/** A run that seems to take longer says nothing of it. Seconds. */
const LONGEST = 365 * 86_400;

/** The samples with another one, without those that are too old to matter. */
export function withSample(samples: readonly Sample[], at: number, side: SideState): readonly Sample[] {
  const { tally, payloadBytes } = side;
  const sample = { at, done: doneCount(tally), bytes: workedBytes(side), payloadBytes };
  // The newest of those outside the window is where it begins.
  const first = samples.findLastIndex((earlier) => earlier.at <= at - WINDOW);
  return [...samples.slice(Math.max(0, first)), sample];
}

/** How fast a far side went between the first and the last sample, and how long it needs for what is left. */
export function paceOf(samples: readonly Sample[], side: SideState): Pace {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < SHORTEST) return {};
  const seconds = (last.at - first.at) / 1_000;
  const bytesPerSecond = Math.round((last.payloadBytes - first.payloadBytes) / seconds);
  const remainingSeconds = remaining(side, {
    units: (last.done - first.done) / seconds,
    bytes: (last.bytes - first.bytes) / seconds,
  });
  return {
    ...(bytesPerSecond > 0 ? { bytesPerSecond } : {}),
    ...(remainingSeconds === undefined ? {} : { remainingSeconds }),
  };
}

/** The slower of what units and bytes say: many small files, or a few large ones. */
function remaining(side: SideState, perSecond: Amount): number | undefined {
  const { tally, total } = side;
  if (total === undefined) return undefined;
  const units = Math.max(0, total.units - doneCount(tally));
  const bytes = Math.max(0, total.bytes - workedBytes(side));
  const estimates = [
    ...(units > 0 && perSecond.units > 0 ? [units / perSecond.units] : []),
    ...(bytes > 0 && perSecond.bytes > 0 ? [bytes / perSecond.bytes] : []),
  ];
  const seconds = Math.ceil(Math.max(0, ...estimates));
  return estimates.length === 0 || seconds > LONGEST ? undefined : seconds;
}

/** What was sent beyond what the units done have sent is on its way. */
function workedBytes({ tally, payloadBytes }: SideState): number {
  return tally.totalBytes + Math.max(0, payloadBytes - tally.sentBytes);
}

/** Of an active run: far sides go side by side, so the last one decides when it ends. */
export function activeProgress(sides: readonly SideProgress[]): Progress {
  const known = sides.flatMap(({ total }) => (total === undefined ? [] : [total.units]));
  const rates = sides.flatMap(({ bytesPerSecond }) => bytesPerSecond ?? []);
  const left = sides.flatMap(({ remainingSeconds }) => remainingSeconds ?? []);
  return described(sides, {
    ...(sides.length > 0 && known.length === sides.length ? { total: sum(known) } : {}),
    ...(rates.length > 0 ? { bytesPerSecond: sum(rates) } : {}),
    ...(left.length > 0 ? { remainingSeconds: Math.max(...left) } : {}),
  });
}

/** Of a run that has ended: one that came to its end has met all that there was. */
export function endedProgress(status: string, sides: readonly Pick<SideResult, 'tally'>[]): Progress {
  if (status === 'ABORTED') return described(sides, {}, 'aborted');
  return described(sides, { total: doneCount(sumCounts(sides)) });
}

/**
 * Of a run that another process performed before: what it had done stays done while this one has not come as far again;
 * `now` is undefined while nobody performs the run.
 */
export function takenOver(before: Progress, now: Progress | undefined): Progress {
  const { done = 0 } = before;
  if (now !== undefined && (now.done ?? 0) >= done) return now;
  const { bytesPerSecond: _rate, remainingSeconds: _left, summary: _text, ...counts } = before;
  const total = now === undefined ? before.total : now.total && Math.max(now.total, done);
  const { bytesPerSecond, remainingSeconds } = now ?? {};
  const progress = defined({ ...counts, total, bytesPerSecond, remainingSeconds });
  return { ...progress, summary: summaryOf(progress) };
}

function described(
  sides: readonly { readonly tally: SideState['tally'] }[],
  known: Pace & { readonly total?: number },
  note?: string,
): Progress {
  const counts = sumCounts(sides);
  const quarantined = sum(sides.map(({ tally }) => tally.quarantined ?? 0));
  const progress = { ...known, done: doneCount(counts), ...counts, quarantined };
  return { ...progress, summary: summaryOf(progress, note) };
}

function summaryOf(progress: Progress, note?: string): string {
  const { done = 0, total, failed = 0, notTried = 0, bytesPerSecond, remainingSeconds } = progress;
  return [
    total === undefined ? String(done) : `${done}/${total}`,
    ...(note === undefined ? [] : [note]),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(notTried > 0 ? [`${notTried} not tried`] : []),
    ...(bytesPerSecond === undefined ? [] : [`${bytesText(bytesPerSecond)}/s`]),
    ...(remainingSeconds === undefined ? [] : [`${durationText(remainingSeconds)} left`]),
  ].join(', ');
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `512 B`, `5.0 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // What would be rounded to 1024.0 is one of the next unit.
  for (; value >= (unit === 0 ? 1_024 : 1_023.95) && unit < UNITS.length - 1; unit += 1) value /= 1_024;
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** The two largest units: `45s`, `1m30s`, `2h5m`, `3d4h`. */
export function durationText(seconds: number): string {
  const parts: readonly (readonly [string, number])[] = [
    ['d', Math.floor(seconds / 86_400)],
    ['h', Math.floor(seconds / 3_600) % 24],
    ['m', Math.floor(seconds / 60) % 60],
    ['s', Math.floor(seconds) % 60],
  ];
  const first = parts.findIndex(([, count]) => count > 0);
  if (first < 0) return '0s';
  const shown = parts.slice(first, first + 2).filter(([, count]) => count > 0);
  return shown.map(([unit, count]) => `${count}${unit}`).join('');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

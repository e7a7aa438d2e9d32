/** Lags in words, numbers and bars. */
import { inColumns } from '../columns.ts';

/** Both in milliseconds; `at` since some beginning. */
export interface Arrived {
  /** What was done. */
  readonly what: string;
  readonly at: number;
  readonly lagMs: number;
}

const BARS = '▁▂▃▄▅▆▇█';
/** The lowest bar is up to so many milliseconds; each further one up to twice as much, the last has no end. */
const LOWEST_MS = 50;
export const LEGEND = `▁ up to ${LOWEST_MS} ms, each step twice as much`;

/** The smallest value that so many percent are not above; 0 when there are none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(Math.ceil((percent / 100) * sorted.length) - 1, 0)] ?? 0;
}

/** One bar for each second, as high as the worst lag of what arrived in it; a space where nothing did. */
export function bars(arrived: readonly Arrived[]): string {
  const worst: (number | undefined)[] = [];
  for (const { at, lagMs } of arrived) {
    const second = Math.floor(at / 1_000);
    worst[second] = Math.max(worst[second] ?? 0, lagMs);
  }
  return Array.from(worst, (lagMs) => (lagMs === undefined ? ' ' : barOf(lagMs))).join('');
}

function barOf(lagMs: number): string {
  const step = Math.ceil(Math.log2(Math.max(lagMs, LOWEST_MS) / LOWEST_MS));
  return BARS[Math.min(step, BARS.length - 1)] ?? '';
}

/** A row for each far side. */
export function lagTable(
  arrived: ReadonlyMap<string, readonly Arrived[]>,
  isEqual: (farSide: string) => boolean,
): string {
  const rows = [...arrived].map(([name, all]) => {
    const lags = all.map(({ lagMs }) => lagMs);
    const shown = [50, 99, 100].map((percent) => milliseconds(percentile(lags, percent)));
    return [name, String(all.length), ...shown, isEqual(name) ? 'yes' : 'NO'];
  });
  return inColumns([['FAR SIDE', 'EVENTS', 'LAG P50', 'LAG P99', 'WORST', 'EQUAL'], ...rows]).join('\n');
}

/** A row for each kind of write; lags at all far sides together. */
export function kindTable(arrived: ReadonlyMap<string, readonly Arrived[]>): string {
  const byKind = Map.groupBy([...arrived.values()].flat(), ({ what }) => what);
  const rows = [...byKind].map(([what, all]) => {
    const lags = all.map(({ lagMs }) => lagMs);
    return [
      what,
      String(all.length / arrived.size),
      ...[50, 100].map((percent) => milliseconds(percentile(lags, percent))),
    ];
  });
  return inColumns([['WRITE', 'EVENTS', 'LAG P50', 'WORST'], ...rows]).join('\n');
}

export function milliseconds(value: number): string {
  return `${Math.round(value)} ms`;
}

/** What arrivals say about a rate. */
import type { Arrival } from './payload-meter.ts';

const WINDOW_MS = 10_000;
const STEP_MS = 500;
/** Left out at the end: there the last streams have nothing more to send. */
const TAIL_MS = 500;

export interface Span {
  readonly from: number;
  readonly to: number;
}

export function spanOf(arrivals: readonly Arrival[]): Span {
  const [first] = arrivals;
  const last = arrivals.at(-1);
  if (first === undefined || last === undefined) throw new Error('no payload arrived');
  return { from: first.at, to: last.at - TAIL_MS };
}

export function merged(...series: readonly (readonly Arrival[])[]): Arrival[] {
  return series.flat().toSorted((a, b) => a.at - b.at);
}

export function bytesIn(arrivals: readonly Arrival[], { from, to }: Span): number {
  return arrivals.reduce((sum, { at, bytes }) => (at >= from && at < to ? sum + bytes : sum), 0);
}

/** Bytes per second. */
export function rateIn(arrivals: readonly Arrival[], span: Span): number {
  return (bytesIn(arrivals, span) / (span.to - span.from)) * 1_000;
}

/** The farthest that any 10 s of a span are from a rate, in percent of it; above is positive. */
export function worstError(arrivals: readonly Arrival[], span: Span, rate: number): number {
  if (span.to - span.from < WINDOW_MS) throw new Error(`payload came for only ${span.to - span.from} ms`);
  let worst = 0;
  for (let from = span.from; from + WINDOW_MS <= span.to; from += STEP_MS) {
    const error = (rateIn(arrivals, { from, to: from + WINDOW_MS }) / rate - 1) * 100;
    if (Math.abs(error) > Math.abs(worst)) worst = error;
  }
  return worst;
}

/** Of what came in the first second, in seconds' worth. */
export function burst(arrivals: readonly Arrival[], rate: number): number {
  const { from } = spanOf(arrivals);
  return bytesIn(arrivals, { from, to: from + 1_000 }) / rate;
}

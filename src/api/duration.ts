/** Durations of the API: one or more of `<number>h`, `<number>m`, `<number>s`, added up. */
const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000 };

/** `2m30s` → 150000 milliseconds. @throws {RangeError} for text that the CRDs' pattern does not allow. */
export function durationMs(text: string): number {
  if (!/^(\d{1,5}[hms])+$/.test(text))
    throw new RangeError(`not a duration like 2m30s: ${JSON.stringify(text.slice(0, 40))}`);
  return [...text.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (UNITS[unit ?? ''] ?? 0),
    0,
  );
}

/** Times, spans and sizes as people read them. */

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** Milliseconds as `2d3h`, `5m`, `12s`; two units at most. */
export function spanText(ms: number): string {
  const at = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[at] ?? ['s', 1_000];
  const [finer, finerSize] = UNITS[at + 1] ?? ['', 0];
  const whole = Math.floor(ms / size);
  // Behind ten of a unit the finer one says nothing.
  const rest = finerSize === 0 || whole >= 10 ? 0 : Math.floor((ms % size) / finerSize);
  return `${whole}${unit}${rest === 0 ? '' : `${rest}${finer}`}`;
}

/** `5m ago`, `in 2h`, `now`; empty for no instant. */
export function whenText(instant: string | Date | undefined, now: number): string {
  if (instant === undefined) return '';
  const distance = new Date(instant).getTime() - now;
  if (Math.abs(distance) < 1_000) return 'now';
  return distance < 0 ? `${spanText(-distance)} ago` : `in ${spanText(distance)}`;
}

export function bytesText(bytes: number): string {
  const exponent = bytes < 1_024 ? 0 : Math.min(5, Math.floor(Math.log2(bytes) / 10));
  const unit = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'][exponent];
  return `${exponent === 0 ? bytes : (bytes / 1_024 ** exponent).toFixed(1)} ${unit}`;
}

/** Milliseconds, as `850ms` or `1.2s`, or as a span from a minute on. */
export function lagText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)}s` : spanText(ms);
}

/** Characters that terminals draw two columns wide. */
const WIDE = /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\u3000-\u303e\uff01-\uff60]/u;

/** Columns of a terminal. */
export function widthOf(text: string): number {
  return Array.from(text).reduce((width, character) => width + (WIDE.test(character) ? 2 : 1), 0);
}

/** Of a terminal; one that does not say how wide it is counts as 80. */
export function columnsOf({ columns = 0 }: { readonly columns?: number }): number {
  return columns > 0 ? columns : 80;
}

/** As much of the text as fits into so many columns. */
export function clippedTo(columns: number, text: string): string {
  let width = 0;
  let clipped = '';
  for (const character of text) {
    width += widthOf(character);
    if (width > columns) break;
    clipped += character;
  }
  return clipped;
}

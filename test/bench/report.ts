/** Figures of one run, and how they are shown. */

export interface Row {
  readonly id: string;
  /** Units that the run counted. */
  readonly files: number;
  /** Of all these files. */
  readonly bytes: number;
  /** From the beginning of the run to its end, as its record says. */
  readonly seconds: number;
  readonly filesPerSecond: number;
  /** Payload sent, 10⁶ bytes. */
  readonly mbPerSecond: number;
  /** Requests to the far side. */
  readonly requestsPerFile: number;
  /** Peak of the program's resident set during the run, 10⁶ bytes. */
  readonly rssMb: number;
  /** Payload bytes. */
  readonly sentBytes: number;
}

const COLUMNS: readonly (readonly [head: string, cell: (row: Row) => string])[] = [
  ['RUN', ({ id }) => id],
  ['FILES', ({ files }) => String(files)],
  ['BYTES', ({ bytes }) => String(bytes)],
  ['SECONDS', ({ seconds }) => seconds.toFixed(1)],
  ['FILES/S', ({ filesPerSecond }) => filesPerSecond.toFixed(1)],
  ['MB/S SENT', ({ mbPerSecond }) => mbPerSecond.toFixed(1)],
  ['REQUESTS/FILE', ({ requestsPerFile }) => requestsPerFile.toFixed(3)],
  ['PEAK RSS MB', ({ rssMb }) => rssMb.toFixed(1)],
  ['BYTES SENT', ({ sentBytes }) => String(sentBytes)],
];

export function table(rows: readonly Row[]): string {
  return aligned([COLUMNS.map(([head]) => head), ...rows.map((row) => COLUMNS.map(([, cell]) => cell(row)))]);
}

/** Lines of cells, the first one the head. */
export function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines.map((line) => line.map((cell, column) => cell.padStart(widths[column] ?? 0)).join('  ')).join('\n');
}

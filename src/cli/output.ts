/** What commands print: tables for people, JSON and YAML for programs. The data is the same in all forms. */
import { stringify } from 'yaml';

import { type CommandContext, textOption } from './command.ts';
import { widthOf } from './text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
}

export type OutputFormat = 'table' | 'json' | 'yaml';

export function outputFormat(context: Pick<CommandContext, 'options'>): OutputFormat {
  // Checked against the choices of the option before.
  return (textOption(context, 'output') ?? 'table') as OutputFormat;
}

/** Prints data as `-o` says: for `table` the given text. */
export function printAs(
  context: Pick<CommandContext, 'options' | 'stdout'>,
  data: unknown,
  asTable: () => string,
): void {
  const format = outputFormat(context);
  context.stdout.write(format === 'table' ? asTable() : machineText(format, data));
}

export function machineText(format: 'json' | 'yaml', data: unknown): string {
  // By way of JSON, so that both forms hold the same: dates as RFC 3339, nothing undefined.
  const json = JSON.stringify(data, undefined, 2);
  return format === 'json' ? `${json}\n` : stringify(JSON.parse(json));
}

/** Columns as wide as their longest cell, three spaces apart; control characters cannot leave their cell. */
export function tableText<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ text }) => plain(text(row))))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => widthOf(line[index] ?? ''))));
  return cells
    .map(
      (line) =>
        `${line
          .map((cell, index) => padded(cell, widths[index] ?? 0))
          .join('   ')
          .trimEnd()}\n`,
    )
    .join('');
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)));
}

/** Names and messages come from elsewhere: they shall not move the cursor of a terminal. */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

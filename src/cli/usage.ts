/** The text of `--help`, made from the table of commands. */
import { type Command, EXIT, type OptionSpec } from './command.ts';

const EXIT_CODES: readonly (readonly [number, string])[] = [
  [EXIT.done, 'done, or stopped in good order'],
  [EXIT.failed, 'failed'],
  [EXIT.usedWrongly, 'used wrongly: arguments or configuration'],
  [EXIT.interrupted, 'interrupted (Ctrl-C) before its end'],
];

export function programUsage(program: string, commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return `${program}: replicates bk-repo artifact repositories, declaratively

usage:
  ${program} COMMAND [options]
  ${program} help COMMAND
  ${program} --help | --version

commands:
${columns(rows)}
Every key of the configuration file can be given as an environment variable, too:
source.mongodb.uri is BKREPO_REPLICATOR_SOURCE_MONGODB_URI.
`;
}

export function commandUsage(program: string, command: Command): string {
  const { name, args, summary, description, options, examples } = command;
  const line = [program, name, args, Object.keys(options).length === 0 ? undefined : '[options]'];
  const parts = [
    `${summary}\n`,
    `usage:\n  ${line.filter((part) => part !== undefined).join(' ')}\n`,
    ...(description === undefined ? [] : [`${description.trim()}\n`]),
    ...(Object.keys(options).length === 0 ? [] : [`options:\n${columns(optionRows(command))}`]),
    ...(examples.length === 0
      ? []
      : [`examples:\n${examples.map((example) => exampleText(program, example)).join('')}`]),
    `exit codes:\n${columns(exitCodesOf(command).map(([code, meaning]) => [String(code), meaning]))}`,
  ];
  return parts.join('\n');
}

/** What the exit codes mean, the command's own words before the general ones. */
export function exitCodesOf({
  exitCodes = {},
  serves,
}: Pick<Command, 'exitCodes' | 'serves'>): readonly (readonly [number, string])[] {
  const possible = EXIT_CODES.filter(([code]) => serves !== true || code !== EXIT.interrupted);
  return possible.map(([code, meaning]) => [code, exitCodes[code] ?? meaning]);
}

/** `-n, --namespace NAME` and what it means. */
export function optionRows({ options }: Command): readonly (readonly [string, string])[] {
  return Object.entries(options).map(([name, spec]) => [optionText(name, spec), spec.summary]);
}

function optionText(name: string, { short, type, value, choices }: OptionSpec): string {
  const long = type === 'boolean' ? `--${name}` : `--${name} ${choices?.join('|') ?? value ?? 'VALUE'}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

function exampleText(program: string, { line, shows }: Command['examples'][number]): string {
  return `  # ${shows}\n  ${program} ${line}\n`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('');
}

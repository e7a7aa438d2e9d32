/**
 * Reads a command line by the table of commands, performs the command, and turns its end into an exit code. What went
 * wrong is told on standard error in words, without a stack.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { type Config, ConfigError, parseConfig } from '../config.ts';
import {
  type Command,
  type CommandContext,
  EXIT,
  type Host,
  type OptionSpecs,
  Stopped,
  textOption,
  UsageError,
} from './command.ts';
import { COMMANDS, findCommand } from './commands.ts';
import { commandUsage, programUsage } from './usage.ts';

type Values = CommandContext['options'];

const GENERAL: OptionSpecs = {
  help: { type: 'boolean', short: 'h', summary: 'help about the command' },
  version: { type: 'boolean', summary: 'the version of the program' },
};
/** An option means the same in all commands, so that one parser knows them all and names the command that lacks one. */
const ALL: OptionSpecs = Object.assign({}, ...COMMANDS.map(({ options }) => options), GENERAL) as OptionSpecs;

export async function runCommandLine(host: Host, stop: AbortSignal): Promise<number> {
  const { programName, stdout, stderr } = host;
  let command: Command | undefined;
  try {
    const named = commandName(host.argv);
    command = named === undefined ? undefined : findCommand(named);
    const { values, positionals } = parse(host.argv);
    if (values['help'] === true) return print(host, command);
    if (values['version'] === true) {
      stdout.write(`${host.version}\n`);
      return EXIT.done;
    }
    if (named === undefined) throw new UsageError('a command is required');
    if (command === undefined) throw new UsageError(`there is no command ${named}`);
    checkArguments(command, values, positionals.slice(1));
    const context = contextOf(host, command, values, positionals.slice(1));
    const { run } = await command.load();
    return await run(context, stop);
  } catch (error) {
    if (stop.aborted && error === stop.reason) return interrupted(stop.reason);
    const message = error instanceof Error ? error.message : String(error);
    const usage = command === undefined ? programUsage(programName, COMMANDS) : commandUsage(programName, command);
    stderr.write(`${programName}: ${message}\n${error instanceof UsageError ? `\n${usage}` : ''}`);
    return error instanceof UsageError || error instanceof ConfigError ? EXIT.usedWrongly : EXIT.failed;
  }
}

function print({ programName, stdout }: Host, command: Command | undefined): number {
  stdout.write(command === undefined ? programUsage(programName, COMMANDS) : commandUsage(programName, command));
  return EXIT.done;
}

function interrupted(reason: unknown): number {
  return reason instanceof Stopped && reason.signal === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
}

/** The first argument that is neither an option nor the value of one. */
function commandName(argv: readonly string[]): string | undefined {
  return parseArgs({ args: [...argv], options: ALL, allowPositionals: true, strict: false }).positionals[0];
}

function parse(argv: readonly string[]): { readonly values: Values; readonly positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options: ALL, allowPositionals: true, strict: true });
    return { values: values as Values, positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function checkArguments(
  { name, options, arity = [0, 0], args, argument }: Command,
  values: Values,
  given: readonly string[],
): void {
  const foreign = Object.keys(values).find((option) => !Object.hasOwn(options, option));
  if (foreign !== undefined) throw new UsageError(`${name} has no option --${foreign}`);
  const [least, most] = arity;
  if (given.length < least) throw new UsageError(`${name} needs ${args}`);
  if (given.length > most) throw new UsageError(`unexpected argument ${given[most]}`);
  const [first] = given;
  if (Array.isArray(argument) && first !== undefined && !argument.includes(first))
    throw new UsageError(`${name} needs ${args}, not ${first}`);
  for (const [option, value] of Object.entries(values)) {
    const choices = options[option]?.choices;
    if (choices !== undefined && !choices.includes(String(value)))
      throw new UsageError(`--${option} must be one of ${choices.join(', ')}`);
  }
}

function contextOf(host: Host, command: Command, options: Values, args: readonly string[]): CommandContext {
  let config: Config | undefined;
  const configAgain = (): Config => configOf(host, { options });
  return { ...host, command, options, args, config: () => (config ??= configAgain()), configAgain };
}

function configOf({ environment }: Host, given: Pick<CommandContext, 'options'>): Config {
  return withOptions(readConfig(textOption(given, 'config'), environment), given);
}

function readConfig(file: string | undefined, environment: Host['environment']): Config {
  if (file === undefined) return parseConfig({ environment });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError([`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`]);
  }
  return parseConfig({ file: { name: file, text }, environment });
}

/** The command line goes before environment and file. */
function withOptions(config: Config, given: Pick<CommandContext, 'options'>): Config {
  const [dir, state, host, port, storePath, kubeconfig, context] = [
    'dir',
    'state',
    'host',
    'port',
    'store',
    'kubeconfig',
    'context',
  ].map((name) => textOption(given, name));
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new UsageError('--port must be a number');
  if (dir !== undefined && !existsSync(dir)) throw new UsageError(`--dir: there is no ${dir}`);
  return {
    ...config,
    standalone: { ...config.standalone, ...defined({ dir, state }) },
    kubernetes: { ...config.kubernetes, ...defined({ kubeconfig, context }) },
    peer: {
      ...config.peer,
      ...(given.options['faithful'] === true ? { faithful: true } : {}),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...defined({ host, storePath }),
    },
  };
}

function defined<T extends Readonly<Record<string, string | undefined>>>(
  values: T,
): { readonly [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    readonly [K in keyof T]?: string;
  };
}

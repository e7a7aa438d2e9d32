/**
 * What a command of the program is, and what it is given. A command parses nothing itself and never reads argv, the
 * environment or signals; it ends by returning an exit code or by throwing. Guaranteed to it: options are of the type,
 * and among the choices, that it declares; `stop` is aborted by the first SIGINT or SIGTERM.
 */
import type { Config } from '../config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Exit codes of all commands; what `failed` means for one of them is told in its `exitCodes`. */
export const EXIT = { done: 0, failed: 1, usedWrongly: 2, interrupted: 130, terminated: 143 } as const;

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What stands for the value in usage, e.g. FILE. */
  readonly value?: string;
  /** The only values; the first one is the default if there is one (told in `summary`). */
  readonly choices?: readonly string[];
  readonly summary: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

export interface Example {
  /** Without the program's name: `status -A`. */
  readonly line: string;
  readonly shows: string;
}

export interface Command {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** What follows the name, in usage: `TASK`, `[TASK]`. */
  readonly args?: string;
  /** How many of them are required and possible; default none. */
  readonly arity?: readonly [least: number, most: number];
  /** What an argument may be, where that is known: one of these, or the name of a command. */
  readonly argument?: readonly string[] | 'command';
  /** Paragraphs for `--help`. */
  readonly description?: string;
  readonly options: OptionSpecs;
  readonly examples: readonly Example[];
  /** Exit codes that mean something of its own here, e.g. `1: the sides differ`. */
  readonly exitCodes?: Readonly<Record<number, string>>;
  /** Works until it is stopped: a stop is its good end. */
  readonly serves?: true;
  /** Loads what performs it: nothing of it is loaded for other commands. */
  readonly load: () => Promise<CommandModule>;
}

export interface CommandModule {
  readonly run: Run;
}

/** Returns the exit code. */
export type Run = (context: CommandContext, stop: AbortSignal) => Promise<number>;

/** Standard output or standard error. */
export interface TextOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Of a terminal; 0 or nothing when it does not say. */
  readonly columns?: number;
  readonly rows?: number;
}

/** What the process gives to commands; made by main.ts. */
export interface Host {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: TextOutput;
  readonly stderr: TextOutput;
  /** The name that the program was started by, as people type it: `bkrepo-replicator` or `kubectl bkrepo`. */
  readonly programName: string;
  readonly version: string;
  readonly hostname: string;
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  /** From now on errors that nobody caught are logged there. */
  readonly crashesTo: (logger: Logger) => void;
  /** From now on SIGHUP calls the listener instead of ending the process. */
  readonly onHangUp: (listener: () => void) => void;
}

export interface CommandContext extends Host {
  readonly command: Command;
  /** What stood behind the command's name. */
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  /**
   * The configuration: file (`--config`), environment, and over both what the options say (`--kubeconfig`, `--context`,
   * `--dir`, `--state`, …). @throws {ConfigError}
   */
  readonly config: () => Config;
  /** The same, read anew. @throws {ConfigError} */
  readonly configAgain: () => Config;
}

/** The command was used wrongly: told with its usage, exit code 2. */
export class UsageError extends Error {}

/** The command could not do what it was asked to: told without a stack, exit code 1. */
export class CommandFailed extends Error {}

/** Why `stop` is aborted. */
export class Stopped extends Error {
  readonly signal: 'SIGINT' | 'SIGTERM';

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }
}

export function textOption({ options }: Pick<CommandContext, 'options'>, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

export function flag({ options }: Pick<CommandContext, 'options'>, name: string): boolean {
  return options[name] === true;
}

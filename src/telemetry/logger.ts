/**
 * The program's log. Rooms know only the `Logger` interface. Guaranteed: one line per call, fields bounded and without
 * secrets (log-value.ts), written before the process ends. `msg` is constant text, so that lines group; what varies
 * goes into fields. Keys in use: controller, controllerGroup, controllerKind, namespace, name, reconcileID, error.
 */
import { pino } from 'pino';

import { logFields } from './log-value.ts';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'json' | 'text';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line; `text`: time, level, message, key=value. */
  readonly format: LogFormat;
  /** Where lines go; default standard error. */
  readonly destination?: { write(line: string): unknown };
}

export function createLogger(options: LoggerOptions): Logger {
  const output = options.destination ?? process.stderr;
  const text = options.format === 'text';
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'msg',
    },
    { write: (line: string) => void output.write(text ? textLine(line) : line) },
  );
  return wrap(root, {});
}

/** For code that must be given a logger where nobody reads it. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

type Sink = Pick<pino.Logger, LogLevel | 'isLevelEnabled'>;

function wrap(sink: Sink, bound: LogFields): Logger {
  const write = (level: LogLevel, msg: string, fields: LogFields | undefined): void => {
    if (sink.isLevelEnabled(level)) sink[level](logFields({ ...bound, ...fields }), msg);
  };
  return {
    debug: (msg, fields) => write('debug', msg, fields),
    info: (msg, fields) => write('info', msg, fields),
    warn: (msg, fields) => write('warn', msg, fields),
    error: (msg, fields) => write('error', msg, fields),
    child: (fields) => wrap(sink, { ...bound, ...fields }),
  };
}

/** One JSON line of ours as text; strings that hold blanks or line ends are quoted, so a line stays a line. */
function textLine(json: string): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${textValue(value)}`);
  return `${[String(time), String(level).toUpperCase().padEnd(5), String(msg), ...pairs].join(' ')}\n`;
}

function textValue(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

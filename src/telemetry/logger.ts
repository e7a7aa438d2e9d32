/**
 * The program's log. Rooms know only the `Logger` interface. Guaranteed: one line per call, fields bounded and without
 * secrets (log-value.ts), written before the process ends. `msg` is constant text, so that lines group; what varies
 * goes into fields. Keys in use: controller, controllerGroup, controllerKind, namespace, name, reconcileID, recordId,
 * traceId, error.
 */
import { pino } from 'pino';

import { currentLogFields } from './log-context.ts';
import { prettyLine, textLine } from './log-line.ts';
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

/** The one that all others come from. */
export interface RootLogger extends Logger {
  /** Of itself and all its children, from now on. */
  setLevel(level: LogLevel): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'json' | 'text' | 'pretty';

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line; `text`: time, level, message, key=value; `pretty`: the same for a terminal. */
  readonly format: LogFormat;
  /** Where lines go; default standard error. */
  readonly destination?: { write(line: string): unknown; readonly isTTY?: boolean };
}

export function createLogger(options: LoggerOptions): RootLogger {
  const output = options.destination ?? process.stderr;
  const shape = shapeOf(options.format, output.isTTY === true);
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'msg',
    },
    { write: (line: string) => void output.write(shape(line)) },
  );
  return {
    ...wrap(root, {}),
    setLevel: (level) => {
      root.level = level;
    },
  };
}

function shapeOf(format: LogFormat, terminal: boolean): (json: string) => string {
  switch (format) {
    case 'json':
      return (json) => json;
    case 'text':
      return textLine;
    case 'pretty':
      return (json) => prettyLine(json, terminal);
  }
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
    if (sink.isLevelEnabled(level)) sink[level](logFields({ ...currentLogFields(), ...bound, ...fields }), msg);
  };
  return {
    debug: (msg, fields) => write('debug', msg, fields),
    info: (msg, fields) => write('info', msg, fields),
    warn: (msg, fields) => write('warn', msg, fields),
    error: (msg, fields) => write('error', msg, fields),
    child: (fields) => wrap(sink, { ...bound, ...fields }),
  };
}

import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Say, WayFailed } from './way.ts';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Milliseconds after which the command is ended and counts as failed. */
  readonly timeoutMs: number;
  /** How many of the last lines a failure tells (6). */
  readonly tailLines?: number;
  /** Says a line about every `everyMs` milliseconds (15 s), so that nobody takes a long step for a hang. */
  readonly progress?: {
    readonly say: Say;
    readonly what: string;
    /** From the number of lines printed so far, what there is to tell. */
    readonly about?: (lines: number) => string;
    readonly everyMs?: number;
  };
}

const TAIL = 4000;
const STDOUT_LIMIT = 64 * 1024;

/** Runs a program to its end and answers with its standard output (at most 64 KiB). @throws {WayFailed} with the end of what it printed */
export async function command(program: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const child = spawn(program, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let tail = '';
  let lines = 0;
  const take = (chunk: string): void => {
    tail = (tail + chunk).slice(-TAIL);
    lines += chunk.split('\n').length - 1;
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (stdout.length < STDOUT_LIMIT) stdout += chunk;
    take(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', take);

  const started = performance.now();
  const seconds = (): number => Math.round((performance.now() - started) / 1000);
  const { progress } = options;
  const ticking = setInterval(() => {
    const about = progress?.about?.(lines);
    progress?.say(`${progress.what}: ${seconds()} s${about === undefined ? '' : `, ${about}`}`);
  }, progress?.everyMs ?? 15_000);
  const ending = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', (error) => reject(new WayFailed(`${program}: ${error.message}`, { cause: error })));
      child.once('close', (code, signal) => {
        if (code === 0) return resolve();
        const end = signal === null ? `ended with ${code}` : `was ended by ${signal} after ${seconds()} s`;
        reject(new WayFailed(`${program} ${args[0] ?? ''} ${end}: ${lastLines(tail, options.tailLines ?? 6)}`));
      });
    });
  } finally {
    clearInterval(ticking);
    clearTimeout(ending);
  }
  return stdout;
}

function lastLines(text: string, count: number): string {
  const lines = text.trim().split('\n').slice(-count).join(' | ');
  return lines.slice(-150 * count) || 'it printed nothing';
}

/** The first executable of that name on PATH. */
export async function findOnPath(name: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const directory of (environment['PATH'] ?? '').split(delimiter)) {
    if (directory === '') continue;
    const candidate = join(directory, name);
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

export async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Compares dotted versions number by number: negative when `a` is older. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

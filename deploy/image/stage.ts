/**
 * The file set of the image, in one place: `node deploy/image/stage.ts DIRECTORY` fills an empty directory with what the
 * image has in /app – the compiled program, its package.json, its license, and its dependencies at the locked versions,
 * without those for development and without Node. Used by the Dockerfile, and by the test that starts the program from it.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** As they are in the project. */
const COPIED = ['package.json', 'LICENSE'];
/** What installing needs beside package.json. */
const LOCK = 'package-lock.json';
/** Optional packages are Node itself, which the base of the image has. */
const INSTALL = [
  'ci',
  '--omit=dev',
  '--omit=optional',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--no-bin-links',
];

export interface StageOptions {
  /** Puts the dependencies into `node_modules` of the directory; default: as `npm ci` does. */
  readonly install?: (directory: string) => void;
}

export function stage(directory: string, { install = installLocked }: StageOptions = {}): void {
  mkdirSync(directory, { recursive: true });
  const compiler = path.join(ROOT, 'node_modules/.bin/tsc');
  perform(
    compiler,
    ['-p', 'tsconfig.build.json', '--sourceMap', 'false', '--outDir', path.join(directory, 'dist')],
    ROOT,
  );
  for (const name of COPIED) cpSync(path.join(ROOT, name), path.join(directory, name));
  install(directory);
}

function installLocked(directory: string): void {
  cpSync(path.join(ROOT, LOCK), path.join(directory, LOCK));
  perform('npm', INSTALL, directory);
  rmSync(path.join(directory, LOCK));
}

function perform(program: string, args: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed`, { cause: error });
}

if (import.meta.main) {
  const [directory] = process.argv.slice(2);
  if (directory === undefined) throw new Error('usage: node deploy/image/stage.ts DIRECTORY');
  stage(path.resolve(directory));
}

/** Programs built from Go modules whose go.mod and go.sum lie in a folder beside this file. */
import { join } from 'node:path';
import { command, compareVersions, findOnPath } from './command.ts';
import { type Say, WayFailed } from './way.ts';

const BUILD_LIMIT_MS = 40 * 60_000;

export interface GoBuild {
  /** The folder with go.mod and go.sum. */
  readonly module: string;
  /** For `-ldflags`, behind `-s -w`. */
  readonly linkerFlags?: string;
  /** A file, or a directory with a slash at its end for several programs. */
  readonly output: string;
  /** `.`, or `tool` for the tools of go.mod. */
  readonly target: string;
}

export interface GoOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** For example `1.26.0`. */
  readonly oldest: string;
  /** What needs that version, for the reason. */
  readonly what: string;
  /** Added to the niceness: 10 leaves the processors to whoever wants them. Default 0. */
  readonly nice?: number;
}

/**
 * Finds a Go that is new enough; answers what builds with it. go.sum and the checksum database that the user's Go is set
 * to vouch for the sources. The work of other builds on this machine is used again.
 *
 * @throws {WayFailed}
 */
export async function findGo(options: GoOptions): Promise<(build: GoBuild, say: Say) => Promise<void>> {
  const { environment, oldest, what, nice = 0 } = options;
  const go = await findOnPath('go', environment);
  if (go === undefined) throw new WayFailed('no go on PATH');
  const printed = await command(go, ['version'], { timeoutMs: 20_000 });
  const version = /\bgo(\d+\.\d+(?:\.\d+)?)/.exec(printed)?.[1] ?? '0';
  if (compareVersions(version, oldest) < 0) throw new WayFailed(`${go} is ${version}, and ${what} needs ${oldest}`);
  const { GOFLAGS: _flags, GOWORK: _workspace, ...rest } = environment;
  const env = { ...rest, GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOWORK: 'off', GOFLAGS: '-mod=readonly' };
  const politely = nice === 0 ? undefined : await findOnPath('nice', environment);

  return async ({ module, linkerFlags = '', output, target }, say) => {
    const build = ['build', '-v', '-trimpath', '-ldflags', `-s -w ${linkerFlags}`.trimEnd(), '-o', output, target];
    const [program, ...args] = politely === undefined ? [go, ...build] : [politely, '-n', String(nice), go, ...build];
    await command(program, args, {
      cwd: join(import.meta.dirname, module),
      env,
      timeoutMs: BUILD_LIMIT_MS,
      progress: {
        say,
        what: `go build of ${module}`,
        about: (lines) => (lines === 0 ? 'nothing compiled yet' : `${lines} packages and modules so far`),
      },
    });
  };
}

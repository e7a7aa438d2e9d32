import { findOnPath } from './command.ts';
import { type Found, type Say, WayFailed } from './way.ts';

export interface Installed {
  /** The variable that names the program to use; it goes before PATH. */
  readonly variable: string;
  readonly name: string;
  /** Fails when the program cannot be used. */
  readonly versionOf: (program: string) => Promise<string>;
}

/** The program of one name that the user has. @throws {WayFailed} with everything that was looked at */
export async function findInstalled(
  { variable, name, versionOf }: Installed,
  environment: NodeJS.ProcessEnv,
  say: Say,
): Promise<Found<string>> {
  const reasons: string[] = [];
  const named = environment[variable];
  if (named === undefined || named === '') {
    reasons.push(`${variable} is not set`);
  } else {
    try {
      return { paths: named, version: await versionOf(named), where: `${variable}=${named}` };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say(`${variable} is set but cannot be used: ${reason}`);
      reasons.push(`${variable}: ${reason}`);
    }
  }
  const onPath = await findOnPath(name, environment);
  if (onPath === undefined) throw new WayFailed([...reasons, `no ${name} on PATH`].join('; '));
  try {
    return { paths: onPath, version: await versionOf(onPath), where: onPath };
  } catch (error) {
    throw new WayFailed([...reasons, error instanceof Error ? error.message : String(error)].join('; '));
  }
}

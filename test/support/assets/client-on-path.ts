/** Clients that come with what every user of their language has: npm with Node, pip with Python. Nothing fetches them. */
import { command, findOnPath } from './command.ts';
import { type Found, type Part, WayFailed } from './way.ts';

const FETCHED_BY_NOBODY = 'it is not fetched';

/** npm, which comes with Node. */
export function npmPart(environment: NodeJS.ProcessEnv): Part<string> {
  return installedPart('npm', 'install Node with npm', async () => {
    const npm = await findOnPath('npm', environment);
    if (npm === undefined) throw new WayFailed('no npm on PATH');
    const version = /^(\d+\.\d+\.\d+)/.exec(await command(npm, ['--version'], { timeoutMs: 60_000 }))?.[1];
    if (version === undefined) throw new WayFailed(`${npm} --version does not name a version`);
    return { paths: npm, version, where: npm };
  });
}

/** A Python that has pip: run as `python3 -m pip`. */
export function pipPart(environment: NodeJS.ProcessEnv): Part<string> {
  return installedPart('pip', 'install Python with pip', async () => {
    const python = await findOnPath('python3', environment);
    if (python === undefined) throw new WayFailed('no python3 on PATH');
    const printed = await command(python, ['-m', 'pip', '--version'], { timeoutMs: 60_000 });
    const version = /^pip (\d+(?:\.\d+)+)/.exec(printed)?.[1];
    if (version === undefined) throw new WayFailed(`${python} -m pip --version does not name a version`);
    return { paths: python, version, where: `${python} -m pip` };
  });
}

function installedPart(name: string, advice: string, fromUser: () => Promise<Found<string>>): Part<string> {
  const none = { supply: () => Promise.reject(new WayFailed(`${FETCHED_BY_NOBODY}: ${advice}`)) };
  return {
    name,
    recipe: 'installed',
    fromUser,
    suppliers: [
      { name: 'the official download', ...none },
      { name: 'the package registries', ...none },
    ],
    pathsIn: (directory) => directory,
  };
}

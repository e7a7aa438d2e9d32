/** The real Quartz, asked by a small Java program: the oracle of the Quartz dialect. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from '../assets/cache.ts';
import { discard, obtain, PartUnavailable } from '../assets/chain.ts';
import { command, findOnPath } from '../assets/command.ts';
import { DEPENDENCY_PLUGIN_NAME } from '../assets/maven-part.ts';
import { type Part, reasonOf, type Say, WayFailed } from '../assets/way.ts';
import { ensureMaven } from '../assets.ts';
import { makeTempDir, removeDir } from '../tempdir.ts';

/** The release that Spring Boot, and bk-repo with it, brought for years; 2.5.0 leaves out days of `L` and `W`. */
const QUARTZ = 'org.quartz-scheduler:quartz:2.3.2';

export interface Question {
  readonly expression: string;
  readonly zone: string;
  /** Seconds since 1970. */
  readonly after: readonly number[];
}

/** The next second after each one asked for, `null` = never again, `'failed'` = Quartz threw; or why it was refused. */
export type Answer = { readonly next: readonly (number | null | 'failed')[] } | { readonly refused: string };

/** Asks all in one start of Java. @throws {PartUnavailable} without Java, Maven, or a registry that has Quartz */
export async function askQuartz(
  questions: readonly Question[],
  say: Say,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Answer[]> {
  const java = await findJava(environment);
  const { paths } = await obtain(quartzPart(environment), cacheRoot(environment), say);
  const work = await makeTempDir('quartz');
  try {
    const [asked, answered] = [join(work, 'questions'), join(work, 'answers')];
    const lines = questions.map(({ expression, zone, after }) => [zone, expression, ...after].join('\t'));
    await writeFile(asked, lines.map((line) => `${line}\n`).join(''));
    const program = join(import.meta.dirname, 'Oracle.java');
    await command(java, ['-cp', paths, program, asked, answered], {
      timeoutMs: 120_000,
      env: environment,
    });
    const answers = (await readFile(answered, 'utf8')).trimEnd().split('\n').map(answerOf);
    if (answers.length !== questions.length)
      throw new Error(`${questions.length} questions, ${answers.length} answers`);
    return answers;
  } finally {
    await removeDir(work);
  }
}

/** Runs a program from its source. */
const OLDEST_JAVA = 11;

async function findJava(environment: NodeJS.ProcessEnv): Promise<string> {
  const home = environment['JAVA_HOME'] ?? '';
  const java = home === '' ? await findOnPath('java', environment) : join(home, 'bin', 'java');
  if (java === undefined) throw new PartUnavailable('java', ['JAVA_HOME is not set, and no java is on PATH']);
  try {
    const printed = await command(java, ['--version'], { timeoutMs: 60_000, env: environment });
    if (Number(/^\S+ (\d+)/.exec(printed)?.[1]) >= OLDEST_JAVA) return java;
  } catch (error) {
    throw new PartUnavailable('java', [reasonOf(error)]);
  }
  throw new PartUnavailable('java', [`${java} is older than ${OLDEST_JAVA}`]);
}

function answerOf(line: string): Answer {
  if (line.startsWith('!')) return { refused: line.slice(1) };
  return { next: line.split(' ').map((next) => (next === '-' ? null : next === '?' ? 'failed' : Number(next))) };
}

/** One jar; it runs alone as long as nothing is scheduled. */
function quartzPart(environment: NodeJS.ProcessEnv): Part<string> {
  return {
    name: 'quartz',
    recipe: QUARTZ.slice(QUARTZ.lastIndexOf(':') + 1),
    fromUser: () => Promise.reject(new WayFailed('it is not looked for')),
    suppliers: [
      {
        name: 'the official download',
        supply: () => Promise.reject(new WayFailed('there is none beside the registry')),
      },
      { name: 'the package registries (Maven)', supply: (into, say) => fromMaven(into, say, environment) },
    ],
    pathsIn: (directory) => join(directory, 'quartz.jar'),
  };
}

async function fromMaven(into: string, say: Say, environment: NodeJS.ProcessEnv): Promise<{ version: string }> {
  const { mvn, plugins } = await ensureMaven(say, environment);
  const work = join(into, 'work');
  await mkdir(work);
  const local = join(work, 'local');
  await cp(plugins, local, { recursive: true });
  const flags = [`-Dmaven.repo.local=${local}`, `-Dartifact=${QUARTZ}`, `-DoutputDirectory=${into}`];
  await command(mvn, ['-B', '-q', `${DEPENDENCY_PLUGIN_NAME}:copy`, ...flags, '-Dmdep.stripVersion=true'], {
    cwd: work,
    env: environment,
    timeoutMs: 300_000,
    progress: { say, what: 'mvn fetches Quartz' },
  });
  await discard(work);
  return { version: QUARTZ };
}

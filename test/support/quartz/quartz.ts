/** The real Quartz, asked by a small Java program: the oracle of the Quartz dialect. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheRoot } from '../assets/cache.ts';
import { discard, obtain } from '../assets/chain.ts';
import { command, findOnPath } from '../assets/command.ts';
import { DEPENDENCY_PLUGIN_NAME } from '../assets/maven-part.ts';
import { type Part, type Say, WayFailed } from '../assets/way.ts';
import { ensureMaven } from '../assets.ts';
import { makeTempDir, removeDir } from '../tempdir.ts';

/** The release that bk-repo's Spring Boot brings. */
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
  const { paths } = await obtain(quartzPart(environment), cacheRoot(environment), say);
  const work = await makeTempDir('quartz');
  try {
    const [asked, answered] = [join(work, 'questions'), join(work, 'answers')];
    const lines = questions.map(({ expression, zone, after }) => [zone, expression, ...after].join('\t'));
    await writeFile(asked, lines.map((line) => `${line}\n`).join(''));
    const program = join(import.meta.dirname, 'Oracle.java');
    const java = join(environment['JAVA_HOME'] ?? '', 'bin', 'java');
    await command(environment['JAVA_HOME'] ? java : 'java', ['-cp', paths, program, asked, answered], {
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
  if ((environment['JAVA_HOME'] ?? '') === '' && (await findOnPath('java', environment)) === undefined)
    throw new WayFailed('there is no Java: JAVA_HOME is not set, and no java is on PATH');
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

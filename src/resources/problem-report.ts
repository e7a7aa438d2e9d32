import type { Logger } from '../telemetry/logger.ts';
import type { DirectoryProblem } from './manifest-file.ts';
import type { ManifestSet } from './manifest-set.ts';
import type { OwnSecrets } from './own-secrets.ts';
import type { UnreadableFile } from './state-files.ts';
import type { StoredObject } from './stored-object.ts';

/** Kinds that are remembered as named; a directory of more foreign kinds is no directory of ours. */
const MAX_FOREIGN = 100;

/** Tells each problem once, for as long as it lasts, and when all is well again; names each foreign kind once. */
export class ProblemReport {
  readonly #logger: Logger;
  #problems: readonly DirectoryProblem[] = [];
  readonly #foreign = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get problems(): readonly DirectoryProblem[] {
    return this.#problems;
  }

  /** These are all the problems there are now. */
  report(problems: readonly DirectoryProblem[]): void {
    const known = new Set(this.#problems.map((problem) => JSON.stringify(problem)));
    for (const problem of problems)
      if (!known.has(JSON.stringify(problem))) this.#logger.error('a manifest cannot be used', { ...problem });
    if (problems.length === 0 && this.#problems.length > 0) this.#logger.info('all manifests are usable again');
    this.#problems = problems;
  }

  nameForeign(kinds: ReadonlySet<string>): void {
    for (const kind of kinds) {
      if (this.#foreign.has(kind) || this.#foreign.size >= MAX_FOREIGN) continue;
      this.#foreign.add(kind);
      this.#logger.info('objects of a foreign kind are skipped, told once', { kind });
    }
  }
}

export function stateProblem({ path, message }: UnreadableFile): DirectoryProblem {
  const words =
    `the state of an object cannot be read (${message}): it is left alone until the file is repaired and the ` +
    'program restarted, or the file is moved away, whereupon the object starts as a new one';
  return { file: path, message: words };
}

/** Manifests of what REST made before, objects or Secrets: the one that was there stays in force. */
export function restProblems(
  { wanted, plain }: Pick<ManifestSet, 'wanted' | 'plain'>,
  stored: ReadonlyMap<string, StoredObject>,
  secrets: Pick<OwnSecrets, 'has'>,
): readonly DirectoryProblem[] {
  const objects = [...wanted].filter(([id]) => stored.get(id)?.origin === 'rest');
  const credentials = [...plain].filter(([id]) => secrets.has(id));
  return [...objects, ...credentials].map(([id, { source }]) => {
    const [kind, namespace, name] = id.split('_');
    const message =
      `${kind} ${namespace}/${name} was made by REST and is kept in the state directory: that one stays in force; ` +
      'delete it by REST, or remove it from this file';
    return { file: source, message };
  });
}

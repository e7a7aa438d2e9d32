/**
 * Looks at the directory of manifests and brings the objects of the state directory to what it says. What is invalid,
 * given twice or unreadable is told and leaves the last good version in force, and so does a name that REST has taken.
 */
import { randomUUID } from 'node:crypto';

import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { DirectoryWrites } from './directory-writes.ts';
import { DIRECTORY_MANAGER } from './editor.ts';
import { ManifestDirectory } from './manifest-directory.ts';
import { judge, type ManifestScope, type ManifestSet, type PlainData } from './manifest-set.ts';
import type { ObjectTable } from './object-table.ts';
import type { OwnSecrets } from './own-secrets.ts';
import { ProblemReport, restProblems, stateProblem } from './problem-report.ts';
import { objectFileExists, objectId, type UnreadableFile } from './state-files.ts';
import type { ObjectKey } from './store.ts';
import { createObject, markDeleted, updateObject } from './stored-object.ts';

export interface DirectoryLookOptions extends ManifestScope {
  readonly dir: string;
  readonly stateDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly newUid?: () => string;
}

export class DirectoryLook {
  readonly #options: DirectoryLookOptions;
  readonly #table: ObjectTable;
  readonly #secrets: OwnSecrets;
  readonly #writes: DirectoryWrites;
  readonly #directory: ManifestDirectory;
  readonly report: ProblemReport;
  #unreadable: readonly UnreadableFile[];
  #plain: ReadonlyMap<string, PlainData> = new Map();
  #directories: readonly string[] = [];

  constructor(
    options: DirectoryLookOptions,
    table: ObjectTable,
    secrets: OwnSecrets,
    writes: DirectoryWrites,
    unreadable: readonly UnreadableFile[],
  ) {
    this.#options = options;
    this.#table = table;
    this.#secrets = secrets;
    this.#writes = writes;
    this.#directory = new ManifestDirectory(options.dir);
    this.report = new ProblemReport(options.logger);
    this.#unreadable = unreadable;
  }

  /** All directories of the last look. */
  get directories(): readonly string[] {
    return this.#directories;
  }

  /** A Secret or ConfigMap of a file, as of the last look. */
  plain(kind: 'Secret' | 'ConfigMap', { namespace, name }: ObjectKey): PlainData | undefined {
    return this.#plain.get(objectId(kind, namespace, name));
  }

  /** Only while nobody else writes. Fails with `DirectoryUnreadable` or `StateUnwritable`. */
  async look(signal: AbortSignal): Promise<void> {
    const scan = await this.#directory.scan(signal);
    this.#directories = scan.directories;
    const present = await Promise.all(
      this.#unreadable.map(async (file) => ({
        file,
        there: await objectFileExists(this.#options.stateDir, file.id),
      })),
    );
    this.#unreadable = present.filter(({ there }) => there).map(({ file }) => file);
    const set = judge(scan, this.#options, this.#table.stored);
    await this.#removeUnnamed(set);
    await this.#putNamed(set);
    const kept = [...this.#plain].filter(([id, { source }]) => !set.plain.has(id) && set.uncertain(id, source));
    this.#plain = new Map([...set.plain, ...kept]);
    const taken = restProblems(set, this.#table.stored, this.#secrets);
    this.report.report([...set.problems, ...taken, ...this.#unreadable.map(stateProblem)]);
    this.report.nameForeign(set.foreign);
  }

  async #removeUnnamed(set: ManifestSet): Promise<void> {
    for (const [id, stored] of this.#table.stored) {
      if (stored.origin === 'rest' || set.wanted.has(id) || set.uncertain(id, stored.source)) continue;
      if ((stored.object.metadata.finalizers ?? []).length === 0) await this.#writes.remove(id, stored);
      else if (stored.object.metadata.deletionTimestamp === undefined)
        await this.#table.put(id, markDeleted(stored, this.#options.clock.now()));
    }
  }

  async #putNamed(set: ManifestSet): Promise<void> {
    const { clock, newUid = randomUUID } = this.#options;
    const blocked = new Set(this.#unreadable.map((file) => file.id));
    for (const [id, { manifest, namespace, source }] of set.wanted) {
      const stored = this.#table.stored.get(id);
      // A deleted object is given again only once its finalizers are gone, as with the API server.
      if (blocked.has(id) || stored?.object.metadata.deletionTimestamp !== undefined) continue;
      const edit = { manager: DIRECTORY_MANAGER, now: clock.now() };
      if (stored === undefined)
        await this.#table.put(id, createObject(manifest, namespace, source, { ...edit, uid: newUid() }));
      else if (stored.origin !== 'rest') await this.#table.put(id, updateObject(stored, manifest, source, edit));
    }
  }
}

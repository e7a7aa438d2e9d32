/**
 * The files of one task object at one far side: plan → compare → transfer → commit, with bounded memory. A page of the
 * source is compared with one question; its units start as permits come free, so the next page is compared while the last
 * files of this one still travel. Nothing is started after the far side was given up: the rest is recorded as not tried.
 */
import { judge, travellingMetadata } from '../../domain/compare.ts';
import { classify, ReplicationError } from '../../domain/errors.ts';
import { filesFingerprint } from '../../domain/quarantine.ts';
import { Alarm } from '../../lib/alarm.ts';
import type { ObjectContext, ObjectRunOptions, Unit } from '../context.ts';
import { withoutHeldBack } from '../failure-memory.ts';
import { finish } from '../finish-unit.ts';
import { hasOtherKeys, keysOf } from '../node-writing.ts';
import { follows, leftThere, ownedAmong, stateOf } from '../ownership.ts';
import type { OwnedFileState, OwnedNode, UnitDetail } from '../ports/journal.ts';
import type { SourceNode } from '../ports/source.ts';
import type { TargetNode } from '../ports/target.ts';
import { goodProofs } from '../proofs.ts';
import { fastFail, isJournalError, shareOf } from '../unit-errors.ts';
import { unitKey } from '../unit-key.ts';
import { LONGEST_UNSETTLED, Settler } from './settler.ts';
import { type Assignment, actionOf, fail, type WorkerHooks, workUnit } from './unit-worker.ts';

export class FileRun {
  readonly #context: ObjectContext;
  readonly #options: ObjectRunOptions;
  readonly #settler: Settler;
  readonly #hooks: WorkerHooks;
  readonly #redo: Unit[] = [];
  /** The read-back under way, while further units travel. */
  #settling: Promise<void> = Promise.resolve();
  /** Also while no further unit can start, or none is left to. */
  readonly #settleLater: Alarm;

  constructor(context: ObjectContext, options: ObjectRunOptions) {
    this.#context = context;
    this.#options = options;
    const redo = (unit: Unit): void => {
      this.#redo.push(unit);
    };
    const settler = new Settler(context, redo);
    this.#settler = settler;
    this.#settleLater = new Alarm(context.deps.clock, () => this.#settleNow());
    this.#hooks = {
      redo,
      commit: (committed) => {
        settler.add(committed);
        this.#settleLater.set(settler.dueAt);
      },
      prove: (sha256, method) => settler.addProof(sha256, method),
      met: (unit) => settler.met(unit),
      notOurs: (unit, signal) => settler.notOurs(unit, signal),
    };
  }

  /** Waits for what is in flight, reads back what was committed, and begins again what was overtaken. */
  async finish(): Promise<void> {
    const { pool, farSide, run, givenUp } = this.#options;
    do {
      await this.#beginAgain();
      await pool.idle();
      this.#settleLater.clear();
      await this.#settling;
      if (!farSide.aborted) await shareOf(this.#context, this.#options, () => this.#settler.flush(farSide, run));
    } while (this.#redo.length > 0 && givenUp() === undefined);
    const left = [...this.#settler.abandon().map(({ unit }) => unit), ...this.#redo.splice(0)];
    await this.#notTried(left.map(({ node }) => node));
  }

  /** To be called at the end, also after a failure: nothing goes on behind the caller's back. */
  async settled(): Promise<void> {
    this.#settleLater.clear();
    await this.#settling.catch(() => undefined);
  }

  /**
   * All files of a path (`/` = the whole repository) that are selected. A path without any file is a failed unit, but
   * where the source is followed: there it may come.
   */
  async scope(path: string, selected: (node: SourceNode) => boolean): Promise<void> {
    const { reader, repository, deps } = this.#context;
    let found = false;
    const listing = reader.nodes(repository, path === '/' ? undefined : path, deps.limits.pageSize, this.#options.run);
    for await (const page of listing) {
      found = true;
      await this.#selected(page.filter(selected));
      if (deps.drain.aborted) return;
    }
    if (!found && path !== '/' && !follows(this.#context)) await this.#pathMissing(path);
  }

  /** Those of these files that the source still has, and that are selected. */
  async some(pages: AsyncIterable<readonly string[]>, selected: (node: SourceNode) => boolean): Promise<void> {
    const { reader, repository, deps } = this.#context;
    for await (const paths of pages) {
      const found = await reader.findNodes(repository, paths, this.#options.run);
      await this.#selected([...found.values()].filter(selected));
      if (deps.drain.aborted) return;
    }
  }

  async #selected(nodes: readonly SourceNode[]): Promise<void> {
    if (this.#options.givenUp() !== undefined) {
      await this.#notTried(nodes);
      return;
    }
    await this.#page(nodes);
    await this.#beginAgain();
  }

  async #page(nodes: readonly SourceNode[]): Promise<void> {
    const units = await this.#units(await this.#withoutHeldBack(nodes));
    let assignments: readonly (Assignment & { readonly prior: UnitDetail | undefined })[];
    try {
      assignments = await this.#compare(units);
    } catch (error) {
      await this.#compareFailed(units, error);
      return;
    }
    await this.#ownFirst(assignments);
    for (const [position, assignment] of assignments.entries()) {
      if (this.#options.givenUp() !== undefined || this.#context.deps.drain.aborted) {
        if (this.#options.givenUp() !== undefined)
          await this.#notTried(assignments.slice(position).map(({ unit }) => unit.node));
        return;
      }
      await this.#dispatch(assignment, assignment.prior);
    }
  }

  #withoutHeldBack(nodes: readonly SourceNode[]): Promise<readonly SourceNode[]> {
    const { run } = this.#options;
    const kind = {
      keyOf: ({ fullPath }: SourceNode) => unitKey(this.#context.index, fullPath),
      fingerprint: (node: SourceNode) => filesFingerprint([node]),
      hold: (node: SourceNode, why: ReplicationError) =>
        finish(this.#context, this.#planned(node), 'FAILED', 0, run, why),
    };
    return withoutHeldBack(this.#context, nodes, kind, run);
  }

  /** Nodes made of blocks get their digest; kinds that cannot travel become failed units. */
  async #units(nodes: readonly SourceNode[]): Promise<Unit[]> {
    const { reader, repository, setting } = this.#context;
    const units: Unit[] = [];
    for (const node of nodes) {
      const metadata = travellingMetadata(node.metadata, setting.includeMetadata);
      const unit = this.#planned({ ...node, metadata }, node);
      if (!unit.rebuilt) {
        units.push(unit);
        continue;
      }
      try {
        units.push({ ...unit, node: await reader.resolve(repository, unit.node, this.#options.run) });
      } catch (error) {
        await this.#failed(unit, classify(error));
      }
    }
    return units;
  }

  async #compare(units: readonly Unit[]): Promise<(Assignment & { prior: UnitDetail | undefined })[]> {
    const { link, target, index } = this.#context;
    const signal = this.#options.farSide;
    if (units.length === 0) return [];
    const paths = units.map(({ node }) => node.fullPath);
    const far = await link.call((t) => t.findNodes(target, paths, signal), signal);
    const proofs = await goodProofs(
      this.#context,
      units.map(({ node }) => node.sha256),
      signal,
    );
    const owned = await this.#ownedKeys(units, far);
    const own = await ownedAmong(this.#context, paths, signal);
    const inDoubt = new Set(pathsInDoubt(units, far));
    await this.#follow(
      units.filter(({ node }) => !inDoubt.has(node.fullPath)),
      own,
    );
    const prior = await this.#priorDetails(paths, signal);
    return units.map((unit) => {
      const { fullPath, sha256 } = unit.node;
      const farNode = far.get(fullPath);
      return {
        unit: {
          ...unit,
          recorded: prior.has(unitKey(index, fullPath)),
          ownDigest: unit.ownDigest ?? (inDoubt.has(fullPath) ? leftThere(own.get(fullPath), farNode) : undefined),
        },
        far: farNode,
        ownedKeys: [...new Set([...(owned.get(fullPath) ?? []), ...unit.ownKeys])],
        proof: proofs.get(sha256),
        prior: prior.get(unitKey(index, fullPath)),
      };
    });
  }

  /** What is equal may have come from another document of the source than it did: by that its next move is known. */
  async #follow(same: readonly Unit[], own: ReadonlyMap<string, OwnedFileState>): Promise<void> {
    const { link, target, deps } = this.#context;
    const moved = same.flatMap(({ node: { fullPath, id: sourceId } }): OwnedNode[] => {
      const file = own.get(fullPath);
      return file === undefined || file.sourceId === sourceId ? [] : [{ fullPath, file: { ...file, sourceId } }];
    });
    if (moved.length > 0) await deps.journal.writeOwnedKeys(link.id, target, moved, this.#options.run);
  }

  /** Asked only where the far side has keys that the source lacks. */
  async #ownedKeys(
    units: readonly Unit[],
    far: ReadonlyMap<string, TargetNode>,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const { deps, link, target } = this.#context;
    const candidates = units.filter(({ node }) => hasOtherKeys(far.get(node.fullPath), node));
    if (candidates.length === 0) return new Map();
    const paths = candidates.map(({ node }) => node.fullPath);
    return deps.journal.findOwnedKeys(link.id, target, paths, this.#options.farSide);
  }

  /** What is about to be put at the far side; what was put down before stays, until it is read back what lies there. */
  async #ownFirst(assignments: readonly Assignment[]): Promise<void> {
    const { link, target, deps } = this.#context;
    const owned = assignments.flatMap((assignment): OwnedNode[] => {
      const { unit } = assignment;
      const { kind } = actionOf(this.#context, assignment);
      const moreKeys = [...new Set([...unit.ownKeys, ...keysOf(unit.node)])];
      const { fullPath } = unit.node;
      if (kind === 'repair-metadata') return [{ fullPath, moreKeys }];
      if (kind !== 'create' && kind !== 'overwrite') return [];
      const formerly = unit.ownDigest === undefined ? {} : { formerly: unit.ownDigest };
      const file = follows(this.#context) ? { file: stateOf(unit.node, formerly) } : {};
      return [{ fullPath, moreKeys, ...file }];
    });
    const said = owned.filter(({ moreKeys, file }) => (moreKeys?.length ?? 0) > 0 || file !== undefined);
    if (said.length > 0) await deps.journal.writeOwnedKeys(link.id, target, said, this.#options.run);
  }

  async #dispatch(assignment: Assignment, prior: UnitDetail | undefined): Promise<void> {
    const { recorder } = this.#context;
    const { unit, proof } = assignment;
    const action = actionOf(this.#context, assignment);
    if (action.kind === 'none' && isDone(prior, unit.node)) {
      await recorder.countRecorded(prior, this.#options.run);
      return;
    }
    if (action.kind === 'none' && proof !== undefined && unit.redone === 0) {
      this.#settler.met(unit);
      await finish(this.#context, unit, 'UNCHANGED', 0, this.#options.run);
      return;
    }
    try {
      await this.#options.pool.start(
        (signal) => workUnit(this.#context, this.#hooks, assignment, signal),
        (error) => this.#interrupted(unit, error),
        this.#options.farSide,
      );
    } catch (error) {
      await this.#interrupted(unit, error);
    }
    if (this.#settler.due) await this.#settle();
  }

  /** Begins to read back what was committed; waits only when the time before has not ended, and fails as that did. */
  async #settle(): Promise<void> {
    const before = this.#settling;
    const { farSide, run } = this.#options;
    const next = before.then(() => shareOf(this.#context, this.#options, () => this.#settler.flush(farSide, run)));
    this.#settling = next;
    // Met by the next one, or at the end.
    next.catch(() => undefined);
    await before;
  }

  #settleNow(): void {
    if (this.#options.farSide.aborted) return;
    if (!this.#settler.due) this.#settleLater.set(this.#context.deps.clock.monotonic() + LONGEST_UNSETTLED);
    // Its failure is met by the next one, or at the end.
    else this.#settle().catch(() => undefined);
  }

  /** Units that the far side or the source overtook start again, with a fresh comparison. */
  async #beginAgain(): Promise<void> {
    while (this.#redo.length > 0) {
      const units = this.#redo.splice(0, this.#context.deps.limits.pageSize);
      if (this.#options.givenUp() !== undefined) {
        await this.#notTried(units.map(({ node }) => node));
        continue;
      }
      try {
        const assignments = await this.#compare(units);
        await this.#ownFirst(assignments);
        for (const assignment of assignments) await this.#dispatch(assignment, undefined);
      } catch (error) {
        await this.#compareFailed(units, error);
      }
    }
  }

  async #compareFailed(units: readonly Unit[], cause: unknown): Promise<void> {
    this.#options.run.throwIfAborted();
    if (this.#options.givenUp() !== undefined) {
      await this.#notTried(units.map(({ node }) => node));
      return;
    }
    const error = classify(cause);
    if (isJournalError(error)) throw error;
    if (error.errorClass === 'unit' || error.errorClass === 'retryable') {
      for (const unit of units) await this.#notCompared(unit, error);
      return;
    }
    this.#context.giveUp(error);
    await this.#notTried(units.map(({ node }) => node));
  }

  async #failed(unit: Unit, error: ReplicationError): Promise<void> {
    await fail(this.#context, unit, this.#options.run, error);
    this.#stopAfter(unit, error);
  }

  /** Not held against the file: it was asked about together with others. */
  async #notCompared(unit: Unit, error: ReplicationError): Promise<void> {
    await finish(this.#context, unit, 'FAILED', 0, this.#options.run, error);
    this.#stopAfter(unit, error);
  }

  #stopAfter(unit: Unit, error: ReplicationError): void {
    if (this.#context.setting.errorStrategy === 'FAST_FAIL') this.#context.giveUp(fastFail(error, unit.node.fullPath));
  }

  /** A unit in flight when the far side was given up, or when the run cannot go on. */
  async #interrupted(unit: Unit, error: unknown): Promise<void> {
    if (this.#options.run.aborted) return;
    if (this.#options.givenUp() !== undefined) await this.#notTried([unit.node]);
    else this.#context.fail(error);
  }

  /** What this record has as done from before a crash stays done. */
  async #notTried(nodes: readonly SourceNode[]): Promise<void> {
    const { run, givenUp } = this.#options;
    const prior = await this.#priorDetails(
      nodes.map(({ fullPath }) => fullPath),
      run,
    );
    for (const node of nodes) {
      const detail = prior.get(unitKey(this.#context.index, node.fullPath));
      if (isDone(detail, node)) await this.#context.recorder.countRecorded(detail, run);
      else await finish(this.#context, this.#planned(node), 'NOT_TRIED', 0, run, givenUp());
    }
  }

  async #priorDetails(paths: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, UnitDetail>> {
    const { deps, link, index } = this.#context;
    if (!deps.resumed || paths.length === 0) return new Map();
    const keys = paths.map((path) => unitKey(index, path));
    return deps.journal.findDetails(link.id, keys, signal);
  }

  #planned(node: SourceNode, listed: SourceNode = node): Unit {
    const startTime = new Date(this.#context.deps.clock.now());
    const rebuilt = node.kind !== 'file';
    const { resumed: recorded } = this.#context.deps;
    return { node, listed, rebuilt, startTime, redone: 0, ownDigest: undefined, ownKeys: [], recorded };
  }

  async #pathMissing(path: string): Promise<void> {
    const { object, localProjectId } = this.#context;
    const error = new ReplicationError(
      'unit',
      'PathNotFound',
      `${path} is not in repository ${localProjectId}/${object.localRepoName} of the source`,
    );
    const unit = this.#planned({ ...NO_NODE, fullPath: path });
    await finish(this.#context, unit, 'FAILED', 0, this.#options.run, error);
    if (this.#context.setting.errorStrategy === 'FAST_FAIL') this.#context.giveUp(fastFail(error, path));
  }
}

/** Absent or different at the far side. */
function pathsInDoubt(units: readonly Unit[], far: ReadonlyMap<string, TargetNode>): readonly string[] {
  const isOther = (node: SourceNode, there: TargetNode): boolean =>
    !there.folder && judge(node, there, keysOf({ metadata: there.metadata })) !== 'same';
  const nodes = units.map(({ node }) => ({ node, there: far.get(node.fullPath) }));
  const inDoubt = nodes.filter(({ node, there }) => there === undefined || isOther(node, there));
  return inDoubt.map(({ node }) => node.fullPath);
}

function isDone(detail: UnitDetail | undefined, node: SourceNode): detail is UnitDetail {
  return detail?.status === 'SUCCESS' && detail.sha256 === node.sha256;
}

const NO_NODE: SourceNode = {
  id: '',
  fullPath: '',
  kind: 'file',
  size: 0,
  sha256: '',
  md5: '',
  crc64ecma: null,
  metadata: [],
  createdBy: '',
  createdDate: new Date(0),
  lastModifiedBy: '',
  lastModifiedDate: new Date(0),
  expireDate: null,
  copyFromCredentialsKey: null,
};

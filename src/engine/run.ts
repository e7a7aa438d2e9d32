/**
 * One run of a task: all far sides side by side, none waiting for another. Guarantees: resolves only when every unit
 * was counted exactly once at every far side; rejects, and leaves the record open for whoever adopts it, when the run is
 * aborted or drained, or when the journal is lost. Does not decide when to run, nor what an outcome means for a task.
 */
import { classify, ReplicationError } from '../domain/errors.ts';
import { BlobCourier } from './blob-courier.ts';
import { BlobRun } from './blob-run.ts';
import type { FarSideContext, ObjectContext } from './context.ts';
import { EndpointHealth } from './endpoint-health.ts';
import { FailedUnits } from './failed-units.ts';
import { FailureMemory } from './failure-memory.ts';
import { FarSideLink } from './far-side-link.ts';
import { runObject } from './object-run.ts';
import { patientJournal } from './patient-journal.ts';
import { ProgressTeller } from './progress/progress-teller.ts';
import { RunTotals } from './progress/run-totals.ts';
import { Recorder } from './recorder.ts';
import type { FarSideOutcome, RunDeps, RunFarSide, RunObject, RunOutcome, RunPlan } from './run-types.ts';
import { SourceReader } from './source-reader.ts';
import { repositoryOf } from './source-repository.ts';
import { isJournalError } from './unit-errors.ts';
import { unitKey } from './unit-key.ts';
import { UnitPool } from './unit-pool.ts';
import type { UnitSelection } from './unit-selection.ts';

/** Details of earlier epochs read together. */
const LEFT_AT_ONCE = 1_000;

export async function executeRun(
  plan: RunPlan,
  farSides: readonly RunFarSide[],
  deps: RunDeps,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const failure = new AbortController();
  const run = AbortSignal.any([signal, failure.signal]);
  const runs: FarSideRun[] = [];
  const onKnown = (): void => {
    for (const farSideRun of runs) farSideRun.teller.moved();
  };
  const sides = farSides.map(({ target: { id: clusterId }, blobsOnly }) => ({ clusterId, blobsOnly }));
  const { source, journal } = deps;
  const totals = new RunTotals({ plan, farSides: sides, source, journal, onKnown });
  for (const farSide of farSides)
    runs.push(new FarSideRun(plan, farSide, deps, totals, run, (error) => failure.abort(error)));
  const settled = await Promise.allSettled(
    runs.map(async (farSideRun) => {
      try {
        return await farSideRun.execute();
      } catch (error) {
        // While draining the others end what they have begun, unless the record is another leader's by now.
        if (!deps.drain.aborted || isJournalError(classify(error))) failure.abort(error);
        throw error;
      } finally {
        farSideRun.teller.end();
      }
    }),
  );
  await totals.end();
  signal.throwIfAborted();
  failure.signal.throwIfAborted();
  for (const result of settled) if (result.status === 'rejected') throw result.reason;
  return { farSides: settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])) };
}

class FarSideRun {
  readonly teller: ProgressTeller;
  readonly #plan: RunPlan;
  readonly #deps: RunDeps;
  readonly #run: AbortSignal;
  readonly #stop = new AbortController();
  readonly #farSide: AbortSignal;
  readonly #pool: UnitPool;
  readonly #context: FarSideContext;
  /** Not everything, as in a retry. */
  readonly #only: UnitSelection | undefined;
  #givenUp: ReplicationError | undefined;
  /** The first object that could not be begun. */
  #objectError: ReplicationError | undefined;

  constructor(
    plan: RunPlan,
    { target, uploadVerification, blobsOnly, lane, trust = { smallBlobsProved: 0 } }: RunFarSide,
    deps: RunDeps,
    totals: RunTotals,
    run: AbortSignal,
    fail: (error: unknown) => void,
  ) {
    this.#plan = plan;
    this.#deps = deps;
    this.#run = run;
    this.#farSide = AbortSignal.any([run, this.#stop.signal]);
    this.#pool = new UnitPool(lane);
    const { clock, random, limits } = deps;
    const { patience, attempts, backoff } = limits;
    const health = { patience, attempts, backoff, clock, random };
    const reader = new SourceReader(
      deps.source,
      new EndpointHealth({ ...health, what: 'the source database', unavailable: 'SourceUnavailable' }),
    );
    const link = new FarSideLink(
      target,
      new EndpointHealth({ ...health, what: `far side ${target.name}`, unavailable: 'FarSideUnavailable' }),
      lane,
    );
    const teller = new ProgressTeller({
      clusterId: target.id,
      clusterName: target.name,
      clock,
      counted: () => totals.of(target.id),
      tell: deps.onProgress,
    });
    this.teller = teller;
    const recordId = deps.journal.recordId;
    const journal = patientJournal(
      deps.journal,
      new EndpointHealth({ ...health, what: 'the journal', unavailable: 'JournalUnavailable' }),
    );
    const clusterId = target.id;
    const { retryOf } = plan;
    const { pageSize } = limits;
    this.#only =
      retryOf === undefined ? plan.only : new FailedUnits({ journal, recordId: retryOf, clusterId, pageSize });
    const failures = new FailureMemory({ journal, clusterId, requested: deps.requested, clock });
    this.#context = {
      deps: { ...deps, journal },
      setting: plan.setting,
      localProjectId: plan.localProjectId,
      blobsOnly,
      reader,
      link,
      courier: new BlobCourier({
        // A rolling record lasts an hour, and far sides clean up meanwhile: what it has proved is asked for again.
        recordId: plan.setting.following !== undefined && plan.only !== undefined ? '' : recordId,
        source: reader,
        journal,
        link,
        lane,
        onPayload: (bytes) => teller.payloadSent(bytes),
        verification: uploadVerification,
        trust,
        blobsOnly,
        backoff,
        clock,
        random,
      }),
      failures,
      recorder: new Recorder({
        journal,
        failures,
        clusterId,
        clusterName: target.name,
        conflictStrategy: plan.setting.conflictStrategy,
        recordUnchanged: plan.setting.recordUnchanged,
        clock,
        onCounted: (tally) => teller.unitsCounted(tally),
        onUnit: deps.onUnit && ((unit) => deps.onUnit?.(clusterId, unit)),
      }),
      foresee: (units, bytes) => teller.foresee(units, bytes),
      giveUp: (error) => this.#giveUp(error),
      fail,
    };
  }

  async execute(): Promise<FarSideOutcome> {
    this.teller.moved();
    for (const [index, object] of this.#plan.objects.entries()) {
      this.#run.throwIfAborted();
      this.#deps.drain.throwIfAborted();
      try {
        await this.#object(index, object);
      } catch (cause) {
        this.#run.throwIfAborted();
        this.#deps.drain.throwIfAborted();
        const error = classify(cause);
        if (isJournalError(error)) throw error;
        this.#objectError ??= error;
        await this.#recordObject(index, object, error);
        if (error.errorClass === 'cluster' || this.#plan.setting.errorStrategy === 'FAST_FAIL') this.#giveUp(error);
      }
    }
    await this.#pool.idle();
    await this.#context.recorder.flush(this.#run);
    if (this.#deps.resumed) await this.#countLeft();
    return this.#context.recorder.outcome(this.#givenUp ?? this.#objectError);
  }

  /** Rows of an earlier epoch about units that are no longer there: what was done is counted, of the rest nothing came. */
  async #countLeft(): Promise<void> {
    const { recorder, link, deps } = this.#context;
    await deps.journal.dropLeftDetails(link.id, this.#run);
    for (let after: string | undefined; ; ) {
      const page = await deps.journal.leftDetails(link.id, after, LEFT_AT_ONCE, this.#run);
      for (const detail of page) recorder.countLeft(detail);
      after = page.at(-1)?.unitKey;
      if (after === undefined) return;
    }
  }

  /**
   * An object that cannot be begun, or not be read to its end, is a unit of its own: `<index>:/`, its whole repository.
   * It has failed by its own fault, else it was not tried.
   */
  #recordObject(index: number, object: RunObject, error: ReplicationError): Promise<void> {
    const { recorder, deps } = this.#context;
    return recorder.record(
      {
        unitKey: unitKey(index, '/'),
        object,
        node: { fullPath: '/', size: 0, sha256: '' },
        status: error.errorClass === 'unit' || error.errorClass === 'spec' ? 'FAILED' : 'NOT_TRIED',
        bytesSent: 0,
        startTime: new Date(deps.clock.now()),
        replaces: deps.resumed,
        reason: error.code,
        message: error.message,
      },
      this.#run,
    );
  }

  async #object(index: number, object: RunObject): Promise<void> {
    const { reader, link, localProjectId } = this.#context;
    const scope = (await this.#only?.scope(index, this.#run)) ?? 'whole';
    if (scope === 'nothing') return;
    const only = scope === 'units' ? this.#only : undefined;
    const { project, repository } = await repositoryOf(reader, localProjectId, object, this.#run);
    const { remoteProjectId, remoteRepoName } = object;
    const request = {
      project,
      repository,
      remoteProjectId,
      remoteRepoName,
      create: this.#plan.setting.automaticCreateRemoteRepo,
    };
    const { blobsOnly } = this.#context;
    const known = {
      projectId: remoteProjectId,
      name: remoteRepoName,
      repoType: repository.type,
      storageKey: repository.credentialsKey,
    };
    const target =
      blobsOnly || this.#givenUp !== undefined
        ? known
        : await link.call((t) => t.prepareRepository(request, this.#farSide), this.#farSide);
    let unread: ReplicationError | undefined;
    const context: ObjectContext = {
      ...this.#context,
      index,
      object,
      repository,
      target,
      only,
      unread: (error) => (unread ??= error),
    };
    const options = { pool: this.#pool, farSide: this.#farSide, run: this.#run, givenUp: () => this.#givenUp };
    await (blobsOnly ? new BlobRun(context, options).execute() : runObject(context, options));
    if (unread !== undefined) await this.#recordObject(index, object, unread);
  }

  /** FAST_FAIL lets what is in flight finish; a far side that refuses us does not. */
  #giveUp(error: ReplicationError): void {
    if (this.#givenUp !== undefined) return;
    this.#givenUp = error;
    if (error.code !== 'FastFail') this.#stop.abort(error);
  }
}

/** The steps that act on runs: take what ended, stop what is unwanted, go on with what was left open, start what is due. */
import {
  CANCEL_REQUESTED_ANNOTATION,
  clusterId,
  RETRY_REQUESTED_ANNOTATION,
  RUN_REQUESTED_ANNOTATION,
} from '../../api/names.ts';
import { type Due, dueRun, pendingRequest, requestClaim } from '../../domain/due.ts';
import { runVerdict, type Verdict } from '../../domain/run-verdict.ts';
import { finished, isEnded } from '../../domain/task-status.ts';
import type { Target } from '../../engine/ports.ts';
import type { RunFarSide } from '../../engine/run-types.ts';
import type { RunRecord } from '../../journal/records.ts';
import { type Access, readAccess } from '../cluster/access.ts';
import { event } from '../transition-events.ts';
import { troubleOf, workingTrouble } from '../trouble.ts';
import { renewedTarget } from './renewed-target.ts';
import { abortText, closeFarSides, RunAbort, runBody } from './run-body.ts';
import { runPlan } from './run-plan.ts';
import { addTrouble, againIn, isBlocked, type Step, type Worksheet } from './worksheet.ts';

const ACTION = 'Replicate';
/** Before a run that lost its journal is taken up again. Milliseconds. */
const ADOPT_AGAIN_MS = 5_000;
const LOOK_AGAIN_MS = 5_000;
/** The source must answer within this before a run is begun. Milliseconds. */
const SOURCE_CHECK_MS = 10_000;

export const takeEndedRun: Step = ({ key, task, options, memory, logger }) => {
  const { registry, store, clock } = options;
  const run = registry.get(key);
  if (run?.result === undefined) return;
  const result = registry.take(key, run.id);
  memory.active = undefined;
  if (result?.status === 'fulfilled') {
    const verdict = verdictOf(result.value);
    const { id: recordId, status } = result.value;
    logger.info('run ended', { recordId, status, reason: verdict.reason, message: verdict.message });
    const type = status === 'SUCCESS' ? 'Normal' : 'Warning';
    const reason = { SUCCESS: 'RunSucceeded', FAILED: 'RunFailed', ABORTED: 'RunAborted' }[verdictStatus(status)];
    store.event(
      'ReplicaTask',
      task,
      event(type, reason, ACTION, `run ${recordId}: ${verdict.reason}: ${verdict.message}`),
    );
  } else if (result?.status === 'rejected') {
    memory.notBefore = clock.monotonic() + ADOPT_AGAIN_MS;
    logger.warn('run broke off, its record stays open', { recordId: run.id, error: result.reason });
    const { reason, message } = workingTrouble(result.reason);
    store.event(
      'ReplicaTask',
      task,
      event('Warning', 'RunInterrupted', ACTION, `run ${run.id}: ${reason}: ${message}`),
    );
  }
};

function verdictOf(record: RunRecord): Verdict {
  return isEnded(record) ? runVerdict(finished(record)) : { reason: 'RunOpen', message: 'the run is open' };
}

function verdictStatus(status: RunRecord['status']): 'SUCCESS' | 'FAILED' | 'ABORTED' {
  return status === 'RUNNING' ? 'ABORTED' : status;
}

/** Answered whether or not there was something to cancel. */
export const stopUnwanted: Step = async (sheet, signal) => {
  const { key, task, options, memory } = sheet;
  const cancel = pendingRequest(
    task.metadata.annotations,
    CANCEL_REQUESTED_ANNOTATION,
    sheet.handled.lastHandledCancelRequest ?? task.status?.lastHandledCancelRequest,
  );
  const active = memory.active;
  const open = openRecord(sheet);
  if (active !== undefined) {
    const reason = unwanted(sheet, active, cancel);
    if (reason !== undefined) options.registry.abort(key, reason);
  } else if (open !== undefined) {
    const reason = unwanted(sheet, open, cancel);
    if (reason !== undefined) await closeOpen(sheet, open, reason, signal);
  }
  if (cancel !== undefined && sheet.records !== undefined)
    sheet.handled = { ...sheet.handled, lastHandledCancelRequest: cancel };
};

function unwanted(
  { task, specHash, enabled }: Worksheet,
  record: RunRecord,
  cancel: string | undefined,
): RunAbort | undefined {
  if (record.taskUid !== task.metadata.uid) return new RunAbort('TaskDeleted', 'the task was deleted');
  if (cancel !== undefined) return new RunAbort('Cancelled', 'the run was cancelled on request');
  if (!enabled) return new RunAbort('Suspended', 'the task was disabled while it ran');
  if (record.specHash !== specHash) return new RunAbort('SpecChanged', 'the task was changed while it ran');
  return undefined;
}

/** A run that nobody performs, left behind by a process that is gone, and not wanted any more. */
async function closeOpen(sheet: Worksheet, open: RunRecord, reason: RunAbort, signal: AbortSignal): Promise<void> {
  const { journal } = sheet.options;
  const adopted = await journal.adopt(open.id, signal);
  if (adopted === undefined) return;
  const result = { status: 'ABORTED', errorReason: abortText(reason), farSides: [] } as const;
  replaceRecord(sheet, await journal.finishRun(adopted, result, signal));
}

function openRecord({ records, task }: Worksheet): RunRecord | undefined {
  return records?.find((record) => record.status === 'RUNNING' && record.taskUid === task.metadata.uid);
}

function replaceRecord(sheet: Worksheet, record: RunRecord): void {
  const others = (sheet.records ?? []).filter(({ id }) => id !== record.id);
  sheet.records = [record, ...others].toSorted((a, b) => b.startTime.getTime() - a.startTime.getTime());
}

export const goOnWithOpenRun: Step = async (sheet, signal) => {
  const { key, options, memory, task } = sheet;
  const open = openRecord(sheet);
  if (open === undefined || options.registry.get(key) !== undefined || isBlocked(sheet)) return;
  const wait = memory.notBefore - options.clock.monotonic();
  if (wait > 0) {
    againIn(sheet, wait);
    return;
  }
  if (!(await sourceAnswers(sheet, signal))) return;
  const farSides = await openFarSides(sheet, signal);
  if (farSides === undefined) return;
  const record = await options.journal.adopt(open.id, signal);
  if (record === undefined) {
    await closeFarSides(farSides);
    againIn(sheet, 0);
    return;
  }
  launch(sheet, record, true, farSides);
  const note = `goes on with run ${record.id}, begun ${record.startTime.toISOString()}`;
  options.store.event('ReplicaTask', task, event('Normal', 'RunAdopted', ACTION, note));
};

export const startDueRun: Step = async (sheet, signal) => {
  const { key, task, specHash, options, records, memory } = sheet;
  if (records === undefined || openRecord(sheet) !== undefined || options.registry.get(key) !== undefined) return;
  if (memory.active !== undefined || isBlocked(sheet)) return;
  const { uid, annotations } = task.metadata;
  const status = { ...task.status, ...sheet.handled };
  const due = dueRun({ uid, spec: task.spec, specHash, annotations, status, runs: records });
  if (due === undefined) return;
  // Every far side is known to be out of reach: the probe that finds one again wakes this task.
  if (!sheet.reachable) return;
  if (!(await sourceAnswers(sheet, signal))) return;
  const farSides = await openFarSides(sheet, signal);
  if (farSides !== undefined) await begin(sheet, due, farSides, signal);
};

async function sourceAnswers(sheet: Worksheet, signal: AbortSignal): Promise<boolean> {
  const timeout = AbortSignal.timeout(SOURCE_CHECK_MS);
  try {
    await sheet.options.source.check(AbortSignal.any([signal, timeout]));
    return true;
  } catch (error) {
    signal.throwIfAborted();
    const message = `the source database did not answer within ${SOURCE_CHECK_MS} ms`;
    addTrouble(
      sheet,
      timeout.aborted ? { kind: 'working', reason: 'SourceUnavailable', message } : workingTrouble(error),
    );
    againIn(sheet, LOOK_AGAIN_MS);
    return false;
  }
}

/** Credentials are read anew for each run. Undefined, with the trouble noted, when a far side cannot be opened. */
async function openFarSides(sheet: Worksheet, signal: AbortSignal): Promise<readonly RunFarSide[] | undefined> {
  const { options, references, task } = sheet;
  const opened = new Map<string, RunFarSide>();
  for (const { cluster } of references) {
    if (cluster === undefined || opened.has(cluster.metadata.name)) continue;
    try {
      const access = await readAccess(options.store, cluster, signal);
      const open = (found: Access): Target => options.farSides.open(cluster, found, task.spec.localProjectId);
      const { namespace, name } = cluster.metadata;
      opened.set(name, {
        target: renewedTarget(open(access), async (inner) => open(await readAccess(options.store, cluster, inner))),
        uploadVerification: cluster.spec.uploadVerification,
        blobsOnly: cluster.spec.type === 'EDGE',
        lane: options.lanes.lane({
          clusterId: clusterId(namespace, name),
          taskUid: task.metadata.uid,
          rateLimit: task.spec.setting.rateLimit,
          ...cluster.spec.limits,
        }),
      });
    } catch (error) {
      await closeFarSides([...opened.values()]);
      signal.throwIfAborted();
      const trouble = troubleOf(error);
      addTrouble(sheet, { ...trouble, message: `Cluster ${cluster.metadata.name}: ${trouble.message}` });
      againIn(sheet, LOOK_AGAIN_MS);
      return undefined;
    }
  }
  return [...opened.values()];
}

async function begin(
  sheet: Worksheet,
  { claim, trigger }: Due,
  farSides: readonly RunFarSide[],
  signal: AbortSignal,
): Promise<void> {
  const { task, taskKey, specHash, options } = sheet;
  const { uid: taskUid, namespace, name, generation } = task.metadata;
  try {
    const { recordReserveDays: reserveDays, record: keepDetails } = task.spec;
    const start = {
      taskKey,
      taskUid,
      namespace,
      name,
      claim,
      trigger,
      specHash,
      generation,
      reserveDays,
      keepDetails,
    };
    const { outcome, record } = await options.journal.beginRun(start, signal);
    if (outcome === 'started') {
      launch(sheet, record, false, farSides);
      const note = `run ${record.id} (${trigger}) to ${farSides.map(({ target }) => target.name).join(', ')}`;
      options.store.event('ReplicaTask', task, event('Normal', 'RunStarted', ACTION, note));
    } else {
      await closeFarSides(farSides);
      againIn(sheet, outcome === 'busy' ? LOOK_AGAIN_MS : 0);
    }
    if (outcome !== 'busy') answerRequest(sheet, claim);
  } catch (error) {
    await closeFarSides(farSides);
    signal.throwIfAborted();
    addTrouble(sheet, workingTrouble(error));
    againIn(sheet, LOOK_AGAIN_MS);
  }
}

function answerRequest(sheet: Worksheet, claim: string): void {
  const { annotations } = sheet.task.metadata;
  const run = annotations?.[RUN_REQUESTED_ANNOTATION];
  if (run !== undefined && claim === requestClaim('request', run))
    sheet.handled = { ...sheet.handled, lastHandledRunRequest: run };
  const retry = annotations?.[RETRY_REQUESTED_ANNOTATION];
  if (retry !== undefined && claim === requestClaim('retry', retry))
    sheet.handled = { ...sheet.handled, lastHandledRetryRequest: retry };
}

function launch(sheet: Worksheet, record: RunRecord, resumed: boolean, farSides: readonly RunFarSide[]): void {
  const { key, task, options, memory, logger } = sheet;
  const order = { record, resumed, plan: runPlan(task.spec), farSides };
  options.registry.start(key, record.id, runBody(options, order));
  memory.active = record;
  replaceRecord(sheet, record);
  const names = farSides.map(({ target }) => target.name);
  logger.info(resumed ? 'run adopted' : 'run started', { recordId: record.id, claim: record.claim, farSides: names });
}

/** The steps that act on runs there are: take what ended, stop what is unwanted, go on with what was left open. */
import { CANCEL_REQUESTED_ANNOTATION } from '../../api/names.ts';
import { pendingRequest } from '../../domain/due.ts';
import { runVerdict, type Verdict } from '../../domain/run-verdict.ts';
import { finished, isEnded } from '../../domain/task-status.ts';
import type { RunFarSide } from '../../engine/run-types.ts';
import type { RunRecord } from '../../journal/records.ts';
import { event } from '../transition-events.ts';
import { workingTrouble } from '../trouble.ts';
import { openFarSides, sourceAnswers } from './readiness.ts';
import { abortText, closeFarSides, RunAbort, runBody } from './run-body.ts';
import { runPlan } from './run-plan.ts';
import { againIn, isBlocked, newestFirst, openRecord, openRecords, type Step, type Worksheet } from './worksheet.ts';

/** What Events about runs say was done. */
export const ACTION = 'Replicate';
/** Before a run that lost its journal is taken up again. Milliseconds. */
const ADOPT_AGAIN_MS = 5_000;

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
  if (active !== undefined) {
    const reason = unwanted(sheet, active, cancel);
    if (reason !== undefined) options.registry.abort(key, reason);
  } else {
    // Of a task that followed its source there may be two.
    for (const open of openRecords(sheet)) {
      const reason = unwanted(sheet, open, cancel);
      if (reason !== undefined) await closeOpen(sheet, open, reason, signal);
    }
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

export function replaceRecord(sheet: Worksheet, record: RunRecord): void {
  const others = (sheet.records ?? []).filter(({ id }) => id !== record.id);
  sheet.records = newestFirst([record, ...others]);
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

export function launch(sheet: Worksheet, record: RunRecord, resumed: boolean, farSides: readonly RunFarSide[]): void {
  const { key, task, options, memory, logger } = sheet;
  const { retryOf } = record;
  const plan = { ...runPlan(task.spec), ...(retryOf === undefined ? {} : { retryOf }) };
  const order = { record, resumed, plan, farSides };
  const body = runBody(options, order);
  options.registry.start(key, record.id, async (context) => {
    // Tasks that are due in the same second are begun before any of them is busy.
    await options.rush.over();
    return await body(context);
  });
  memory.active = record;
  replaceRecord(sheet, record);
  const names = farSides.map(({ target }) => target.name);
  logger.info(resumed ? 'run adopted' : 'run started', { recordId: record.id, claim: record.claim, farSides: names });
}

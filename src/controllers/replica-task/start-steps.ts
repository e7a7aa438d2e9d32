/** The last step: a run that is due is begun, once, under its claim, and what asked for it is answered. */
import { RETRY_REQUESTED_ANNOTATION, RUN_REQUESTED_ANNOTATION } from '../../api/names.ts';
import { type Due, type DueFacts, dueRun, pendingRequest, requestClaim } from '../../domain/due.ts';
import { judgeRetry } from '../../domain/retry.ts';
import { tickClaim } from '../../domain/ticks.ts';
import type { RunFarSide } from '../../engine/run-types.ts';
import type { RunRecord, RunStart } from '../../journal/records.ts';
import { event } from '../transition-events.ts';
import { workingTrouble } from '../trouble.ts';
import { openFarSides, sourceAnswers } from './readiness.ts';
import { closeFarSides } from './run-body.ts';
import { ACTION, launch, replaceRecord } from './run-steps.ts';
import { tickDealtWith } from './time-steps.ts';
import { addTrouble, againIn, isBlocked, isBusy, type Step, type Worksheet } from './worksheet.ts';

const LOOK_AGAIN_MS = 5_000;
/** The claim was taken before, perhaps by ourselves just now: its run will be among the records. Milliseconds. */
const CLAIMED_AGAIN_MS = 1_000;

export const startDueRun: Step = async (sheet, signal) => {
  const { task, specHash, records, timetable, tick, now } = sheet;
  if (records === undefined) return;
  const { uid, annotations } = task.metadata;
  answerAgain(sheet, records);
  if (isBusy(sheet)) return;
  answerVainRetry(sheet, records);
  if (isBlocked(sheet)) return;
  const status = { ...task.status, ...sheet.handled };
  const facts: DueFacts = {
    uid,
    spec: task.spec,
    specHash,
    annotations,
    status,
    timetable,
    tick: tick?.at,
    now,
    runs: records,
  };
  const due = dueRun(facts);
  if (due === undefined) return;
  // Every far side is known to be out of reach: the probe that finds one again wakes this task.
  if (!sheet.reachable) return;
  if (!(await sourceAnswers(sheet, signal))) return;
  const farSides = await openFarSides(sheet, signal);
  if (farSides !== undefined) await begin(sheet, due, farSides, signal);
};

/** A request whose run was begun before: by a process that was killed before it could say so, or under a value used twice. */
function answerAgain(sheet: Worksheet, records: readonly RunRecord[]): void {
  const { task, handled } = sheet;
  const { annotations } = task.metadata;
  const { lastHandledRunRequest, lastHandledRetryRequest } = { ...task.status, ...handled };
  const run = pendingRequest(annotations, RUN_REQUESTED_ANNOTATION, lastHandledRunRequest);
  const retry = pendingRequest(annotations, RETRY_REQUESTED_ANNOTATION, lastHandledRetryRequest);
  const claims = [
    ...(run === undefined ? [] : [requestClaim('request', run)]),
    ...(retry === undefined ? [] : [requestClaim('retry', retry)]),
  ];
  for (const record of records) {
    if (!claims.includes(record.claim)) continue;
    answered(sheet, record.claim);
    tellAnswered(sheet, record);
  }
}

function tellAnswered({ events }: Worksheet, { id, trigger, startTime, status }: RunRecord): void {
  if (status === 'RUNNING') return;
  const note = `this value of the annotation was answered by run ${id}, begun ${startTime.toISOString()}; a new value asks for another run`;
  events.push(event('Normal', trigger === 'retry' ? 'RetryAnswered' : 'RequestAnswered', ACTION, note));
}

/** A request to retry where nothing is to be retried is answered by an Event, and by no run. */
function answerVainRetry(sheet: Worksheet, records: readonly RunRecord[]): void {
  const { task, specHash, enabled, handled } = sheet;
  const { uid, annotations } = task.metadata;
  const answered = handled.lastHandledRetryRequest ?? task.status?.lastHandledRetryRequest;
  const retry = pendingRequest(annotations, RETRY_REQUESTED_ANNOTATION, answered);
  if (retry === undefined || !enabled) return;
  const answer = judgeRetry(records, uid, specHash);
  if (answer.kind !== 'nothing') return;
  sheet.handled = { ...handled, lastHandledRetryRequest: retry };
  sheet.events.push(event('Normal', 'NothingToRetry', ACTION, `no run is begun: ${answer.why}`));
}

async function begin(sheet: Worksheet, due: Due, farSides: readonly RunFarSide[], signal: AbortSignal): Promise<void> {
  const { task, options } = sheet;
  try {
    const { outcome, record } = await options.journal.beginRun(runStart(sheet, due), signal);
    if (outcome === 'started') {
      launch(sheet, record, false, farSides);
      sheet.begun = true;
      const names = farSides.map(({ target }) => target.name).join(', ');
      const note = `run ${record.id} (${due.trigger}) to ${names}${extentOf(due)}`;
      options.store.event('ReplicaTask', task, event('Normal', 'RunStarted', ACTION, note));
    } else {
      await closeFarSides(farSides);
      if (outcome === 'claimed') takeClaimed(sheet, due, record);
      else againIn(sheet, LOOK_AGAIN_MS);
    }
    if (outcome !== 'busy') answered(sheet, due.claim);
  } catch (error) {
    await closeFarSides(farSides);
    signal.throwIfAborted();
    addTrouble(sheet, workingTrouble(error));
    againIn(sheet, LOOK_AGAIN_MS);
  }
}

/** A single run that is over leaves nothing to be looked at again; behind any other, something else may be due. */
function takeClaimed(sheet: Worksheet, { trigger }: Due, record: RunRecord): void {
  replaceRecord(sheet, record);
  if (trigger === 'request' || trigger === 'retry') tellAnswered(sheet, record);
  if (trigger !== 'one-shot' || record.status === 'RUNNING') againIn(sheet, CLAIMED_AGAIN_MS);
}

function extentOf({ retryOf, why }: Due): string {
  if (retryOf !== undefined) return `: only what failed in run ${retryOf}`;
  return why === undefined ? '' : `: ${why}`;
}

function runStart({ task, taskKey, specHash }: Worksheet, { claim, trigger, retryOf }: Due): RunStart {
  const { uid: taskUid, namespace, name, generation } = task.metadata;
  const { recordReserveDays: reserveDays, record: keepDetails } = task.spec;
  const common = { taskKey, taskUid, namespace, name, claim, trigger, specHash, generation, reserveDays, keepDetails };
  return { ...common, ...(retryOf === undefined ? {} : { retryOf }) };
}

/** Notes in the status to be written that what has this claim was dealt with. */
function answered(sheet: Worksheet, claim: string): void {
  const { annotations } = sheet.task.metadata;
  const run = annotations?.[RUN_REQUESTED_ANNOTATION];
  if (run !== undefined && claim === requestClaim('request', run))
    sheet.handled = { ...sheet.handled, lastHandledRunRequest: run };
  const retry = annotations?.[RETRY_REQUESTED_ANNOTATION];
  if (retry !== undefined && claim === requestClaim('retry', retry))
    sheet.handled = { ...sheet.handled, lastHandledRetryRequest: retry };
  if (sheet.tick !== undefined && claim === tickClaim(sheet.tick.at)) tickDealtWith(sheet);
}

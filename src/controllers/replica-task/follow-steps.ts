/** The steps of a REAL_TIME task beyond those of every task: take a follower that ended, stop one that is unwanted, begin one. */
import {
  CANCEL_REQUESTED_ANNOTATION,
  DELETES_APPROVED_ANNOTATION,
  RETRY_REQUESTED_ANNOTATION,
  RUN_REQUESTED_ANNOTATION,
} from '../../api/names.ts';
import type { ReplicaTaskStatus } from '../../api/replica-task.gen.ts';
import { pendingRequest } from '../../domain/due.ts';
import { type FollowOrder, FollowOrders } from '../../engine/follow/orders.ts';
import { event } from '../transition-events.ts';
import { workingTrouble } from '../trouble.ts';
import { followBody } from './follow-body.ts';
import { followIdentity, followPlan } from './follow-plan.ts';
import { openFarSides } from './readiness.ts';
import { RunAbort } from './run-body.ts';
import { addTrouble, againIn, isBlocked, type Step, type Worksheet } from './worksheet.ts';

const ACTION = 'Follow';
/** Before a follower that broke off is begun again. Milliseconds. */
const BEGIN_AGAIN_MS = 5_000;

export const takeEndedFollower: Step = (sheet) => {
  const { key, options, memory, logger } = sheet;
  const follower = options.followers.get(key);
  if (follower?.result === undefined) return;
  const result = options.followers.take(key, follower.id);
  memory.follower = undefined;
  if (result?.status !== 'rejected') {
    logger.info('following has ended');
    return;
  }
  memory.notBefore = options.clock.monotonic() + BEGIN_AGAIN_MS;
  logger.warn('following broke off', { error: result.reason });
  const { reason, message } = workingTrouble(result.reason);
  options.store.event(
    'ReplicaTask',
    sheet.task,
    event('Warning', 'FollowInterrupted', ACTION, `${reason}: ${message}; it goes on where it stopped`),
  );
};

export const stopUnwantedFollower: Step = ({ key, task, specHash, enabled, trouble, references, options, memory }) => {
  const { follower } = memory;
  if (follower === undefined) return;
  const abort = (code: RunAbort['code'], message: string): void =>
    void options.followers.abort(key, new RunAbort(code, message));
  if (!enabled) abort('Suspended', 'the task was disabled while it followed its source');
  else if (follower.identity !== followIdentity(task, followPlan(task, specHash), references))
    abort('SpecChanged', 'the task, or a Cluster of it, was changed while it followed its source');
  else if (trouble?.kind === 'refused') abort('SpecChanged', `the task is refused: ${trouble.message}`);
};

type Handled = Pick<
  ReplicaTaskStatus,
  'lastHandledRunRequest' | 'lastHandledRetryRequest' | 'lastHandledCancelRequest' | 'lastHandledDeletesApproval'
>;

/** What a person may ask for, and what the follower is told then: to cancel breaks off nothing but says that it was seen. */
const REQUESTS: readonly {
  readonly annotation: string;
  readonly handled: keyof Handled;
  readonly order: FollowOrder | undefined;
}[] = [
  { annotation: RUN_REQUESTED_ANNOTATION, handled: 'lastHandledRunRequest', order: 'compare' },
  { annotation: RETRY_REQUESTED_ANNOTATION, handled: 'lastHandledRetryRequest', order: 'retry' },
  { annotation: CANCEL_REQUESTED_ANNOTATION, handled: 'lastHandledCancelRequest', order: undefined },
  { annotation: DELETES_APPROVED_ANNOTATION, handled: 'lastHandledDeletesApproval', order: 'approve-deletes' },
];

/** Answered once a follower is there to be told. */
export const handOverRequests: Step = (sheet) => {
  const { task, memory } = sheet;
  if (memory.follower === undefined) return;
  for (const { annotation, handled, order } of REQUESTS) {
    const answered = sheet.handled[handled] ?? task.status?.[handled];
    const request = pendingRequest(task.metadata.annotations, annotation, answered);
    if (request === undefined) continue;
    if (order !== undefined) memory.follower.orders.give(order);
    sheet.handled = { ...sheet.handled, [handled]: request };
  }
};

export const startFollower: Step = async (sheet, signal) => {
  const { key, task, specHash, enabled, options, memory, records, logger } = sheet;
  if (!enabled || records === undefined || isBlocked(sheet) || options.followers.get(key) !== undefined) return;
  const wait = memory.notBefore - options.clock.monotonic();
  if (wait > 0) {
    againIn(sheet, wait);
    return;
  }
  const farSides = await openFarSides(sheet, signal);
  if (farSides === undefined) return;
  const plan = followPlan(task, specHash);
  const orders = new FollowOrders();
  const body = followBody(options, { plan, start: recordStart(sheet), farSides, orders });
  try {
    options.followers.start(key, task.metadata.uid, body);
  } catch (error) {
    for (const { lane, target } of farSides) {
      lane.close();
      await target.close();
    }
    addTrouble(sheet, workingTrouble(error));
    return;
  }
  memory.follower = { orders, identity: followIdentity(task, plan, sheet.references) };
  const names = farSides.map(({ target }) => target.name).join(', ');
  logger.info('following the source', { farSides: names });
  options.store.event('ReplicaTask', task, event('Normal', 'FollowStarted', ACTION, `follows the source to ${names}`));
};

function recordStart({ task, taskKey, specHash }: Worksheet) {
  const { uid: taskUid, namespace, name, generation } = task.metadata;
  const { recordReserveDays: reserveDays, record: keepDetails } = task.spec;
  return { taskKey, taskUid, namespace, name, specHash, generation, reserveDays, keepDetails };
}

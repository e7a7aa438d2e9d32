/** Which Events a status write deserves: those of conditions that changed in status or reason, never one per loop. Pure. */
import { type Condition, getCondition, sanitiseText } from '../api/conditions.ts';
import type { ResourceEvent } from '../resources/store.ts';

/** Reasons of Ready=False that every healthy start passes through. */
const SETTLING: ReadonlySet<string> = new Set(['ClusterNotProbed']);
/** Bound of an Event's note in Kubernetes, in characters. */
const MAX_NOTE = 1_000;

export function conditionEvents(
  before: readonly Condition[] | undefined,
  after: readonly Condition[] | undefined,
  action: string,
): readonly ResourceEvent[] {
  const ready = getCondition(after, 'Ready');
  if (ready === undefined) return [];
  const events: ResourceEvent[] = [];
  const old = getCondition(before, 'Ready');
  if (old?.status !== ready.status || old.reason !== ready.reason) {
    events.push(
      event(
        ready.status === 'True' || SETTLING.has(ready.reason) ? 'Normal' : 'Warning',
        ready.reason,
        action,
        ready.message,
      ),
    );
  }
  const stalled = getCondition(after, 'Stalled');
  // Stalled with the reason that Ready just told would be the same words again.
  if (stalled !== undefined && getCondition(before, 'Stalled') === undefined && old?.reason === stalled.reason) {
    events.push(event('Warning', 'Stalled', action, `${stalled.reason}: ${stalled.message}`));
  }
  return [...events, ...followEvents(before, after, action)];
}

/** Of a task that follows its source: what begins to be so, and what is over. */
const TOLD: readonly {
  readonly type: string;
  readonly status: Condition['status'];
  readonly began: ResourceEvent['type'];
  /** Reason of the Event when it is over; `undefined` = nobody has to be told. */
  readonly over: string | undefined;
}[] = [
  { type: 'FeedReady', status: 'False', began: 'Warning', over: 'FeedReady' },
  { type: 'Fresh', status: 'False', began: 'Warning', over: 'LagRecovered' },
  { type: 'DeletesHeld', status: 'True', began: 'Warning', over: undefined },
  { type: 'Backfilling', status: 'True', began: 'Normal', over: 'BackfillEnded' },
];

function followEvents(
  before: readonly Condition[] | undefined,
  after: readonly Condition[] | undefined,
  action: string,
): readonly ResourceEvent[] {
  return TOLD.flatMap(({ type, status, began, over }) => {
    const [old, now] = [getCondition(before, type), getCondition(after, type)];
    const [was, is] = [old?.status === status, now?.status === status];
    if (is && now !== undefined && (!was || old?.reason !== now.reason))
      return [event(began, now.reason === 'Comparing' ? 'BackfillStarted' : now.reason, action, now.message)];
    if (!was || is || over === undefined) return [];
    return [event('Normal', over, action, now?.message ?? 'everything was compared')];
  });
}

export function event(type: ResourceEvent['type'], reason: string, action: string, note: string): ResourceEvent {
  return { type, reason, action, note: sanitiseText(note, MAX_NOTE) };
}

/**
 * Which request goes next. Guarantees: no more than `limit` are under way in all, and no more to one far side than its
 * window; far sides take turns, and at each far side its tasks; no far side holds more of the whole than it leaves free,
 * so a slow one cannot shut out the others; none is sent before the time that a far side asked for.
 */
import { Alarm } from '../../lib/alarm.ts';
import type { Clock } from '../../lib/clock.ts';
import { Rotation } from '../../lib/rotation.ts';
import type { FarSideShare, TaskShare } from './shares.ts';

export class RequestTurns {
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  /** Those with requests that wait. */
  readonly #farSides = new Rotation<FarSideShare>();
  #underWay = 0;

  constructor(limit: number, clock: Clock) {
    if (!Number.isInteger(limit) || limit < 1) throw new RangeError(`at least one request at once, not ${limit}`);
    this.#limit = limit;
    this.#clock = clock;
    this.#alarm = new Alarm(clock, () => this.dispatch());
  }

  /** Waits for the turn of one request; `long` = an upload that may take its time. Gives back what ends it. */
  async enter(task: TaskShare, long: boolean, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const list = long ? task.waitingUploads : task.waitingCalls;
    const turn = list.join(() => this.#left(task), signal);
    task.farSide.requesting.add(task);
    this.#farSides.add(task.farSide);
    this.dispatch();
    await turn;
    return () => {
      this.#underWay -= 1;
      task.farSide.requests -= 1;
      if (long) {
        task.uploads -= 1;
        task.farSide.uploads -= 1;
      }
      this.dispatch();
    };
  }

  /** Lets all go that may: to be called when a window grew, too. */
  dispatch(): void {
    while (this.#underWay < this.#limit) {
      const farSide = this.#farSides.take((candidate) => this.#hasRoom(candidate) && canGo(candidate));
      const task = farSide?.requesting.take(canSend);
      if (task === undefined) break;
      this.#start(task);
    }
    this.#wakeUp();
  }

  #start(task: TaskShare): void {
    const { farSide } = task;
    this.#underWay += 1;
    farSide.requests += 1;
    task.uploadedLast = isNextUpload(task);
    if (task.uploadedLast) {
      task.uploads += 1;
      farSide.uploads += 1;
      task.waitingUploads.next();
    } else task.waitingCalls.next();
    this.#left(task);
  }

  #left(task: TaskShare): void {
    const { farSide } = task;
    if (task.waitingCalls.size + task.waitingUploads.size > 0) return;
    farSide.requesting.delete(task);
    if (farSide.requesting.size === 0) this.#farSides.delete(farSide);
  }

  #hasRoom(farSide: FarSideShare): boolean {
    if (farSide.requests >= farSide.window.size) {
      farSide.window.wasFull();
      return false;
    }
    const free = this.#limit - this.#underWay;
    return farSide.notBefore <= this.#clock.monotonic() && farSide.requests < Math.max(1, free);
  }

  #wakeUp(): void {
    const now = this.#clock.monotonic();
    let next = Number.POSITIVE_INFINITY;
    for (const { notBefore } of this.#farSides) if (notBefore > now) next = Math.min(next, notBefore);
    if (next === Number.POSITIVE_INFINITY) this.#alarm.clear();
    else this.#alarm.set(next);
  }
}

function canGo(farSide: FarSideShare): boolean {
  for (const task of farSide.requesting) if (canSend(task)) return true;
  return false;
}

function canSend(task: TaskShare): boolean {
  return task.waitingCalls.size > 0 || isNextUpload(task);
}

/** Uploads and other requests of a task take turns. */
function isNextUpload(task: TaskShare): boolean {
  if (task.waitingUploads.size === 0 || !task.mayUpload()) return false;
  return task.waitingCalls.size === 0 || !task.uploadedLast;
}

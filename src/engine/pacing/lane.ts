/**
 * How fast a run may go: one lane for each task at each far side, all lanes of an installation under one roof.
 * Guarantees: far sides take turns and, at a far side, the tasks do, for units as for requests, so that neither a task
 * with ten thousand units nor a slow far side keeps another waiting; no far side gets more at once than it can take, as
 * far as its answers show, nor more than its limits say; payload stays within `rateLimit` of the task and `bandwidth` of
 * the far side. Not guaranteed: anything across processes, each of which counts for itself; bytes of headers and of what
 * is read back are not counted.
 */
import { addAbortSignal, type Readable } from 'node:stream';
import { classify } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { isCongestion } from './congestion.ts';
import { PacedStream } from './paced-stream.ts';
import { RequestTurns } from './request-turns.ts';
import { FarSideShare, TaskShare } from './shares.ts';

/** The way of one task to one far side. */
export interface Lane {
  /** Waits for the turn of one unit; gives back what ends it (calling it twice does nothing more). */
  acquire(signal: AbortSignal): Promise<() => void>;
  /**
   * Performs one request to the far side when it is its turn; `payload` is the size of the blob that it uploads, in
   * bytes, else 0. `work` must not make another request.
   */
  request<T>(work: () => Promise<T>, payload: number, signal: AbortSignal): Promise<T>;
  /** Payload at the pace of the limits; the stream itself where there are none. */
  pace(stream: Readable, signal: AbortSignal): Readable;
  /** Whether a blob of so many bytes passes in more than one piece. */
  isPaced(bytes: number): boolean;
  /** The run has ended. */
  close(): void;
}

export interface LaneRequest {
  readonly clusterId: string;
  readonly taskUid: string;
  /** `Cluster.spec.limits.concurrency`: units at once, and the most requests at once. */
  readonly concurrency: number;
  /** `Cluster.spec.limits.bandwidth`: bytes per second of all tasks together; 0 = unlimited. */
  readonly bandwidth: number;
  /** `setting.rateLimit`: bytes per second of this task to this far side; 0 or less = unlimited. */
  readonly rateLimit: number;
}

export interface LanesOptions {
  readonly clock: Clock;
  /** Requests under way to all far sides together (`engine.concurrency`). */
  readonly requests: number;
}

/** What so many idle far sides were found to take is remembered. */
const REMEMBERED = 256;
/** Upper bound for a far side's Retry-After. Milliseconds. */
const LONGEST_RETRY_AFTER = 300_000;

export class Lanes {
  readonly #clock: Clock;
  readonly #turns: RequestTurns;
  readonly #farSides = new Map<string, FarSideShare>();

  constructor({ clock, requests }: LanesOptions) {
    this.#clock = clock;
    this.#turns = new RequestTurns(requests, clock);
  }

  /** The limits given count at once for all lanes of that far side, and of that task there. To be closed. */
  lane({ clusterId, taskUid, concurrency, bandwidth, rateLimit }: LaneRequest): Lane {
    const farSide = this.#farSides.get(clusterId) ?? new FarSideShare(concurrency, this.#clock);
    this.#farSides.set(clusterId, farSide);
    const task = farSide.tasks.get(taskUid) ?? new TaskShare(farSide);
    farSide.tasks.set(taskUid, task);
    farSide.configure(concurrency, bandwidth);
    task.configure(rateLimit);
    farSide.users += 1;
    task.users += 1;
    this.#turns.dispatch();
    startUnits(farSide);
    let open = true;
    return {
      acquire: (signal) => acquireUnit(task, signal),
      request: (work, payload, signal) => this.#request(task, work, payload, signal),
      pace: (stream, signal) => {
        if (!task.limited) return stream;
        return addAbortSignal(signal, new PacedStream(stream, farSide.pacer, task.payload));
      },
      isPaced: (bytes) => bytes > farSide.pacer.pieceBytes(task.payload),
      close: () => {
        if (!open) return;
        open = false;
        this.#closed(clusterId, taskUid, task);
      },
    };
  }

  async #request<T>(task: TaskShare, work: () => Promise<T>, payload: number, signal: AbortSignal): Promise<T> {
    const { farSide } = task;
    const leave = await this.#turns.enter(task, task.isLong(payload), signal);
    const ticket = farSide.window.begin();
    try {
      signal.throwIfAborted();
      const result = await work();
      farSide.window.answered(payload);
      return result;
    } catch (error) {
      if (!signal.aborted) this.#failed(farSide, ticket, error);
      throw error;
    } finally {
      leave();
    }
  }

  #failed(farSide: FarSideShare, ticket: number, cause: unknown): void {
    if (isCongestion(cause)) farSide.window.congested(ticket);
    const { retryAfterMs } = classify(cause);
    if (retryAfterMs === undefined) return;
    const until = this.#clock.monotonic() + Math.min(retryAfterMs, LONGEST_RETRY_AFTER);
    farSide.notBefore = Math.max(farSide.notBefore, until);
  }

  /** Tasks are forgotten with their last run, far sides when many others came after them. */
  #closed(clusterId: string, taskUid: string, task: TaskShare): void {
    const { farSide } = task;
    task.users -= 1;
    farSide.users -= 1;
    if (task.users === 0) farSide.tasks.delete(taskUid);
    if (farSide.users > 0) return;
    this.#farSides.delete(clusterId);
    this.#farSides.set(clusterId, farSide);
    const idle = [...this.#farSides].filter(([, { users }]) => users === 0);
    for (const [id] of idle.slice(0, -REMEMBERED)) this.#farSides.delete(id);
  }
}

async function acquireUnit(task: TaskShare, signal: AbortSignal): Promise<() => void> {
  signal.throwIfAborted();
  const { farSide, waitingUnits } = task;
  const turn = waitingUnits.join(() => leaveQueue(task), signal);
  farSide.starting.add(task);
  startUnits(farSide);
  await turn;
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    task.units -= 1;
    farSide.units -= 1;
    startUnits(farSide);
  };
}

function startUnits(farSide: FarSideShare): void {
  for (;;) {
    const task = farSide.starting.take((candidate) => candidate.mayStartUnit());
    if (task === undefined) return;
    task.units += 1;
    farSide.units += 1;
    task.waitingUnits.next();
    leaveQueue(task);
  }
}

function leaveQueue(task: TaskShare): void {
  if (task.waitingUnits.size === 0) task.farSide.starting.delete(task);
}

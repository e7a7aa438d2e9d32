/** What the parts of the pacing know of the far sides and of the tasks that write to them. */
import type { Clock } from '../../lib/clock.ts';
import { Rotation } from '../../lib/rotation.ts';
import { WaitingList } from '../../lib/waiting-list.ts';
import { Pacer, PayloadShare } from './pacer.ts';
import { Window } from './window.ts';

/** Each upload of a limited task is to move at least so fast, in bytes per second: slower ones are fewer. */
const STREAM_RATE = 16 * 1024;
const LEAST_STREAMS = 2;
/** From here on an upload may take long enough to be in the way of others. Bytes. */
const LONG_UPLOAD = 64 * 1024;

/** One far side, shared by all tasks to it. */
export class FarSideShare {
  readonly tasks = new Map<string, TaskShare>();
  readonly window: Window;
  readonly pacer: Pacer;
  /** Tasks with requests that wait, and tasks with units that wait. */
  readonly requesting = new Rotation<TaskShare>();
  readonly starting = new Rotation<TaskShare>();
  /** Requests under way. */
  requests = 0;
  /** Of these, uploads that may take long. */
  uploads = 0;
  /** Units under way. */
  units = 0;
  /** Monotonic milliseconds before which the far side asked for no request. */
  notBefore = Number.NEGATIVE_INFINITY;
  concurrency: number;
  /** Lanes in use. */
  users = 0;

  constructor(concurrency: number, clock: Clock) {
    this.concurrency = concurrency;
    this.window = new Window(concurrency, clock);
    this.pacer = new Pacer(clock);
  }

  configure(concurrency: number, bandwidth: number): void {
    this.concurrency = concurrency;
    this.window.setMost(concurrency);
    this.pacer.setRate(rateOf(bandwidth));
  }
}

/** One task at one far side. */
export class TaskShare {
  readonly farSide: FarSideShare;
  readonly payload = new PayloadShare();
  readonly waitingUnits = new WaitingList();
  readonly waitingUploads = new WaitingList();
  readonly waitingCalls = new WaitingList();
  /** Units under way. */
  units = 0;
  /** Uploads under way that may take long. */
  uploads = 0;
  /** The last request begun was one. */
  uploadedLast = false;
  /** Lanes in use. */
  users = 0;

  constructor(farSide: FarSideShare) {
    this.farSide = farSide;
  }

  configure(rateLimit: number): void {
    this.payload.meter.setRate(rateOf(rateLimit));
  }

  /** Bytes per second that this task can get at best; infinity = unlimited. */
  get rate(): number {
    return Math.min(this.payload.meter.rate, this.farSide.pacer.rate);
  }

  get limited(): boolean {
    return this.rate !== Number.POSITIVE_INFINITY;
  }

  isLong(payload: number): boolean {
    return payload > 0 && (this.limited || payload > LONG_UPLOAD);
  }

  /**
   * A task whose bytes are held back takes no more than it leaves to others; any other leaves one, so that whoever comes
   * later need not wait for the end of large files.
   */
  mayStartUnit(): boolean {
    const { concurrency, units } = this.farSide;
    const free = concurrency - units;
    if (free < 1) return false;
    if (this.limited) return this.units < Math.max(1, free);
    return this.units === 0 || concurrency < FEW || free > 1;
  }

  /** As with units; and uploads leave room for a request of another kind, where there is room for more than one. */
  mayUpload(): boolean {
    const { window, uploads } = this.farSide;
    if (uploads >= Math.max(1, window.size - 1)) return false;
    if (!this.limited) return true;
    const streams = Math.max(LEAST_STREAMS, Math.floor(this.rate / STREAM_RATE));
    return this.uploads < Math.max(1, Math.min(window.size - uploads, streams));
  }
}

/** Below so many units at once none is kept free. */
const FEW = 4;

function rateOf(bytesPerSecond: number): number {
  return bytesPerSecond > 0 ? bytesPerSecond : Number.POSITIVE_INFINITY;
}

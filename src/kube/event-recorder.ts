/**
 * Writes Events about objects. Guaranteed: `event` never waits and never fails; the queue is bounded (1,000; more are
 * dropped and counted); equal events within six minutes are one Event with a growing series; texts are cut to what the
 * server takes. Not guaranteed: that an Event arrives. It is told up to 12 times, 10 s apart, then dropped.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { isAlreadyExists, isNamespaceEnding, isNotFound, isUnreachable, KubeError } from './errors.ts';
import { type EventInput, type EventSeries, EventSeriesBook } from './event-series.ts';
import type { EventSink } from './event-sink.ts';
import type { ObjectReference } from './object.ts';

export interface EventRecorderOptions {
  readonly sink: EventSink;
  readonly clock: Clock;
  /** Returns [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

const MAX_QUEUE = 1_000;
const MAX_TRIES = 12;
const RETRY_MS = 10_000;
const SWEEP_MS = 60_000;

export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #book = new EventSeriesBook();
  /** Series the server must hear of, each once. */
  readonly #queue = new Set<EventSeries>();
  #inWork: EventSeries | undefined;
  #wake: () => void = () => {};
  readonly #idleWaiters = new Set<() => void>();
  #dropped = 0;
  #warned = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  /** Events that were given up because the queue was full or the server refused them. */
  get dropped(): number {
    return this.#dropped;
  }

  event(regarding: ObjectReference, input: EventInput): void {
    const now = this.#options.clock.now();
    const { series, tell, ended } = this.#book.record(regarding, input, now, () => this.#newName(regarding.name));
    for (const old of ended) this.#enqueue(old);
    if (tell) this.#enqueue(series);
  }

  /** Sends what is queued until `signal` is aborted; then returns. */
  async run(signal: AbortSignal): Promise<void> {
    const sweeping = this.#sweep(signal);
    while (!signal.aborted) {
      const [series] = this.#queue;
      if (series === undefined) await this.#nextWake(signal);
      else await this.#deliver(series, signal);
    }
    await sweeping;
  }

  /** Queues the counts still unsaid and waits until all is sent or `signal` is aborted. `run` must be running. */
  async flush(signal: AbortSignal): Promise<void> {
    for (const series of this.#book.behind()) this.#enqueue(series);
    if (signal.aborted || (this.#queue.size === 0 && this.#inWork === undefined)) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        signal.removeEventListener('abort', finish);
        this.#idleWaiters.delete(finish);
        resolve();
      };
      this.#idleWaiters.add(finish);
      signal.addEventListener('abort', finish, { once: true });
    });
  }

  #enqueue(series: EventSeries): void {
    if (this.#queue.size >= MAX_QUEUE && !this.#queue.has(series)) {
      this.#drop(series, 'the queue of events is full');
      return;
    }
    this.#queue.add(series);
    this.#wake();
  }

  #drop(series: EventSeries, why: string, error?: unknown): void {
    const { namespace, name } = series.regarding;
    const { reason } = series.input;
    this.#dropped += 1;
    if (series.writtenCount === 0) this.#book.forget(series);
    this.#options.logger.debug('event dropped', { namespace, name, reason, why, error });
    // Nobody misses them there, and it must not use up the one warning.
    if (isNamespaceEnding(error) || this.#warned) return;
    this.#warned = true;
    this.#options.logger.warn('events are being dropped, told once; more at level debug', { why, error });
  }

  async #nextWake(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        signal.removeEventListener('abort', finish);
        resolve();
      };
      this.#wake = finish;
      signal.addEventListener('abort', finish, { once: true });
    });
    this.#wake = () => {};
  }

  async #deliver(series: EventSeries, signal: AbortSignal): Promise<void> {
    this.#queue.delete(series);
    this.#inWork = series;
    try {
      await this.#deliverWithRetries(series, signal);
    } finally {
      this.#inWork = undefined;
      if (this.#queue.size === 0) for (const finish of this.#idleWaiters) finish();
    }
  }

  async #deliverWithRetries(series: EventSeries, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#write(series, signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        const wait = retryDelay(error);
        if (wait === undefined || attempt >= MAX_TRIES) {
          this.#drop(series, 'the API server did not take it', error);
          return;
        }
        await this.#options.clock.sleep(wait, signal).catch(() => {});
      }
    }
  }

  async #write(series: EventSeries, signal: AbortSignal): Promise<void> {
    const { sink, clock } = this.#options;
    // More may be counted while the request is under way: only this many are told.
    const told = series.count;
    try {
      if (series.writtenCount === 0) await sink.create(series, signal);
      else await sink.updateSeries(series, signal);
    } catch (error) {
      if (series.writtenCount > 0 && isNotFound(error)) {
        // Events live an hour at the server: begin again.
        series.writtenCount = 0;
        await sink.create(series, signal);
      } else if (!isAlreadyExists(error)) throw error;
    }
    series.writtenCount = told;
    series.writtenAt = clock.now();
  }

  /** Every minute: counts of series that ended or last long. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(SWEEP_MS, signal).catch(() => {});
      if (!signal.aborted) for (const series of this.#book.due(clock.now())) this.#enqueue(series);
    }
  }

  /** Unique enough for one object's Events: the time and 32 random bits. */
  #newName(objectName: string): string {
    const { clock, random } = this.#options;
    const tail = Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
    const head = objectName.slice(0, 200).replace(/[^a-z0-9]+$/, '');
    return `${head}.${clock.now().toString(16)}${tail}`;
  }
}

/** Milliseconds to wait before another try; undefined = the server will never take it. */
function retryDelay(error: unknown): number | undefined {
  if (!(error instanceof KubeError)) return undefined;
  if (!isUnreachable(error) && error.code !== 429 && error.code < 500) return undefined;
  return Math.max(RETRY_MS, error.retryAfterMs ?? 0);
}

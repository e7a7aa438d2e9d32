import type { EventSeries } from './event-series.ts';
import type { KubeObject } from './object.ts';
import { ResourceClient } from './resource-client.ts';
import type { Transport } from './transport.ts';

/** Where Events go. Both calls fail with `KubeError`. */
export interface EventSink {
  create(series: EventSeries, signal: AbortSignal): Promise<void>;
  /** Tells the server of the series' count and last time. */
  updateSeries(series: EventSeries, signal: AbortSignal): Promise<void>;
}

/** Writes events.k8s.io/v1; needs create and patch on events. */
export class KubeEventSink implements EventSink {
  readonly #client: ResourceClient<KubeObject>;
  readonly #controller: string;
  readonly #instance: string;

  /** `controller` names the program (`bkrepo-replicator`), `instance` this process of it; neither may be empty. */
  constructor(transport: Transport, controller: string, instance: string) {
    this.#client = new ResourceClient(transport, {
      group: 'events.k8s.io',
      version: 'v1',
      plural: 'events',
      kind: 'Event',
    });
    this.#controller = controller;
    this.#instance = clipBytes(instance, 128);
  }

  async create(series: EventSeries, signal: AbortSignal): Promise<void> {
    const { regarding, input } = series;
    // Objects of no namespace have their Events in `default`.
    const namespace = regarding.namespace || 'default';
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: series.name, namespace },
      eventTime: microTime(series.firstSeen),
      type: input.type,
      reason: clipBytes(input.reason, 128),
      action: clipBytes(input.action, 128),
      note: clipBytes(input.note, 1_024),
      reportingController: this.#controller,
      reportingInstance: this.#instance,
      regarding,
      ...(input.related === undefined ? {} : { related: input.related }),
      ...(series.count > 1 ? { series: seriesOf(series) } : {}),
    };
    await this.#client.create(event, namespace, { fieldManager: this.#controller }, signal);
  }

  async updateSeries(series: EventSeries, signal: AbortSignal): Promise<void> {
    const namespace = series.regarding.namespace || 'default';
    const patch = { series: seriesOf(series) };
    await this.#client.mergePatch(namespace, series.name, patch, { fieldManager: this.#controller }, signal);
  }
}

function seriesOf(series: EventSeries): { readonly count: number; readonly lastObservedTime: string } {
  return { count: series.count, lastObservedTime: microTime(series.lastSeen) };
}

/** RFC 3339 in UTC with exactly six digits after the second, the only form the server takes for a MicroTime. */
export function microTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}

/** Cuts to so many bytes of UTF-8 (the server counts bytes) without splitting a character; what was cut ends in `…`. */
export function clipBytes(text: string, max: number): string {
  if (Buffer.byteLength(text) <= max) return text;
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > max - 3) break;
    end += character.length;
  }
  return `${text.slice(0, end)}…`;
}

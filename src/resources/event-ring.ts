/**
 * Events where there is no API server: a line of the log each, and the latest 200 in a file, so that `status` can show
 * them. Recording never waits and never fails; a failed write of the file is told in the log and made again with the
 * next event.
 */
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import { loadEvents, type StoredEvent, saveEvents } from './state-files.ts';
import type { ResourceEvent } from './store.ts';
import type { AnyResource } from './stored-object.ts';

const CAPACITY = 200;
const MAX_NOTE = 1_024;

export class EventRing {
  readonly #stateDir: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #events: StoredEvent[] = [];
  #saving: Promise<void> | undefined;
  #dirty = false;

  constructor(stateDir: string, clock: Clock, logger: Logger) {
    this.#stateDir = stateDir;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Takes up the events of earlier runs of the program. Unreadable ones are told and begun anew: they are only a memo. */
  async load(): Promise<void> {
    try {
      this.#events = (await loadEvents(this.#stateDir)).slice(-CAPACITY);
    } catch (error) {
      this.#logger.warn('the stored events cannot be read and are begun anew', { error });
    }
  }

  /** Oldest first. */
  list(): readonly StoredEvent[] {
    return [...this.#events];
  }

  record(regarding: AnyResource, event: ResourceEvent): void {
    const { namespace, name, uid } = regarding.metadata;
    const fields = { kind: regarding.kind, namespace, name, reason: event.reason, action: event.action };
    if (event.type === 'Warning') this.#logger.warn('event', { ...fields, note: event.note });
    else this.#logger.info('event', { ...fields, note: event.note });
    const now = new Date(this.#clock.now()).toISOString();
    const note = event.note.length > MAX_NOTE ? `${event.note.slice(0, MAX_NOTE - 1)}…` : event.note;
    const index = this.#events.findLastIndex(
      (one) => one.uid === uid && one.reason === event.reason && one.action === event.action && one.note === note,
    );
    const [same] = index < 0 ? [] : this.#events.splice(index, 1);
    this.#events.push({
      firstTime: same?.firstTime ?? now,
      lastTime: now,
      count: (same?.count ?? 0) + 1,
      kind: regarding.kind,
      namespace,
      name,
      uid,
      type: event.type,
      reason: event.reason,
      action: event.action,
      note,
    });
    this.#events.splice(0, Math.max(0, this.#events.length - CAPACITY));
    this.#dirty = true;
    this.#saving ??= this.#save();
  }

  /** Waits until what was recorded is on disk, or could not be put there. */
  async flush(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving;
  }

  async #save(): Promise<void> {
    try {
      while (this.#dirty) {
        this.#dirty = false;
        await saveEvents(this.#stateDir, this.#events);
      }
    } catch (error) {
      this.#logger.warn('events cannot be stored', { error });
    } finally {
      this.#saving = undefined;
    }
  }
}

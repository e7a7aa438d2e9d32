/**
 * Looks at the journal again and again while a storm passes. What must hold at every moment: a record that was there stays,
 * and one that was closed stays as it is; runs of one task follow one another, in time and in number; a claim is taken once.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Document, MongoError } from 'mongodb';
import type { Replication } from '../../support/replication.ts';

interface KnownRecord {
  readonly id: string;
  readonly task: string;
  readonly number: number;
  readonly claim: string;
  readonly status: string;
  readonly began: number;
  /** Absent while the run is open. */
  readonly ended: number | undefined;
}

const PAUSE_MS = 100;
const FOUND_LIMIT = 20;
/** Without one look for so long the journal counts as lost. */
const BLIND_MS = 60_000;
/** The ticks of a cron of every other second are even seconds. */
const TICK_MS = 2_000;

export class RecordWatch {
  readonly #replication: Replication;
  readonly #since: Date;
  readonly #known = new Map<string, KnownRecord>();
  readonly #problems = new Set<string>();
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  looks = 0;

  /** Only records begun at `since` or later. */
  constructor(replication: Replication, since: Date) {
    this.#replication = replication;
    this.#since = since;
    this.#running = this.#watch();
    this.#running.catch(() => undefined);
  }

  get records(): readonly KnownRecord[] {
    return [...this.#known.values()];
  }

  /** Looks a last time and ends; in words, what was wrong at any time. */
  async stop(): Promise<readonly string[]> {
    this.#stop.abort();
    await this.#running;
    await this.#look();
    return [...this.#problems];
  }

  async #watch(): Promise<void> {
    let seenAt = performance.now();
    while (!this.#stop.signal.aborted && this.#problems.size < FOUND_LIMIT) {
      try {
        await this.#look();
        seenAt = performance.now();
      } catch (error) {
        // The database is killed by intention now and then.
        if (!(error instanceof MongoError) || performance.now() - seenAt > BLIND_MS) throw error;
      }
      await delay(PAUSE_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const found = await this.#replication.journal
      .collection('replica_record')
      .find({ startTime: { $gte: this.#since } })
      .sort({ startTime: 1, executionNumber: 1 })
      .toArray();
    const records = found.map(recordOf);
    const ids = new Set(records.map(({ id }) => id));
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#problems.add(`record ${id} is gone`);
    for (const record of records) this.#compare(record);
    for (const ofTask of Map.groupBy(records, ({ task }) => task).values()) this.#inOrder(ofTask);
    this.looks += 1;
  }

  #compare(record: KnownRecord): void {
    const before = this.#known.get(record.id);
    this.#known.set(record.id, record);
    const { id, claim } = record;
    if (before?.ended !== undefined && (before.ended !== record.ended || before.status !== record.status))
      this.#problems.add(`record ${id} was ${before.status}, and is ${record.status} now`);
    const tick = claim.startsWith('tick:') ? Date.parse(claim.slice('tick:'.length)) : undefined;
    if (tick !== undefined && (tick % TICK_MS !== 0 || record.began < tick))
      this.#problems.add(`run ${id} began at ${new Date(record.began).toISOString()} for ${claim}`);
  }

  #inOrder(records: readonly KnownRecord[]): void {
    const claims = new Set<string>();
    for (const [index, record] of records.entries()) {
      if (claims.has(record.claim)) this.#problems.add(`claim ${record.claim} of ${record.task} was taken twice`);
      claims.add(record.claim);
      const before = records[index - 1];
      if (before === undefined) continue;
      const told = `of ${record.task}: ${JSON.stringify(before)}, then ${JSON.stringify(record)}`;
      if (before.ended === undefined || before.ended > record.began) this.#problems.add(`two runs overlap ${told}`);
      if (record.number !== before.number + 1) this.#problems.add(`a run is not counted ${told}`);
    }
  }
}

function recordOf(record: Document): KnownRecord {
  return {
    id: String(record['_id']),
    task: String(record['name']),
    number: Number(record['executionNumber']),
    claim: String(record['claim']),
    status: String(record['status']),
    began: (record['startTime'] as Date).getTime(),
    ended: (record['endTime'] as Date | null)?.getTime(),
  };
}

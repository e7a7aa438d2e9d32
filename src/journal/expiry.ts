/**
 * What goes from the journal because it is old enough, or too much. In small steps: nothing here takes long, and whoever
 * calls may pause between them.
 *
 * Guaranteed: an open run, and a record whose failed units an open run tries again, is never touched; details go before
 * their record, so wherever it is cut off nothing stays behind that no record leads to, and a record that stays says
 * that its details go before the first does; of a living task the newest record of each trigger stays, because its claim
 * keeps a restored task from repeating what was done, and because the next run is numbered after it, and so do the
 * records that its newest retries tried again, because only together do they tell whether everything is equal. A wall clock that is minutes off shifts by as much when something goes, no more.
 */
import { ObjectId } from 'mongodb';

import { type RecordDocument, recordIdOf, USUAL_RESERVE_DAYS } from './documents.ts';
import { call } from './mongo-errors.ts';
import type { ExpiryPosition, ExpiryRequest, ExpiryStep, LivingTask } from './records.ts';
import type { Runs } from './runs.ts';

const DAY = 86_400_000;
/** Most details that one step removes. */
const STEP_DETAILS = 5_000;
/** Most records that one step looks at, and most tasks. */
const STEP_RECORDS = 200;
const STEP_TASKS = 200;
/** Milliseconds after a run's end within which a batch of its details may still arrive. */
export const SETTLE_MS = 120_000;
/** Longest `recordReserveDays`, and one. */
const LONGEST_DAYS = 61;
/** Most runs that can be open are as many as there are tasks. */
const MAX_OPEN_RUNS = 100_000;

/** What the newest retries of a task tried again is part of what they say; more than so many are not looked at. */
const RETRIES_KEPT = 20;

type Expiring = Pick<RecordDocument, '_id' | 'trigger' | 'executionNumber' | 'detailsGone'>;

/** See `Journal.expire`. */
export function expire(runs: Runs, request: ExpiryRequest, signal: AbortSignal): Promise<ExpiryStep> {
  return new Step(runs, request, signal).take();
}

class Step {
  readonly #runs: Runs;
  readonly #request: ExpiryRequest;
  readonly #signal: AbortSignal;
  readonly #now: number;
  #details = 0;
  #records = 0;
  #looked = 0;

  constructor(runs: Runs, request: ExpiryRequest, signal: AbortSignal) {
    this.#runs = runs;
    this.#request = request;
    this.#signal = signal;
    this.#now = runs.clock.now();
  }

  async take(): Promise<ExpiryStep> {
    const { after = { taskKey: '' } } = this.#request;
    const retried = await this.#retried();
    if (!(await this.#dropUnwanted(retried))) return this.#end(after);
    const position = 'taskKey' in after ? await this.#tidyBehind(after.taskKey, retried) : after;
    return this.#end('taskKey' in position ? position : await this.#dropOrphans(position.recordId));
  }

  #end(after: ExpiryPosition | undefined): ExpiryStep {
    return { records: this.#records, details: this.#details, ...(after === undefined ? {} : { after }) };
  }

  get #full(): boolean {
    return this.#details >= STEP_DETAILS || this.#looked >= STEP_RECORDS;
  }

  /** Ids of records whose failed units an open run tries again. */
  async #retried(): Promise<ReadonlySet<string>> {
    const { collections, installationId } = this.#runs;
    const open = await call('list the open runs', this.#signal, () =>
      collections.records
        .find({ installationId, status: 'RUNNING', retryOf: { $exists: true } }, { projection: { _id: 0, retryOf: 1 } })
        .limit(MAX_OPEN_RUNS)
        .toArray(),
    );
    return new Set(open.map(({ retryOf }) => String(retryOf)));
  }

  /** Details of ended runs whose task wants none. */
  async #dropUnwanted(retried: ReadonlySet<string>): Promise<boolean> {
    const { collections, installationId } = this.#runs;
    const endTime = { $lt: new Date(this.#now - SETTLE_MS) };
    const found = await call('list the runs whose details nobody wants', this.#signal, () =>
      collections.records
        .find({ installationId, detailsUnwanted: true, endTime }, { projection: { _id: 1 } })
        .sort({ endTime: 1 })
        .limit(STEP_RECORDS)
        .toArray(),
    );
    for (const { _id } of found) {
      if (this.#full) return false;
      if (retried.has(_id.toHexString())) continue;
      this.#looked += 1;
      if (!(await this.#forgetDetails(_id))) return false;
    }
    return true;
  }

  async #tidyBehind(after: string, retried: ReadonlySet<string>): Promise<ExpiryPosition> {
    let taskKey = after;
    for (let tasks = 0; tasks < STEP_TASKS; tasks += 1) {
      const next = await this.#taskBehind(taskKey);
      if (next === undefined) return { recordId: '' };
      if (!(await this.#tidy(next, retried))) break;
      taskKey = next;
    }
    return { taskKey };
  }

  /**
   * Details that no record leads to, which only a loss or a restore of data can leave behind. Looked for among those
   * that would be too old for any task: so a restore that is still under way is not taken for one.
   */
  async #dropOrphans(after: string): Promise<ExpiryPosition | undefined> {
    const { details, records } = this.#runs.collections;
    const oldest = ObjectId.createFromTime(Math.floor((this.#now - LONGEST_DAYS * DAY) / 1_000)).toHexString();
    let recordId = after;
    while (!this.#full) {
      const from = recordId;
      const [found] = await call('look for details without a record', this.#signal, () =>
        details
          .find({ recordId: { $gt: from, $lt: oldest } }, { projection: { _id: 0, recordId: 1 } })
          .sort({ recordId: 1 })
          .limit(1)
          .toArray(),
      );
      if (found === undefined) return undefined;
      this.#looked += 1;
      const _id = recordIdOf(found.recordId);
      const record =
        _id === undefined
          ? null
          : await call('look for the record of details', this.#signal, () =>
              records.findOne({ _id }, { projection: { _id: 1 } }),
            );
      if (record === null && !(await this.#deleteDetails(found.recordId))) break;
      ({ recordId } = found);
    }
    return { recordId };
  }

  async #taskBehind(after: string): Promise<string | undefined> {
    const { collections, installationId } = this.#runs;
    const [next] = await call('list the tasks that have runs', this.#signal, () =>
      collections.records
        .find({ installationId, taskKey: { $gt: after } }, { projection: { _id: 0, taskKey: 1 } })
        .sort({ taskKey: 1 })
        .limit(1)
        .toArray(),
    );
    return next?.taskKey;
  }

  /** False = there was more than this step may do. */
  async #tidy(taskKey: string, retried: ReadonlySet<string>): Promise<boolean> {
    const living = this.#request.living.get(taskKey);
    const old = await this.#tooOld(taskKey, living);
    const known = new Set(old.map(({ _id }) => _id.toHexString()));
    const many = (await this.#tooMany(taskKey)).filter(({ _id }) => !known.has(_id.toHexString()));
    for (const record of [...old, ...many]) {
      if (this.#full) return false;
      if (retried.has(record._id.toHexString())) continue;
      this.#looked += 1;
      const stays = living !== undefined && (await this.#isNeeded(taskKey, record));
      if (stays) {
        if (record.detailsGone !== true && !(await this.#forgetDetails(record._id))) return false;
      } else {
        if (!(await this.#deleteDetails(record._id.toHexString()))) return false;
        await this.#deleteRecord(record._id);
      }
    }
    return true;
  }

  /** Oldest first. */
  #tooOld(taskKey: string, living: LivingTask | undefined): Promise<readonly Expiring[]> {
    const { collections, installationId } = this.#runs;
    const own = { $multiply: [{ $ifNull: ['$reserveDays', USUAL_RESERVE_DAYS] }, DAY] };
    const age =
      living === undefined
        ? {
            endTime: { $lt: new Date(this.#now - DAY) },
            $expr: { $lt: ['$endTime', { $subtract: [new Date(this.#now), own] }] },
          }
        : { endTime: { $lt: new Date(this.#now - living.reserveDays * DAY) } };
    return call('list the runs that are too old', this.#signal, () =>
      collections.records
        .find<Expiring>({ installationId, taskKey, ...age }, { projection: EXPIRING })
        .sort({ endTime: 1 })
        .limit(STEP_RECORDS)
        .toArray(),
    );
  }

  /** Those beyond the newest; an open run is always among these. */
  #tooMany(taskKey: string): Promise<readonly Expiring[]> {
    const { collections, installationId } = this.#runs;
    return call('list the runs that are too many', this.#signal, async () => {
      const beyond = await collections.records
        .find({ installationId, taskKey }, { projection: { _id: 1 } })
        .sort({ executionNumber: -1, _id: -1 })
        .skip(this.#request.maxRunsPerTask)
        .limit(STEP_RECORDS)
        .toArray();
      if (beyond.length === 0) return [];
      const ended = { _id: { $in: beyond.map(({ _id }) => _id) }, status: { $ne: 'RUNNING' as const } };
      const found = await collections.records.find<Expiring>(ended, { projection: EXPIRING }).toArray();
      return found.toSorted((a, b) => a.executionNumber - b.executionNumber);
    });
  }

  /** Whether no later run of the task was started for the same reason, or one of the last retries tells of it. */
  async #isNeeded(taskKey: string, { _id, trigger, executionNumber }: Expiring): Promise<boolean> {
    const [newest] = await this.#newest(taskKey, trigger, 1);
    if (newest === undefined || newest.executionNumber < executionNumber || newest._id.equals(_id)) return true;
    const retries = await this.#newest(taskKey, 'retry', RETRIES_KEPT);
    return retries.some(({ retryOf }) => retryOf === _id.toHexString());
  }

  #newest(
    taskKey: string,
    trigger: RecordDocument['trigger'],
    limit: number,
  ): Promise<readonly Pick<RecordDocument, '_id' | 'executionNumber' | 'retryOf'>[]> {
    const { collections, installationId } = this.#runs;
    return call('look for later runs', this.#signal, () =>
      collections.records
        .find({ installationId, taskKey, trigger }, { projection: { executionNumber: 1, retryOf: 1 } })
        .sort({ executionNumber: -1, _id: -1 })
        .limit(limit)
        .toArray(),
    );
  }

  /** Noted before the first goes: nobody may take what is left for all. */
  async #forgetDetails(_id: ObjectId): Promise<boolean> {
    const { records } = this.#runs.collections;
    await call('note that the details of a run go', this.#signal, () =>
      records.updateOne({ _id, status: { $ne: 'RUNNING' } }, { $set: { detailsGone: true, detailsUnwanted: true } }),
    );
    if (!(await this.#deleteDetails(_id.toHexString()))) return false;
    await call('note that the details of a run are gone', this.#signal, () =>
      records.updateOne({ _id }, { $unset: { detailsUnwanted: '' } }),
    );
    return true;
  }

  async #deleteRecord(_id: ObjectId): Promise<void> {
    const { deletedCount } = await call('remove a run record', this.#signal, () =>
      this.#runs.collections.records.deleteOne({ _id, status: { $ne: 'RUNNING' } }),
    );
    this.#records += deletedCount;
  }

  /** True = none is left. */
  async #deleteDetails(recordId: string): Promise<boolean> {
    const { details } = this.#runs.collections;
    const limit = STEP_DETAILS - this.#details;
    if (limit <= 0) return false;
    const found = await call('list details to remove', this.#signal, () =>
      details
        .find({ recordId }, { projection: { _id: 1 } })
        .sort({ startTime: -1, _id: -1 })
        .limit(limit)
        .toArray(),
    );
    if (found.length > 0)
      await call('remove details', this.#signal, () =>
        details.deleteMany({ _id: { $in: found.map(({ _id }) => _id) } }),
      );
    this.#details += found.length;
    return found.length < limit;
  }
}

const EXPIRING = { trigger: 1, executionNumber: 1, detailsGone: 1 } as const;

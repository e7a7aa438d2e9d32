/** What the tests of this folder have in common: a run brought into the middle of an upload, and the judgement at its end. */
import assert from 'node:assert/strict';
import type { ReplicaTask } from '../../../src/api/replica-task.gen.ts';
import { seededBytes } from '../../support/bkrepo/content.ts';
import type { FarSideWatch } from '../../support/far-side-watch.ts';
import type { SeenRequest } from '../../support/fault-proxy.ts';
import type { Replication, StoredRecord } from '../../support/replication.ts';
import { eventually } from '../../support/wait.ts';

const MIB = 1024 * 1024;
/** More than a page of a listing. */
export const SMALL_FILES = 60;
/** More than a chunk. */
const LARGE_BYTES = 10 * MIB;
/** Makes the large file take some ten seconds. */
const BYTES_PER_SECOND = MIB;
/** Final records that are there before a test strikes. */
const RECORDED = 25;
const PATIENCE = { timeoutMs: 60_000, intervalMs: 100 };

export interface Snapshot {
  readonly details: Awaited<ReturnType<Replication['details']>>;
  readonly nodeIds: ReadonlyMap<string, string>;
}

export interface TaskReader {
  task(): Promise<ReplicaTask | undefined>;
}

/** One test's part of a Replication: files of its own below `/<label>`, and runs that are counted from here on. */
export class Scenario {
  readonly label: string;
  readonly #replication: Replication;
  readonly #watch: FarSideWatch;

  constructor(replication: Replication, label: string) {
    this.label = label;
    this.#replication = replication;
    replication.beginAnew();
    this.#watch = replication.watch();
  }

  /** Small files and a large one, which crosses slowly until `hurry`. */
  async fill(): Promise<void> {
    const seed = Buffer.from(this.label).reduce((sum, byte) => (sum * 31 + byte) >>> 0, 7);
    await this.#replication.files.putFiles([
      ...Array.from({ length: SMALL_FILES }, (_, index) => ({
        path: `/${this.label}/a/file ${index}`,
        content: seededBytes(1 + ((seed + index * 7919) % 9000), seed + index),
      })),
      { path: `/${this.label}/large.bin`, content: seededBytes(LARGE_BYTES, seed) },
    ]);
    for (const { proxy } of this.#replication.farSides)
      proxy.setFault((request) => (isUpload(request) ? { kind: 'slow', bytesPerSecond: BYTES_PER_SECOND } : undefined));
  }

  /** Bytes that reached the far sides since `beginAnew`. */
  uploadedBytes(): number {
    return this.#replication.farSides.reduce((sum, { proxy }) => sum + proxy.uploadedBytes(), 0);
  }

  /** Requests to the far sides since `beginAnew`. */
  requestCount(): number {
    return this.#replication.farSides.reduce((sum, { proxy }) => sum + proxy.requests.length, 0);
  }

  /** Waits until some units have their final records and the large file is on its way to every far side. */
  async midUpload(): Promise<StoredRecord> {
    return await eventually(async () => {
      const [record] = await this.#replication.records();
      if (record === undefined) return undefined;
      assert.equal(record.status, 'RUNNING');
      const { size } = await this.#replication.details(record.id);
      const underWay = this.#replication.farSides.every(({ proxy }) => proxy.requests.some(isLargeUpload));
      return size >= RECORDED && underWay ? record : undefined;
    }, PATIENCE);
  }

  hurry(): void {
    for (const { proxy } of this.#replication.farSides) proxy.setFault(undefined);
  }

  async snapshot(record: StoredRecord): Promise<Snapshot> {
    const details = await this.#replication.details(record.id);
    return { details, nodeIds: await this.#replication.nodeIds() };
  }

  /** Units that had their final record then have the same one now, and the node that was there then. */
  async assertNothingTwice(record: StoredRecord, before: Snapshot): Promise<void> {
    const now = await this.snapshot(record);
    for (const [unit, detail] of before.details) {
      // Its epoch may have risen: whoever adopts a run says that the record still holds.
      assert.equal(now.details.get(unit)?.at, detail.at, `the final record of ${unit} was written again`);
      assert.equal(now.nodeIds.get(unit), before.nodeIds.get(unit), `${unit} was sent again`);
    }
    assert.deepEqual(await this.#replication.writtenTwice(`/${this.label}/`), []);
  }

  /** The last run's record, once it is closed and there are so many. */
  async ended(runs = 1): Promise<StoredRecord> {
    return await eventually(async () => {
      const records = await this.#replication.records();
      const last = records.at(-1);
      return records.length >= runs && last?.status !== 'RUNNING' ? last : undefined;
    }, PATIENCE);
  }

  /** Equal byte for byte, every unit counted once, and the status says so. */
  async assertEqual(record: StoredRecord, reader: TaskReader): Promise<void> {
    assert.equal(record.status, 'SUCCESS', record.errorReason ?? JSON.stringify(record));
    const { success = 0, unchanged = 0, failed, conflict, notTried } = record.overview;
    const units = (await this.#replication.fileCount()) * this.#replication.farSides.length;
    assert.deepEqual(
      { done: success + unchanged, failed, conflict, notTried },
      { done: units, failed: 0, conflict: 0, notTried: 0 },
    );
    assert.deepEqual(await this.#replication.differences(), []);
    assert.deepEqual(await this.#replication.doubles(), []);
    await eventually(async () => {
      const status = (await reader.task())?.status;
      assert.equal(status?.lastExecutionStatus, 'SUCCESS');
      assert.equal(status.history?.[0]?.recordId, record.id);
      assert.equal(status.activeRun, undefined);
      assert.equal(condition(status, 'Synced')?.status, 'True');
      assert.equal(condition(status, 'Running'), undefined);
      return true;
    }, PATIENCE);
  }

  /** A run asked for now moves nothing and writes no node. */
  async assertNextRunMovesNothing(request: () => Promise<unknown>, reader: TaskReader): Promise<void> {
    const nodes = await this.#replication.nodeIds();
    const { length } = await this.#replication.records();
    for (const { proxy } of this.#replication.farSides) proxy.forget();
    await request();
    const record = await this.ended(length + 1);
    await this.assertEqual(record, reader);
    assert.equal(record.replicatedBytes, 0);
    assert.equal(record.overview['success'], 0);
    const uploads = this.#replication.farSides.flatMap(({ proxy }) => proxy.requests.filter(isUpload));
    assert.deepEqual(uploads, []);
    assert.deepEqual(await this.#replication.nodeIds(), nodes);
  }

  /** Ends the readers, who must never have seen anything partial. */
  async end(): Promise<void> {
    assert.deepEqual(await this.#watch.stop(), []);
  }
}

export function condition(
  status: ReplicaTask['status'] | undefined,
  type: string,
): { readonly status: string; readonly reason: string; readonly message: string } | undefined {
  return status?.conditions?.find((one) => one.type === type);
}

export function isUpload(request: SeenRequest): boolean {
  return isLargeUpload(request) || request.url.includes('/blob/push');
}

function isLargeUpload({ method }: SeenRequest): boolean {
  return method === 'PATCH';
}

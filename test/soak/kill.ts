/**
 * SIGKILL at random points of runs with large uploads, again and again: before an upload session, within a chunk, between
 * an upload and its node, between a node and its record, or just at any time. The program is started anew on the same state
 * each time; now and then a receiving side dies as well, and connections are reset. Fails when readers at the far sides
 * ever see a node that is not whole and right, when a run does not end under the record it was begun with, when a unit has
 * two final records or a tally is not that of the records, when what is visible is sent again or a large upload anew, when
 * the sides differ after a run, or when the run after that moves anything.
 */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { RUN_REQUESTED_ANNOTATION } from '../../src/api/names.ts';
import { seededBytes } from '../support/bkrepo/content.ts';
import { blobPath, shardOf } from '../support/bkrepo/layout.ts';
import { COPY, Replication, type StoredRecord } from '../support/replication.ts';
import { contradictionsIn } from '../support/schedule/journal-view.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';
import { Standalone } from '../support/standalone.ts';
import { eventually } from '../support/wait.ts';
import { Life } from './life.ts';
import { isUpload, UploadLedger } from './upload-ledger.ts';

export interface KillOptions {
  readonly seed: number;
  /** Goes on until there were so many kills … */
  readonly kills: number;
  /** … and so many milliseconds have passed (0). */
  readonly durationMs?: number;
  readonly report: (line: string) => void;
}

export interface KillResult {
  readonly kills: number;
  /** Kills that struck while a run was open. */
  readonly inRun: number;
  /** How often a kill or a reset broke a large upload off. */
  readonly broken: number;
  /** Kills by the moment of the wire protocol at which they struck. */
  readonly moments: Readonly<Record<string, number>>;
  readonly peerDeaths: number;
  readonly resets: number;
  /** Runs that ended. */
  readonly runs: number;
  /** How often a run went on under its record after a kill. */
  readonly adoptions: number;
  /** Nodes that the readers looked at, and how often they went round. */
  readonly nodesSeen: number;
  readonly looks: number;
  readonly tookMs: number;
}

const MIB = 1024 * 1024;
const LARGE_FILES = 3;
const RUN_MS = 120_000;

export async function killAtRandom({ seed, kills, durationMs = 0, report }: KillOptions): Promise<KillResult> {
  const began = performance.now();
  const random = seededRandom(seed);
  const replication = await Replication.start();
  try {
    await replication.farSide('sound');
    await replication.farSide('faithful', { faithful: true });
    const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1).padStart(6);
    const soak = new KillSoak(replication, random, (line) => report(`${seconds()} s  ${line}`));
    await soak.begin();
    while (soak.kills < kills || performance.now() - began < durationMs) await soak.liveAndDie();
    await soak.end();
    return { ...soak.result(), tookMs: Math.round(performance.now() - began) };
  } finally {
    await replication.stop();
  }
}

class KillSoak {
  kills = 0;
  readonly #replication: Replication;
  readonly #random: SeededRandom;
  readonly #report: (line: string) => void;
  readonly #program: Standalone;
  readonly #watch: ReturnType<Replication['watch']>;
  readonly #ledger: UploadLedger;
  /** Digest of each large file by its path, bytes by digest. */
  readonly #large = new Map<string, string>();
  readonly #sizes = new Map<string, number>();
  /** Digests that no side shows any more: removed one run later, when no reader can be at them. */
  #outdated: string[] = [];
  readonly #moments: Record<string, number> = {};
  #peerDeaths = 0;
  #resets = 0;
  #inRun = 0;
  /** Runs asked for so far; the first is the task's own. */
  #wanted = 1;
  #ended = 0;

  constructor(replication: Replication, random: SeededRandom, report: (line: string) => void) {
    this.#replication = replication;
    this.#random = random;
    this.#report = report;
    this.#program = new Standalone(replication);
    this.#watch = replication.watch();
    this.#ledger = new UploadLedger(replication.farSides);
  }

  async begin(): Promise<void> {
    const random = this.#random;
    await this.#replication.files.putFiles(
      Array.from({ length: 400 }, (_, index) => ({
        path: `/small/${index % 7}/file ${index}`,
        content: seededBytes(random.below(24 * 1024), random.below(2 ** 31)),
        metadata: index % 3 === 0 ? [{ key: 'index', value: index }] : [],
      })),
    );
    for (let index = 0; index < LARGE_FILES; index += 1) await this.#putLarge(index, 24 + random.below(41));
    await this.#program.apply(this.#replication.manifests());
  }

  /** One life of the program, ended by SIGKILL. */
  async liveAndDie(): Promise<void> {
    const before = await this.#newest();
    const program = await this.#program.start({ atOnce: true });
    const life = new Life({
      replication: this.#replication,
      ledger: this.#ledger,
      random: this.#random,
      sizes: this.#sizes,
      hasEnded: () => this.#hasEnded(),
    });
    const { how, moment, peerDied, resets } = await life.endOf(program);
    assert.equal(program.running, false);
    this.kills += 1;
    if (moment !== undefined) this.#moments[moment] = (this.#moments[moment] ?? 0) + 1;
    this.#peerDeaths += peerDied ? 1 : 0;
    this.#resets += resets;
    const after = await this.#newest();
    if (after?.status === 'RUNNING') this.#inRun += 1;
    if (before?.status === 'RUNNING') {
      const now = (await this.#replication.records()).find(({ id }) => id === before.id);
      assert.ok(now !== undefined && now.status !== 'FAILED', `the record ${before.id} is ${now?.status}`);
    }
    await this.#noteVisible(after);
    assert.deepEqual(await this.#replication.doubles(), []);
    this.#report(
      `kill ${this.kills}: ${how}${peerDied ? ', a receiving side too' : ''}; run ${this.#wanted} ${after?.status ?? 'not begun'}, epoch ${after?.epoch ?? 0}`,
    );
    if (await this.#hasEnded()) {
      await this.#judgeEnded();
      await this.#nextRun();
    }
  }

  /** Lets the last run end, then asks for one that must move nothing. */
  async end(): Promise<void> {
    const open = await this.#newest();
    await this.#program.start();
    await eventually(() => this.#hasEnded(), { timeoutMs: RUN_MS, intervalMs: 200 });
    await this.#judgeEnded();
    if (open?.status === 'RUNNING') assert.equal((await this.#newest())?.id, open.id, 'it ended under the same record');
    const nodes = await this.#replication.nodeIds();
    await this.#requestRun();
    const last = await eventually(async () => ((await this.#hasEnded()) ? await this.#newest() : undefined), {
      timeoutMs: RUN_MS,
      intervalMs: 200,
    });
    await this.#judgeEnded();
    assert.equal(last.replicatedBytes, 0, 'a run repeated after success moves nothing');
    assert.equal(last.overview['success'], 0);
    const uploads = this.#replication.farSides.flatMap(({ proxy }) => proxy.requests.filter(isUpload));
    assert.deepEqual(uploads, []);
    assert.deepEqual(await this.#replication.nodeIds(), nodes, 'no node was written again');
    await this.#statusIsTrue(last);
    await this.#program.stop();
    assert.deepEqual(await this.#watch.stop(), []);
  }

  result(): Omit<KillResult, 'tookMs'> {
    const { nodes, looks } = this.#watch;
    return {
      kills: this.kills,
      inRun: this.#inRun,
      broken: this.#ledger.breaks,
      moments: this.#moments,
      peerDeaths: this.#peerDeaths,
      resets: this.#resets,
      runs: this.#ended,
      adoptions: this.#adoptions,
      nodesSeen: nodes,
      looks,
    };
  }

  #adoptions = 0;

  /** What is visible from now on must not be sent again; and nothing may be on record as done that is not. */
  async #noteVisible(record: StoredRecord | undefined): Promise<void> {
    const done = record?.status === 'RUNNING' ? [...(await this.#replication.details(record.id)).keys()] : [];
    for (const { name, db } of this.#replication.farSides) {
      const nodes = db.collection(`node_${shardOf(COPY)}`).find({ projectId: COPY, folder: false, deleted: null });
      const digests = new Map<string, string>();
      for await (const node of nodes) digests.set(`${name} ${node['fullPath']}`, String(node['sha256']));
      this.#ledger.visible(name, digests.values());
      const claimed = done.filter((unit) => unit.startsWith(`${name} `) && !digests.has(unit));
      assert.deepEqual(claimed, [], 'on record as done, but not there');
    }
  }

  async #newest(): Promise<StoredRecord | undefined> {
    return (await this.#replication.records()).at(-1);
  }

  async #hasEnded(): Promise<boolean> {
    const records = await this.#replication.records();
    return records.length === this.#wanted && records.at(-1)?.status !== 'RUNNING';
  }

  async #judgeEnded(): Promise<void> {
    const records = await this.#replication.records();
    const last = records.at(-1);
    assert.equal(records.length, this.#wanted, 'one record for each run that was asked for');
    assert.equal(last?.status, 'SUCCESS', last?.errorReason ?? JSON.stringify(last));
    const { success = 0, unchanged = 0, failed = 0, conflict = 0, notTried = 0 } = last.overview;
    const units = (await this.#replication.fileCount()) * this.#replication.farSides.length;
    assert.deepEqual(
      { done: success + unchanged, failed, conflict, notTried },
      { done: units, failed: 0, conflict: 0, notTried: 0 },
    );
    assert.deepEqual(await this.#replication.differences(), []);
    const journal = { recordUnchanged: false, lost: [], since: last.startTime };
    assert.deepEqual(await contradictionsIn(this.#replication.journal, journal), []);
    assert.equal(last.executionNumber, this.#wanted, 'a crash is no execution');
    assert.deepEqual(this.#ledger.violations(this.#sizes), []);
    this.#ended += 1;
    this.#adoptions += last.epoch - 1;
    this.#report(
      `run ${this.#ended} ended equal after ${last.epoch - 1} adoptions: ${units} units, ${last.replicatedBytes} bytes`,
    );
  }

  async #statusIsTrue(last: StoredRecord): Promise<void> {
    await eventually(async () => {
      const status = (await this.#program.task())?.status;
      assert.equal(status?.lastExecutionStatus, 'SUCCESS');
      assert.equal(status.activeRun, undefined);
      assert.equal(status.history?.[0]?.recordId, last.id);
      assert.equal(status.executionTimes, this.#wanted);
      assert.equal(status.conditions?.find(({ type }) => type === 'Synced')?.status, 'True');
      return true;
    });
  }

  /** Changes what is there: small files anew and over old ones, and a large one. */
  async #nextRun(): Promise<void> {
    const random = this.#random;
    for (let index = 0; index < 60; index += 1) {
      const content = seededBytes(1 + random.below(16 * 1024), random.below(2 ** 31));
      await this.#replication.files.putFile(`/small/${index % 7}/file ${random.below(450)}`, content);
    }
    await this.#putLarge(random.below(LARGE_FILES), 24 + random.below(25));
    await this.#requestRun();
  }

  async #requestRun(): Promise<void> {
    this.#wanted += 1;
    this.#ledger.forget();
    const request = { [RUN_REQUESTED_ANNOTATION]: `run-${this.#wanted}` };
    await this.#program.apply(this.#replication.manifests({}, request));
  }

  /** Hundreds of kills would fill the disk: what no side shows any more is removed, at the far sides one run later. */
  async #putLarge(index: number, megabytes: number): Promise<void> {
    const path = `/large/image-${index}.bin`;
    const size = megabytes * MIB + this.#random.below(4096);
    const content = seededBytes(size, this.#random.below(2 ** 31));
    for (const sha256 of this.#outdated.splice(0)) {
      this.#sizes.delete(sha256);
      for (const { storeDir } of this.#replication.farSides) await rm(blobPath(storeDir, sha256), { force: true });
    }
    const { sha256 } = await this.#replication.files.putFile(path, content);
    this.#sizes.set(sha256, size);
    const old = this.#large.get(path);
    this.#large.set(path, sha256);
    if (old === undefined) return;
    // The far sides still show the old file, so only the source's copy may go.
    await this.#replication.discardAtSource(old);
    this.#outdated.push(old);
  }
}

/**
 * SIGKILL at random points of runs, again and again: before an upload session, in the middle of a chunk, before and after
 * a node is created, or just at any time. The program is started anew on the same state each time. Fails when readers at
 * the far sides ever see a node that is not whole and right, when a run does not end under the record it was begun with,
 * when a unit has two final records, when the sides differ after a run, or when the run after that moves anything.
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { RUN_REQUESTED_ANNOTATION } from '../../src/api/names.ts';
import { seededBytes } from '../support/bkrepo/content.ts';
import type { Fault, SeenRequest } from '../support/fault-proxy.ts';
import type { Program } from '../support/program.ts';
import { Replication, type StoredRecord } from '../support/replication.ts';
import { type SeededRandom, seededRandom } from '../support/seed.ts';
import { Standalone } from '../support/standalone.ts';
import { eventually } from '../support/wait.ts';

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
/** Of each upload through a proxy, so that kills strike in the middle of large ones. */
const BYTES_PER_SECOND = 24 * MIB;
/** The longest life of a process; it needs about a second to begin. Milliseconds. */
const LONGEST_LIFE = 5_000;
const LARGE_FILES = 3;
const RUN_MS = 120_000;
/** Moments of the wire protocol at which a kill strikes. */
const MOMENTS: readonly ((request: SeenRequest) => boolean)[] = [
  ({ method, url }) => method === 'POST' && /\/blobs\/uploads\/?(?:\?|$)/.test(url),
  ({ method }) => method === 'PATCH',
  ({ method, url }) => method === 'PUT' && url.includes('/blobs/uploads/'),
  ({ url }) => url.includes('/blob/push'),
  ({ url }) => url.includes('/node/create'),
  ({ url }) => url.includes('/node/search'),
];

export async function killAtRandom({ seed, kills, durationMs = 0, report }: KillOptions): Promise<KillResult> {
  const began = performance.now();
  const random = seededRandom(seed);
  const replication = await Replication.start();
  try {
    // One far side behind a proxy, the other is spoken to directly; which of them has real servers' defects is chance.
    const faithful = random.below(2) === 0;
    await replication.farSide('proxied', { faithful });
    await replication.farSide('direct', { faithful: !faithful, direct: true });
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
  readonly #large = new Map<string, string>();
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
    for (let index = 0; index < LARGE_FILES; index += 1) await this.#putLarge(index, 10 + random.below(51));
    await this.#program.apply(this.#replication.manifests());
  }

  /** One life of the program, ended by SIGKILL. */
  async liveAndDie(): Promise<void> {
    const before = await this.#newest();
    const program = await this.#program.start({ atOnce: true });
    const how = await this.#kill(program);
    assert.equal(program.running, false);
    this.kills += 1;
    const after = await this.#newest();
    if (after?.status === 'RUNNING') this.#inRun += 1;
    if (before?.status === 'RUNNING') {
      const now = (await this.#replication.records()).find(({ id }) => id === before.id);
      assert.ok(now !== undefined && now.status !== 'FAILED', `the record ${before.id} is ${now?.status}`);
    }
    assert.deepEqual(await this.#replication.doubles(), []);
    this.#report(
      `kill ${this.kills}: ${how}; run ${this.#wanted} ${after?.status ?? 'not begun'}, epoch ${after?.epoch ?? 0}`,
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
    const { proxy } = this.#replication.farSides[0] ?? assert.fail('no far side');
    proxy.forget();
    await this.#requestRun();
    const last = await eventually(async () => ((await this.#hasEnded()) ? await this.#newest() : undefined), {
      timeoutMs: RUN_MS,
      intervalMs: 200,
    });
    await this.#judgeEnded();
    assert.equal(last.replicatedBytes, 0, 'a run repeated after success moves nothing');
    assert.equal(last.overview['success'], 0);
    assert.deepEqual(
      proxy.requests.filter(isUpload).map(({ url }) => url),
      [],
    );
    assert.deepEqual(await this.#replication.nodeIds(), nodes, 'no node was written again');
    await this.#statusIsTrue(last);
    await this.#program.stop();
    assert.deepEqual(await this.#watch.stop(), []);
  }

  result(): Omit<KillResult, 'tookMs'> {
    const { nodes, looks } = this.#watch;
    const adoptions = this.#adoptions;
    return { kills: this.kills, inRun: this.#inRun, runs: this.#ended, adoptions, nodesSeen: nodes, looks };
  }

  #adoptions = 0;

  /** Answers how and when. */
  async #kill(program: Program): Promise<string> {
    const { proxy } = this.#replication.farSides[0] ?? assert.fail('no far side');
    const life = 300 + this.#random.below(LONGEST_LIFE);
    const moment = this.#random.below(2) === 0 ? undefined : this.#random.pick(MOMENTS);
    const loses = this.#random.below(3) === 0;
    let left = 1 + this.#random.below(8);
    const struck = Promise.withResolvers<string>();
    proxy.setFault((request): Fault | undefined => {
      if (moment?.(request) === true) {
        left -= 1;
        if (left === 0) {
          struck.resolve(
            `at ${request.method} ${request.url.split('?')[0]?.slice(0, 80)}${loses ? ', answer lost' : ''}`,
          );
          if (loses) return { kind: 'lose-answer' };
        }
      }
      return isUpload(request) ? { kind: 'slow', bytesPerSecond: BYTES_PER_SECOND } : undefined;
    });
    const timer = new AbortController();
    const late = delay(moment === undefined ? life : LONGEST_LIFE, 'late', { signal: timer.signal }).catch(
      () => 'late',
    );
    const how = await Promise.race([struck.promise, late, this.#untilEnded(timer.signal)]);
    timer.abort();
    // After the request reached the far side, and perhaps its effect, but not the record of it; or after the record was
    // closed, but not yet the status.
    if (how !== 'late') await delay(this.#random.below(40));
    await program.signal('SIGKILL');
    return how === 'late' ? `after ${life} ms` : how;
  }

  async #untilEnded(signal: AbortSignal): Promise<string> {
    while (!signal.aborted) {
      if (await this.#hasEnded()) return 'at the end of the run';
      await delay(20, undefined, { signal }).catch(() => undefined);
    }
    return 'late';
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
    assert.deepEqual(await this.#replication.doubles(), []);
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
    await this.#putLarge(random.below(LARGE_FILES), 10 + random.below(31));
    await this.#requestRun();
  }

  async #requestRun(): Promise<void> {
    this.#wanted += 1;
    const request = { [RUN_REQUESTED_ANNOTATION]: `run-${this.#wanted}` };
    await this.#program.apply(this.#replication.manifests({}, request));
  }

  async #putLarge(index: number, megabytes: number): Promise<void> {
    const path = `/large/image-${index}.bin`;
    const content = seededBytes(megabytes * MIB + this.#random.below(4096), this.#random.below(2 ** 31));
    const { sha256 } = await this.#replication.files.putFile(path, content);
    const old = this.#large.get(path);
    this.#large.set(path, sha256);
    // Hundreds of kills would fill the disk. The far sides still show the old file, so only the source's copy may go.
    if (old !== undefined) await this.#replication.discardAtSource(old);
  }
}

function isUpload({ method, url }: SeenRequest): boolean {
  return method === 'PATCH' || url.includes('/blob/push') || (method === 'PUT' && url.includes('/blobs/uploads/'));
}

/**
 * One storm from its plan to its verdict: the source is written to while everything around it fails; then quiet. In the
 * quiet each far side becomes what the source is, by what the feeds tell alone where they tell everything, the status
 * says so, and afterwards nothing moves.
 */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoError } from 'mongodb';
import { removeWrongBlobs } from '../../support/bkrepo/store.ts';
import type { Fault, SeenRequest } from '../../support/fault-proxy.ts';
import { type SeededRandom, seededRandom } from '../../support/seed.ts';
import { type Operation, RandomSource } from '../../support/source-random.ts';
import { eventually } from '../../support/wait.ts';
import { isUpload } from '../upload-ledger.ts';
import { type FollowingAction, type FollowingPlan, planFollowing } from './plan.ts';
import { differences } from './sides.ts';
import { type FollowingSite, type FollowingTask, PROJECT } from './site.ts';

export interface FollowingResult {
  readonly seed: number;
  readonly changes: number;
  readonly kills: number;
  readonly actions: number;
  readonly tookMs: number;
}

/** The invariants did not hold; the message has all that is needed to have it again. */
class FollowingFailed extends Error {
  readonly code = 'FOLLOWING_FAILED';

  constructor(seed: number, happened: readonly string[], cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`storm ${seed}: ${what}\nhappened:\n  ${happened.join('\n  ')}`, { cause });
  }
}

/** Not told by a log, or by none of them (docs/realtime.md). */
const UNTOLD: readonly Operation[] = [
  'copy folder',
  'move folder',
  'put version',
  'delete version',
  'save node metadata',
];
/** Never followed. */
const UNFOLLOWED: readonly Operation[] = ['expire'];
const QUIET = { timeoutMs: 90_000, intervalMs: 250 };
const STILL_MS = 600;
const BUSY = '{"code":250102,"message":"busy","data":null}';

export async function stormWhileFollowing(site: FollowingSite, seed: number): Promise<FollowingResult> {
  const began = performance.now();
  const storm = new Storm(site, planFollowing(seed));
  try {
    await storm.play();
    await storm.quiet();
    const { changes, kills, plan } = storm;
    return { seed, changes, kills, actions: plan.actions.length, tookMs: Math.round(performance.now() - began) };
  } catch (error) {
    throw new FollowingFailed(seed, storm.happened, error);
  } finally {
    await storm.end();
  }
}

class Storm {
  readonly plan: FollowingPlan;
  /** In words, in their order. */
  readonly happened: string[] = [];
  changes = 0;
  kills = 0;
  readonly #site: FollowingSite;
  readonly #random: SeededRandom;
  readonly #began = performance.now();
  #writing = true;
  /** Resolves when nothing is under way at the source, and holds back what would begin. */
  #source: Promise<unknown> = Promise.resolve();
  readonly #writers: readonly Promise<void>[];

  constructor(site: FollowingSite, plan: FollowingPlan) {
    this.#site = site;
    this.plan = plan;
    this.#random = seededRandom(plan.seed + 1);
    const without = [...UNFOLLOWED, ...(plan.told ? UNTOLD : [])];
    this.#writers = site.servers.map(({ repositories }, index) => {
      const random = seededRandom(plan.seed + 2 + index);
      // A log tells of packages only what lies in them.
      const written = plan.told ? repositories.filter(({ type }) => type === 'GENERIC') : repositories;
      return this.#write(new RandomSource(random, written, { without }), random);
    });
  }

  async play(): Promise<void> {
    for (const { afterMs, action } of this.plan.actions) {
      await delay(afterMs);
      const { program } = this.#site.program;
      if (program?.running !== true)
        throw new Error(`the program ended by itself: ${program?.output.slice(-3_000) ?? ''}`);
      this.#tell(await this.#do(action));
    }
  }

  async end(): Promise<void> {
    this.#writing = false;
    await Promise.all(this.#writers);
    for (const { proxy } of this.#site.replication.farSides) proxy.setFault(undefined);
  }

  async quiet(): Promise<void> {
    await this.end();
    await delay(STILL_MS);
    await Promise.all(this.#site.replication.farSides.map(({ storeDir }) => removeWrongBlobs(storeDir)));
    await this.#site.askAll();
    this.#tell('quiet');
    const { tasks } = this.#site;
    const toCompare = this.plan.told ? [] : tasks.filter(({ feed }) => feed !== 'changeStream').map(({ name }) => name);
    if (toCompare.length > 0) {
      await Promise.all(tasks.filter(({ name }) => toCompare.includes(name)).map((task) => this.#caughtUp(task)));
      await this.#site.askForCompare(toCompare);
    }
    await Promise.all(tasks.map((task) => this.#equal(task)));
    for (const { proxy } of this.#site.replication.farSides) proxy.forget();
    await delay(STILL_MS);
    const moved = this.#site.replication.farSides.flatMap(({ proxy }) => proxy.requests.filter(writes));
    assert.deepEqual(moved, [], 'what is equal is left alone');
  }

  async #equal(task: FollowingTask): Promise<void> {
    await eventually(async () => {
      const lines = await differences(this.#site, task);
      if (lines.length > 0) assert.fail(`${lines.join('\n')}\n${await this.#told(task)}`);
      return true;
    }, QUIET);
    await this.#caughtUp(task);
  }

  /** As the status tells it. */
  async #caughtUp({ name, sides }: FollowingTask): Promise<void> {
    await eventually(async () => {
      const { status, metadata } = (await this.#site.status(name)) ?? assert.fail(`no ${name}`);
      const condition = (wanted: string): string | undefined =>
        status.conditions?.find(({ type }) => type === wanted)?.status;
      const seen = {
        observed: status.observedGeneration === metadata.generation,
        ready: condition('FeedReady'),
        running: condition('Running'),
        backfilling: condition('Backfilling') ?? 'False',
        sides: status.remoteClusters?.map((side) => [side.name, side.pending, side.retrying]),
      };
      const wanted = {
        observed: true,
        ready: 'True',
        running: 'True',
        backfilling: 'False',
        sides: sides.map((side) => [side, 0, 0]),
      };
      assert.deepEqual(seen, wanted, `${name}: ${JSON.stringify(status)}`);
      return true;
    }, QUIET);
  }

  async #told({ name }: FollowingTask): Promise<string> {
    return JSON.stringify((await this.#site.status(name))?.status);
  }

  async #write(source: RandomSource, random: SeededRandom): Promise<void> {
    while (this.#writing) {
      await this.#source;
      const act = source.act().catch((error: unknown) => {
        if (error instanceof MongoError) return `not done: ${error.message}`;
        throw error;
      });
      this.#source = Promise.all([this.#source, act]);
      this.#tell(await act);
      this.changes += 1;
      await delay(random.below(this.plan.paceMs));
    }
  }

  async #do(action: FollowingAction): Promise<string> {
    const { replication, program } = this.#site;
    switch (action.kind) {
      case 'nothing':
        return 'nothing';
      case 'ask':
        return await this.#site.ask(action);
      case 'kill':
      case 'stop':
        this.kills += 1;
        await program.program?.signal(action.kind === 'kill' ? 'SIGKILL' : 'SIGTERM');
        await delay(action.awayMs);
        await program.start({ atOnce: true });
        return `${action.kind} of the program for ${action.awayMs} ms`;
      case 'kill-peer': {
        const side = replication.farSides[action.side] ?? assert.fail(`no far side ${action.side}`);
        await side.program.signal('SIGKILL');
        await delay(action.awayMs);
        await replication.restartFarSide(side);
        return `SIGKILL of ${side.name} for ${action.awayMs} ms`;
      }
      case 'kill-database':
        await this.#betweenChanges(async () => {
          await replication.mongod.kill('SIGKILL');
          await delay(action.awayMs);
          await replication.mongod.restart();
        });
        return `SIGKILL of source and journal for ${action.awayMs} ms`;
      case 'step-down':
        await this.#betweenChanges(() =>
          replication.client.db('admin').command({ replSetStepDown: 1, secondaryCatchUpPeriodSecs: 0, force: true }),
        );
        return 'step-down of source and journal';
      case 'rubbish':
        return await this.#rubbish(seededRandom(action.salt));
      case 'line':
        return this.#disturb(action);
    }
  }

  /** A server that dies in the middle of a change leaves half of it: that is not what is looked at here. */
  async #betweenChanges(perform: () => Promise<unknown>): Promise<void> {
    const performed = this.#source.then(perform);
    this.#source = performed.catch(() => undefined);
    await performed;
  }

  async #rubbish(random: SeededRandom): Promise<string> {
    const { db } = this.#site.replication.builder;
    const month = new Date().toISOString().slice(0, 7).replace('-', '');
    const entries = [
      {},
      { type: 'CREATE', resourceType: 'NODE', operateType: 'CREATE', description: 'not JSON', request: '{' },
      { type: 'NODE_CREATED', projectId: 7, repoName: null, resourceKey: ['/a'], data: 'none' },
      { type: 'NOBODY_KNOWS', projectId: PROJECT, repoName: 'generic-oplog', resourceKey: '/a/x.txt', data: '{}' },
      { type: 'NODE_DELETED', projectId: 'unknown', repoName: 'unknown', resourceKey: '/x', data: '{}' },
    ];
    for (const name of ['operate_log', `artifact_oplog_${month}`]) {
      const there = await db.listCollections({ name }).toArray();
      if (there.length > 0) await db.collection(name).insertOne({ ...random.pick(entries), createdDate: new Date() });
    }
    const { writer } = random.pick(this.#site.servers);
    const elsewhere = await writer.repository('elsewhere', 'files');
    await elsewhere.putFile(`/${random.below(5)}`, `${random.below(5)}`);
    return 'rubbish in the logs, and a change elsewhere';
  }

  #disturb({ side, fault, oneIn, forMs }: Extract<FollowingAction, { readonly kind: 'line' }>): string {
    const { name, proxy } = this.#site.replication.farSides[side] ?? {};
    const until = performance.now() + forMs;
    proxy?.setFault((request): Fault | undefined => {
      if (performance.now() > until || this.#random.below(oneIn) > 0) return undefined;
      if (fault === 'slow') return isUpload(request) ? { kind: 'slow', bytesPerSecond: 400_000 } : undefined;
      if (fault === 'corrupt-request') return isUpload(request) ? { kind: fault } : undefined;
      if (fault === 'reset') return { kind: 'reset', ...(isUpload(request) ? { afterBytes: 2_000 } : {}) };
      if (fault === 'lose-answer') return { kind: fault };
      return {
        kind: 'answer',
        status: Number(fault),
        ...(fault === '500' ? { body: BUSY } : {}),
        ...(fault === '429' ? { headers: { 'retry-after': '1' } } : {}),
      };
    });
    return `${fault} at ${name}, one request in ${oneIn}, for ${forMs} ms`;
  }

  #tell(what: string): void {
    this.happened.push(`${Math.round(performance.now() - this.#began)} ms: ${what}`);
  }
}

function writes(request: SeenRequest): boolean {
  return isUpload(request) || /\/(?:create|delete|update|save)$/.test(request.url.split('?')[0] ?? '');
}

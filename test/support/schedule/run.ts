/**
 * One fault schedule from its plan to its verdict. While the faults strike, a witness at each far side looks at every state;
 * afterwards the task is asked to run until a run succeeds, then once more, which must move nothing.
 */
import assert from 'node:assert/strict';
import { removeWrongBlobs } from '../bkrepo/store.ts';
import { seededRandom } from '../seed.ts';
import { eventually } from '../wait.ts';
import { seedFarSide } from './changes.ts';
import { Director } from './director.ts';
import { Expectations } from './expectations.ts';
import { contradictionsIn, failuresIn, recordsIn, type SeenRecord } from './journal-view.ts';
import { differencesAt } from './judge.ts';
import { isWrite, planOf, type SchedulePlan } from './plan.ts';
import { COPY, PROJECT, type Scene, type Selection, type Stage } from './scene.ts';
import { WholeWatch } from './whole-watch.ts';

export interface ScheduleResult {
  readonly seed: number;
  /** Faults that struck, without deaths. */
  readonly strikes: number;
  readonly programDeaths: number;
  readonly peerDeaths: number;
  readonly runs: number;
  readonly adoptions: number;
  /** Versions whose appearance was witnessed. */
  readonly versions: number;
  readonly units: number;
  readonly tookMs: number;
}

/** The invariants did not hold; the message has all that is needed to have it again. */
export class ScheduleFailed extends Error {
  readonly code = 'SCHEDULE_FAILED';

  constructor(plan: SchedulePlan, happened: readonly string[], cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`schedule ${plan.seed}: ${what}\nplan: ${JSON.stringify(plan)}\nhappened:\n  ${happened.join('\n  ')}`, {
      cause,
    });
  }
}

const RUN_MS = 60_000;
/** Runs after the faults until one succeeds: a corrupted blob has to be removed first, as an administrator would. */
const MOST_RUNS = 4;

export async function runSchedule(stage: Stage, seed: number): Promise<ScheduleResult> {
  const plan = planOf(seed);
  const scene = await stage.open(plan);
  const schedule = new Schedule(scene, plan);
  try {
    return await schedule.play();
  } catch (error) {
    const dead = scene.sides.filter(({ program }) => !program.running);
    const deaths = dead.map(({ name, program }) => `${name} ended by itself: ${program.output.slice(-2_000)}`);
    throw new ScheduleFailed(plan, [...schedule.happened, ...deaths], error);
  } finally {
    await schedule.close();
    await scene.close();
  }
}

class Schedule {
  readonly #scene: Scene;
  readonly #plan: SchedulePlan;
  readonly #expectations = new Expectations();
  readonly #watches: WholeWatch[] = [];
  readonly #began = performance.now();
  #director: Director | undefined;
  #selection: Selection = new Map();
  /** Runs asked for. */
  #wanted = 0;

  constructor(scene: Scene, plan: SchedulePlan) {
    this.#scene = scene;
    this.#plan = plan;
  }

  get happened(): readonly string[] {
    return this.#director?.happened ?? [];
  }

  async play(): Promise<ScheduleResult> {
    const scene = this.#scene;
    for (const { repository, packages } of scene.repositories) await this.#expectations.add(repository, packages);
    if (this.#plan.selected) this.#selection = select(this.#plan, this.#expectations);
    await this.#watch();
    const director = new Director(scene, this.#expectations, this.#plan);
    this.#director = director;
    this.#wanted = await scene.request(this.#selection);
    await scene.program.start({ atOnce: true });
    await this.#ended();
    await director.end();
    const last = await this.#untilSuccess();
    await this.#judge(director);
    const again = await this.#repeat(last);
    await this.#judge(director);
    const records = await recordsIn(scene.journal);
    return {
      seed: this.#plan.seed,
      strikes: director.strikes,
      programDeaths: director.programDeaths,
      peerDeaths: director.peerDeaths,
      runs: records.length,
      adoptions: records.reduce((sum, { epoch }) => sum + epoch - 1, 0),
      versions: this.#watches.reduce((sum, { versions }) => sum + versions, 0),
      units: totalOf(again),
      tookMs: Math.round(performance.now() - this.#began),
    };
  }

  async close(): Promise<void> {
    for (const { proxy } of this.#scene.sides) proxy.setFault(undefined);
    await this.#director?.settled().catch(() => undefined);
    await Promise.all(this.#watches.map((watch) => watch.stop()));
  }

  /** A witness at each far side, and what the far sides have of their own. */
  async #watch(): Promise<void> {
    const { sides, repositories, builder } = this.#scene;
    const types = new Map(repositories.map(({ name, type }) => [name, type]));
    const sourceNodes = await builder.shard('node', PROJECT);
    for (const side of sides) {
      const watch = new WholeWatch(side, this.#expectations, sourceNodes, types);
      this.#watches.push(watch);
      await watch.start();
      for (const repository of this.#plan.seeded ? repositories : []) {
        const mine = await side.builder.repository(COPY, repository.name, { type: repository.type });
        const puts = await seedFarSide(mine, repository);
        // Known under the far side's own name: the judge asks for them so.
        for (const put of puts) this.#expectations.addOwn(`${side.name} ${repository.name}`, repository.type, put);
      }
      await watch.seeded();
    }
  }

  /** Asks for runs until one succeeds that was begun after everything had come to rest. */
  async #untilSuccess(): Promise<SeenRecord> {
    for (let round = 1; ; round += 1) {
      await this.#problems();
      await Promise.all(this.#scene.sides.map(({ storeDir }) => removeWrongBlobs(storeDir)));
      const record = await this.#another();
      if (record.status === 'SUCCESS') return record;
      const failures = await failuresIn(this.#scene.journal, record.id);
      const told = failures.slice(0, 5).map((failure) => JSON.stringify(failure));
      assert.ok(
        round < MOST_RUNS,
        `run ${round} after the faults ended ${record.status}: ${record.errorReason}\n${told.join('\n')}`,
      );
      assert.ok(failures.length > 0 || record.errorReason !== null, 'a run that failed says why');
      await this.#statusSays(record);
    }
  }

  async #repeat(last: SeenRecord): Promise<SeenRecord> {
    for (const { proxy } of this.#scene.sides) proxy.forget();
    const record = await this.#another();
    assert.equal(record.status, 'SUCCESS', record.errorReason ?? '');
    const writes = this.#scene.sides.flatMap(({ proxy }) => proxy.requests.filter(isWrite).map(({ url }) => url));
    assert.deepEqual(writes, [], 'a run repeated after success writes nothing');
    assert.equal(record.replicatedBytes, 0);
    assert.deepEqual(
      { done: record.overview['success'], units: totalOf(record) },
      { done: 0, units: totalOf(last) },
      'a run repeated after success does nothing, and has the same units',
    );
    return record;
  }

  async #another(): Promise<SeenRecord> {
    this.#wanted = await this.#scene.request(this.#selection);
    const record = await this.#ended();
    await this.#statusSays(record);
    return record;
  }

  /** Waits until the run that was asked for has ended. */
  async #ended(): Promise<SeenRecord> {
    return await eventually(
      async () => {
        const records = await recordsIn(this.#scene.journal);
        const last = records.at(-1);
        assert.ok(records.length <= this.#wanted, `${records.length} runs, ${this.#wanted} were asked for`);
        const told = `run ${this.#wanted} is ${last?.status}, ${records.length} records; ${this.#output()}`;
        assert.ok(records.length === this.#wanted && last !== undefined && last.status !== 'RUNNING', told);
        return last;
      },
      { timeoutMs: RUN_MS, intervalMs: 100 },
    );
  }

  #output(): string {
    const output = this.#scene.program.program?.output ?? '';
    return output.slice(-2_000);
  }

  /** Status tells of the last run what its record tells. */
  async #statusSays(record: SeenRecord): Promise<void> {
    await eventually(async () => {
      const status = (await this.#scene.program.task())?.status;
      assert.equal(status?.lastExecutionStatus, record.status);
      assert.equal(status.history?.[0]?.recordId, record.id);
      assert.equal(status.activeRun, undefined);
      const synced = status.conditions?.find(({ type }) => type === 'Synced')?.status;
      assert.equal(synced, record.status === 'SUCCESS' ? 'True' : 'False', `Synced is ${synced}`);
      return true;
    });
  }

  async #judge(director: Director): Promise<void> {
    await this.#problems();
    const { sides, journal } = this.#scene;
    const verdicts = {
      scene: this.#scene,
      expectations: this.#expectations,
      selection: this.#selection,
      removed: director.removed,
      keepsFields: this.#plan.conflictStrategy !== 'OVERWRITE',
      peersDied: director.peerDeaths > 0,
    };
    for (const [index, side] of sides.entries()) {
      const watch = this.#watches[index];
      assert.deepEqual(await differencesAt(side, watch?.seeds ?? new Set(), verdicts), [], 'the sides are equal');
      assert.deepEqual(watch?.gone, [], 'nothing was deleted at the far side');
    }
    const { recordUnchanged } = this.#plan;
    const lost = director.removed.map(({ packageKey, version }) => `${packageKey}@${version}`);
    assert.deepEqual(await contradictionsIn(journal, { recordUnchanged, lost }), []);
  }

  async #problems(): Promise<void> {
    for (const watch of this.#watches) assert.deepEqual(await watch.caughtUp(), [], 'every state could be shown');
  }
}

/** Some packages of each repository, of some of these only one version. */
function select(plan: SchedulePlan, expectations: Expectations): Selection {
  const random = seededRandom(plan.seed + 1);
  const selection = new Map<string, { packageKey: string; versions?: readonly string[] }[]>();
  for (const [repoName, versions] of Map.groupBy(expectations.all, (version) => version.repoName)) {
    const keys = random.shuffle([...new Set(versions.map(({ packageKey }) => packageKey))]);
    selection.set(
      repoName,
      keys.slice(0, 1 + random.below(keys.length)).map((packageKey) => {
        const names = versions.filter((one) => one.packageKey === packageKey).map(({ version }) => version);
        return random.below(2) === 0 ? { packageKey } : { packageKey, versions: [random.pick(names)] };
      }),
    );
  }
  return selection;
}

function totalOf({ overview }: SeenRecord): number {
  const { success = 0, unchanged = 0, failed = 0, conflict = 0, notTried = 0 } = overview;
  return success + unchanged + failed + conflict + notTried;
}

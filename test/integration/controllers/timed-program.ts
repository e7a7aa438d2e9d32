/** A program in this process over one far side and one task, with a wall clock that the test sets. */
import { join } from 'node:path';
import type { ReplicaTaskStatus } from '../../../src/api/replica-task.gen.ts';
import { loadState, saveObject } from '../../../src/resources/state-files.ts';
import { SettableClock } from '../../support/settable-clock.ts';
import { eventually } from '../../support/wait.ts';
import type { FarSide, World } from '../../support/world.ts';
import { cluster, credentials, Standalone, task } from './installation.ts';

export class TimedProgram {
  readonly clock: SettableClock;
  readonly program: Standalone;
  readonly east: FarSide;
  #letGo = (): void => undefined;

  private constructor(clock: SettableClock, program: Standalone, east: FarSide) {
    this.clock = clock;
    this.program = program;
    this.east = east;
  }

  /** `name`: of the far side, unique in the world. */
  static async create(world: World, name: string): Promise<TimedProgram> {
    const clock = new SettableClock();
    const program = await Standalone.create(world, clock);
    const east = await world.farSide(name);
    await program.apply('east', credentials('east-login'), cluster('east', east.proxy.url));
    return new TimedProgram(clock, program, east);
  }

  /** Starts the program, and waits until it looks at tasks and at the clock. */
  async start(): Promise<void> {
    const lines = this.program.lines.length;
    this.program.start();
    await eventually(() => this.program.lines.slice(lines).some((line) => line.includes('leading')));
  }

  async apply(spec: object, annotations: object = {}): Promise<void> {
    await this.program.apply('task', task('copy', ['east'], spec, { annotations }));
  }

  async status(): Promise<ReplicaTaskStatus> {
    return (await this.program.task('copy')).status;
  }

  /** Waits for a status like this. */
  async when(like: (status: ReplicaTaskStatus) => boolean, timeoutMs = 20_000): Promise<ReplicaTaskStatus> {
    return await eventually(
      async () => {
        const now = (await this.program.get('ReplicaTask', 'copy'))?.status;
        return now !== undefined && like(now) ? now : undefined;
      },
      { timeoutMs },
    ).catch(async (error: unknown) => {
      const log = this.program.lines.slice(-20).join('');
      throw new Error(`never so: ${like.toString()}\n${JSON.stringify(await this.status(), null, 1)}\n${log}`, {
        cause: error,
      });
    });
  }

  /** Waits until so many runs have ended and none is active. */
  ended(runs: number): Promise<ReplicaTaskStatus> {
    return this.when(({ history, activeRun }) => history?.length === runs && activeRun === undefined);
  }

  async ready(): Promise<ReplicaTaskStatus> {
    await this.program.condition('ReplicaTask', 'copy', 'Ready', { status: 'True' });
    return await this.status();
  }

  /** Waits until the program has noticed a change of the clock and looked at the task. */
  async noticed(change: () => void): Promise<void> {
    const { lines } = this.program;
    const from = lines.length;
    change();
    await eventually(() => lines.slice(from).some((line) => line.includes('the clock was set')));
  }

  /** As a process does that is killed before it can write a status; the program must not run. */
  async forgetStatus(): Promise<void> {
    const state = join(this.program.directory, 'state');
    for (const [id, stored] of (await loadState(state)).objects) {
      if (stored.object.kind !== 'ReplicaTask') continue;
      await saveObject(state, id, { ...stored, object: { ...stored.object, status: { observedGeneration: -1 } } });
    }
  }

  /** Of the present task's runs, oldest first. */
  async claims(): Promise<readonly unknown[]> {
    const { uid } = (await this.program.task('copy')).metadata;
    const { client } = this.program.world;
    const records = client.db('bkrepo_replicator').collection('replica_record').find({ taskUid: uid });
    return (await records.sort({ _id: 1 }).toArray()).map(({ claim }) => claim);
  }

  /** Keeps runs from ending. */
  hold(): void {
    const { promise: until, resolve } = Promise.withResolvers<void>();
    this.#letGo = resolve;
    this.east.proxy.setFault(({ url }) => (url.includes('node/create') ? { kind: 'hold', until } : undefined));
  }

  release(): void {
    this.east.proxy.setFault(undefined);
    this.#letGo();
  }
}

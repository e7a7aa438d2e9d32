import type { ReplicaTask } from '../../src/api/replica-task.gen.ts';

/** Where the demo's resources live and the program runs: a directory, or a real API server. */
export interface Stage {
  /** Hands the sample resources over, as their author would, and starts the program on them. */
  apply(manifests: string): Promise<void>;
  /** The tasks as their users see them; none before the program knows them all. */
  tasks(): Promise<readonly ReplicaTask[]>;
  /** Asks for another run of each by the annotation. */
  requestRun(value: string): Promise<void>;
  /** What there is to show at the end. */
  show(): Promise<string>;
  /** For `--keep`: addresses and files, one line each. */
  addresses(): readonly string[];
  stop(): Promise<void>;
}

export interface StageOptions {
  readonly directory: string;
  /** Configuration of the program but for what belongs to the stage. */
  readonly config: object;
  readonly report: (line: string) => void;
}

/** As the samples are called. */
export const TASKS = ['tools', 'packages'];

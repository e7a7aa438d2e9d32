/** Where the demo's resources live and the program runs: a directory, or a real API server. */
export interface Stage {
  /** Hands the sample resources over, as their author would, and starts the program on them. */
  apply(manifests: string): Promise<void>;
  /** The tasks as their users see them; none before the program knows them all. */
  tasks(): Promise<readonly TaskView[]>;
  /** Asks for another run of each. */
  requestRun(): Promise<void>;
  /** What there is to show at the end. */
  show(): Promise<string>;
  /** For `--keep`: addresses and files, one line each. */
  addresses(): readonly string[];
  stop(): Promise<void>;
}

export interface TaskView {
  readonly name: string;
  /** Those that are over. */
  readonly runs: number;
  readonly running: boolean;
  /** How it is going, in words. */
  readonly progress: string;
}

/** How the program serves its REST API; its section of the configuration. */
export interface RestSection {
  readonly enabled: true;
  readonly host: string;
  readonly port: number;
  readonly users: { readonly file: string };
  readonly tokens: { readonly enabled: false };
}

export interface StageOptions {
  readonly directory: string;
  /** Configuration of the program but for what belongs to the stage. */
  readonly config: object;
  /** Whether its REST API has to be able to change things. */
  readonly rest: boolean;
  readonly report: (line: string) => void;
}

/** As the samples are called. */
export const TASKS = ['tools', 'packages'];

import type { Verdict } from './verdict.ts';

/** What the demo found. */
export interface Outcome {
  readonly equal: boolean;
  /** At the end. */
  readonly verdicts: readonly Verdict[];
  /** Further fields of the final line. */
  readonly more: SecondRun | Lag;
}

interface SecondRun {
  /** The files that crossed in the second run and their bytes; each crosses once to every far side. */
  readonly secondRun: { readonly files: number; readonly bytes: number };
}

interface Lag {
  /** Milliseconds from the answer to a write until a far side had it for good, over all writes and far sides. */
  readonly lagMsP50: number;
  readonly lagMsP99: number;
  /** Writes to the source that were followed. */
  readonly events: number;
}

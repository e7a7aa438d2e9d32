/** The progress of a run in one line of a terminal, drawn over itself; into a pipe goes nothing. */
import type { ReplicaTask } from '../api/replica-task.gen.ts';
import type { TextOutput } from './command.ts';
import { bytesText, clippedTo, columnsOf, spanText } from './text.ts';

const LINE_START = '\r\u001b[K';
const WIDTH = 30;

export class ProgressBar {
  readonly #output: TextOutput;
  #drawn = false;

  constructor(output: TextOutput) {
    this.#output = output;
  }

  draw(task: ReplicaTask): void {
    if (this.#output.isTTY !== true) return;
    this.#output.write(LINE_START + clippedTo(columnsOf(this.#output) - 1, barText(task)));
    this.#drawn = true;
  }

  /** The line is free for other text. */
  clear(): void {
    if (this.#drawn) this.#output.write(LINE_START);
    this.#drawn = false;
  }
}

function barText({ metadata, status }: ReplicaTask): string {
  const { activeRun, progress } = status ?? {};
  if (activeRun === undefined) return `${metadata.name}: waiting`;
  const { total = 0, done = 0, sentBytes = 0, bytesPerSecond = 0, remainingSeconds } = progress ?? {};
  const part = total === 0 ? 0 : Math.min(1, done / total);
  const filled = Math.round(part * WIDTH);
  const left = remainingSeconds === undefined ? '' : `, ${spanText(remainingSeconds * 1_000)} left`;
  const bar = '#'.repeat(filled) + '-'.repeat(WIDTH - filled);
  const speed = `${bytesText(sentBytes)} at ${bytesText(bytesPerSecond)}/s${left}`;
  return `${metadata.name} [${bar}] ${Math.floor(part * 100)}%  ${done}/${total}  ${speed}`;
}

import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';

type Result = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>['data'];

type Summary = Extract<TestEvent, { type: 'test:summary' }>['data'];

interface FileTally {
  passed: number;
  failed: number;
  skipped: number;
  printed: number;
}

/** Lines of its own that a file may add to the report; a test that prints more is cut off, and the report says so. */
const LINES_PER_FILE = 60;
const FAILURE_LIMIT = 6000;

/**
 * What `npm test` prints: a line per file, what failed in full, what was skipped by name, and node's own closing lines.
 * A run without a single test, or a file without one, is a failure.
 */
export class CompactReport {
  readonly #root: string;
  readonly #write: (text: string) => void;
  readonly #files = new Map<string, FileTally>();
  readonly #failures: string[] = [];
  #summary: Summary | undefined;

  constructor(root: string, write: (text: string) => void) {
    this.#root = root;
    this.#write = write;
  }

  take(event: TestEvent): void {
    if (event.type === 'test:pass' || event.type === 'test:fail')
      this.#takeResult(event.type === 'test:pass', event.data);
    else if (event.type === 'test:stdout' || event.type === 'test:stderr')
      this.#takeOutput(event.data.file, event.data.message);
    else if (event.type === 'test:diagnostic' && event.data.file !== undefined)
      this.#takeOutput(event.data.file, event.data.message);
    else if (event.type === 'test:summary') this.#takeSummary(event.data);
  }

  /**
   * Prints what failed, then node's closing lines. Answers the exit code; `files` are those in which at least one test
   * had to run: node counts a file without tests as one that passed, here it failed.
   */
  finish(files: readonly string[]): number {
    const empty = files.filter((file) => {
      const { passed, failed, skipped } = this.#tally(file);
      return passed + failed + skipped === 0;
    });
    for (const file of empty) this.#failures.push(`✖ ${this.#name(file)}: no test ran in it`);
    if (this.#failures.length > 0) this.#write(`\n✖ failing tests:\n\n${this.#failures.join('\n\n')}\n\n`);
    if (this.#summary === undefined) {
      this.#write('the test runner gave no summary\n');
      return 1;
    }
    const { counts, duration_ms, success } = this.#summary;
    const { tests, suites, passed, cancelled, skipped, todo } = counts;
    const fail = tests - passed - cancelled - skipped - todo + empty.length;
    const rows = { tests, suites, pass: passed - empty.length, fail, cancelled, skipped, todo, duration_ms };
    for (const [name, value] of Object.entries(rows)) this.#write(`ℹ ${name} ${value}\n`);
    return success && tests > 0 && this.#failures.length === 0 ? 0 : 1;
  }

  #takeResult(passed: boolean, data: Result): void {
    const error = 'error' in data.details ? data.details.error : undefined;
    const onlyItsParts = error !== undefined && 'failureType' in error && error.failureType === 'subtestsFailed';
    const isFile = data.name === data.file;
    const tally = this.#tally(data.file);
    if (data.skip !== undefined && data.skip !== false) {
      tally.skipped++;
      const why = typeof data.skip === 'string' && data.skip !== '' ? `: ${data.skip}` : '';
      this.#write(`﹣ ${this.#name(data.file)}: skipped: ${data.name}${why}\n`);
    } else if (!passed && !onlyItsParts) {
      tally.failed++;
      const place = `${this.#name(data.file)}${data.line === undefined || isFile ? '' : `:${data.line}`}`;
      const what = isFile ? 'the file itself' : data.name;
      this.#failures.push(`✖ ${place}: ${what}\n${describe(error)}`);
      this.#write(`✖ ${place}: ${what}\n`);
    } else if (passed && data.details.type !== 'suite' && !isFile) {
      tally.passed++;
    }
  }

  #takeOutput(file: string | undefined, message: string): void {
    const tally = this.#tally(file);
    for (const line of message.split('\n')) {
      if (line.trim() === '') continue;
      tally.printed++;
      if (tally.printed <= LINES_PER_FILE) this.#write(`  ${this.#name(file)}: ${line}\n`);
      else if (tally.printed === LINES_PER_FILE + 1) this.#write(`  ${this.#name(file)}: (it prints more)\n`);
    }
  }

  #takeSummary(data: Summary): void {
    if (data.file === undefined) {
      this.#summary = data;
      return;
    }
    const { passed, failed, skipped } = this.#tally(data.file);
    const extra = `${failed > 0 ? `, ${failed} failed` : ''}${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    const seconds = (data.duration_ms / 1000).toFixed(1);
    this.#write(`${data.success ? '✔' : '✖'} ${this.#name(data.file)} (${passed} passed${extra}, ${seconds} s)\n`);
  }

  #tally(file: string | undefined): FileTally {
    const key = file ?? '';
    let tally = this.#files.get(key);
    if (tally === undefined) {
      tally = { passed: 0, failed: 0, skipped: 0, printed: 0 };
      this.#files.set(key, tally);
    }
    return tally;
  }

  #name(file: string | undefined): string {
    return file === undefined ? 'the runner' : relative(this.#root, file);
  }
}

/** The test runner wraps what was thrown: what counts is the cause. */
function describe(error: Error | undefined): string {
  const thrown = error?.cause ?? error;
  return (typeof thrown === 'string' ? thrown : inspect(thrown)).slice(0, FAILURE_LIMIT);
}

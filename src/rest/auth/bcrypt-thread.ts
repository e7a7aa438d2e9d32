/**
 * bcrypt on a thread of its own: bcryptjs computes in slices of 100 ms, between which the program's own work (reconciling,
 * renewing the lease) would have to wait. Guaranteed: every question is answered or fails; a thread that died is replaced
 * at the next one; a thread with nothing to do keeps no process alive.
 */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

import { unavailable } from '../server/errors.ts';

export interface BcryptQuestion {
  readonly password: string;
  readonly hash: string;
}

interface Waiting {
  readonly resolve: (fits: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** bcryptjs needs some KiB; more than this is a defect. */
const MAX_HEAP_MB = 64;

export class BcryptThread {
  readonly #signal: AbortSignal;
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;

  /** Its thread begins with the first question, and ends when `signal` is aborted. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => void this.#worker?.terminate(), { once: true });
  }

  /** Whether the password fits. Questions are answered one by one. Fails with `RestError` `unavailable` when the thread ended. */
  compare(question: BcryptQuestion): Promise<boolean> {
    if (this.#signal.aborted) return Promise.reject(unavailable('the REST API is stopping'));
    const worker = (this.#worker ??= this.#start());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      worker.ref();
      worker.postMessage(question);
    });
  }

  #start(): Worker {
    // Compiled, the file beside this one ends with .js, as this one does.
    const file = new URL(`./bcrypt-worker${extname(import.meta.url)}`, import.meta.url);
    // What the program itself was started with (a larger heap, a test's modules) is not for this thread.
    const worker = new Worker(file, {
      name: 'bcrypt',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    });
    let cause: unknown;
    worker.on('message', (fits: boolean) => {
      this.#waiting.shift()?.resolve(fits);
      if (this.#waiting.length === 0) worker.unref();
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      for (const { reject } of this.#waiting.splice(0)) reject(unavailable('passwords cannot be checked', { cause }));
    });
    return worker;
  }
}

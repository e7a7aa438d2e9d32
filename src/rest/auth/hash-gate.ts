import { Semaphore } from '../../lib/semaphore.ts';
import { unavailable } from '../server/errors.ts';
import type { BcryptThread } from './bcrypt-thread.ts';
import type { PasswordHash } from './password-hash.ts';

const AT_ONCE = 2;
const MAX_WAITING = 32;
const RETRY_SECONDS = 2;
const never = new AbortController().signal;

/**
 * Computes at most two hashes at once, one of them bcrypt, which has one thread. 32 more may wait; the next one fails
 * with `RestError` `unavailable`.
 */
export class HashGate {
  readonly #thread: Pick<BcryptThread, 'compare'>;
  readonly #all = new Semaphore(AT_ONCE);
  readonly #bcrypt = new Semaphore(1);
  #inside = 0;

  constructor(thread: Pick<BcryptThread, 'compare'>) {
    this.#thread = thread;
  }

  async verify(hash: PasswordHash, password: string): Promise<boolean> {
    if (this.#inside >= AT_ONCE + MAX_WAITING)
      throw unavailable('too many callers are being authenticated', { retryAfterSeconds: RETRY_SECONDS });
    this.#inside += 1;
    try {
      const leaveBcrypt = hash.kind === 'bcrypt' ? await this.#bcrypt.acquire(never) : undefined;
      const leave = await this.#all.acquire(never);
      try {
        return await hash.verify(password, this.#thread);
      } finally {
        leave();
        leaveBcrypt?.();
      }
    } finally {
      this.#inside -= 1;
    }
  }
}

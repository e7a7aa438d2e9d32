/** Callers with Kubernetes tokens: who they are and what they may is the API server's word, kept for a moment. */
import { createHmac } from 'node:crypto';

import { ReplicationError } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { SharedAnswers } from '../../lib/shared-answers.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { complain, type RestError } from '../codes.ts';
import type { AccessRequest, AccessReview, Caller, TokenUser } from '../ports.ts';
import { BoundedCache } from './bounded-cache.ts';
import type { Throttle } from './throttle.ts';

/** How long a no is kept. */
const NO_MS = 2_000;
const MAX_KEPT = 10_000;
/** A token that was good so recently is asked about even from an address that is refused. */
const TRUSTED_MS = 15 * 60_000;
/** Between two looks whether the binding is there by now. */
const BINDING_MS = 30_000;

export interface TokenSettings {
  readonly review: AccessReview;
  readonly audience: string;
  readonly acceptApiServerAudience: boolean;
  /** How long a yes is kept; a token never beyond its own end. */
  readonly cacheMs: number;
}

export interface BearerOptions extends TokenSettings {
  readonly throttle: Throttle;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 32 random bytes, of this process alone. */
  readonly key: Buffer;
}

export const MISSING_BINDING =
  "tokens cannot be checked: the operator's ServiceAccount lacks a ClusterRoleBinding to the ClusterRole system:auth-delegator";

export class BearerCallers {
  readonly #options: BearerOptions;
  /** By digest of the token; null = it is not good. */
  readonly #tokens: BoundedCache<TokenUser | null>;
  readonly #trusted: BoundedCache<true>;
  readonly #rights: BoundedCache<boolean>;
  readonly #reviews: SharedAnswers<TokenUser | undefined>;
  readonly #accesses: SharedAnswers<boolean>;
  #binding: { readonly present: boolean; readonly until: number } | undefined;
  #told = false;

  constructor(options: BearerOptions) {
    const { clock } = options;
    this.#options = options;
    this.#tokens = new BoundedCache(clock, MAX_KEPT);
    this.#trusted = new BoundedCache(clock, MAX_KEPT);
    this.#rights = new BoundedCache(clock, MAX_KEPT);
    this.#reviews = new SharedAnswers(clock, 0);
    this.#accesses = new SharedAnswers(clock, 0);
  }

  /** Looks whether tokens can be checked at all, and logs when not. An API server that is away is asked again later. */
  async start(signal: AbortSignal): Promise<void> {
    try {
      await this.#mayReview(signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#options.logger.warn('it is not known yet whether tokens of REST callers can be checked', { error });
    }
  }

  /** Fails with `RestError`, or as `AccessReview` does. */
  async authenticate(token: string, address: string, signal: AbortSignal): Promise<Caller> {
    if (!/^[\w.~+/-]+=*$/.test(token)) throw invalid();
    const digest = this.#digest(token);
    const kept = this.#tokens.get(digest);
    if (kept === null) throw invalid();
    if (kept !== undefined) return this.#callerOf(kept);
    const attempt = this.#trusted.get(digest) === true ? undefined : this.#options.throttle.begin(undefined, address);
    let user: TokenUser | undefined;
    try {
      if (!(await this.#mayReview(signal))) throw complain('unauthenticated', 'Unauthorized', MISSING_BINDING);
      const neverEnds = new AbortController().signal;
      user = await this.#reviews.get(digest, () => this.#review(token, neverEnds), signal);
    } catch (error) {
      attempt?.undecided();
      if (isForbidden(error)) throw this.#bindingLost(error);
      throw error;
    }
    if (user === undefined) {
      attempt?.failed();
      this.#trusted.delete(digest);
      this.#tokens.set(digest, null, NO_MS);
      throw invalid();
    }
    attempt?.succeeded();
    this.#trusted.set(digest, true, TRUSTED_MS);
    this.#tokens.set(digest, user, Math.min(this.#options.cacheMs, this.#lifeOf(token)));
    return this.#callerOf(user);
  }

  async #review(token: string, signal: AbortSignal): Promise<TokenUser | undefined> {
    const { review, audience, acceptApiServerAudience } = this.#options;
    const user = await review.reviewToken(token, [audience], signal);
    if (user !== undefined || !acceptApiServerAudience) return user;
    return await review.reviewToken(token, [], signal);
  }

  #callerOf(user: TokenUser): Caller {
    return { name: user.username, may: (request, signal) => this.#may(user, request, signal) };
  }

  async #may(user: TokenUser, request: AccessRequest, signal: AbortSignal): Promise<boolean> {
    const { verb, resource, namespace, name } = request;
    const key = this.#digest(JSON.stringify([user, verb, resource, namespace, name]));
    const kept = this.#rights.get(key);
    if (kept !== undefined) return kept;
    const { review, cacheMs } = this.#options;
    const ask = (): Promise<boolean> => review.reviewAccess(user, request, new AbortController().signal);
    const may = await this.#accesses.get(key, ask, signal);
    this.#rights.set(key, may, may ? cacheMs : Math.min(NO_MS, cacheMs));
    return may;
  }

  async #mayReview(signal: AbortSignal): Promise<boolean> {
    const { clock, review } = this.#options;
    if (this.#binding !== undefined && this.#binding.until > clock.monotonic()) return this.#binding.present;
    const present = await review.mayReview(signal);
    this.#noteBinding(present);
    return present;
  }

  #noteBinding(present: boolean): void {
    const { clock, logger } = this.#options;
    this.#binding = { present, until: present ? Number.POSITIVE_INFINITY : clock.monotonic() + BINDING_MS };
    if (!present && !this.#told) logger.warn(MISSING_BINDING);
    if (present && this.#told) logger.info('tokens of REST callers can be checked');
    this.#told = !present;
  }

  #bindingLost(cause: unknown): RestError {
    this.#noteBinding(false);
    const error = complain('unauthenticated', 'Unauthorized', MISSING_BINDING);
    error.cause = cause;
    return error;
  }

  /** Milliseconds until the token ends, as far as it says so; the API server has judged it. */
  #lifeOf(token: string): number {
    try {
      const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      const end = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined;
      return typeof end === 'number' ? end * 1_000 - this.#options.clock.now() : Number.POSITIVE_INFINITY;
    } catch {
      // No JWT: it says nothing.
      return Number.POSITIVE_INFINITY;
    }
  }

  #digest(text: string): string {
    return createHmac('sha256', this.#options.key).update(text).digest('base64');
  }
}

function isForbidden(error: unknown): boolean {
  return error instanceof ReplicationError && error.code === 'ApiForbidden';
}

function invalid(): RestError {
  return complain('unauthenticated', 'Invalid token');
}

/** Asking far sides for callers: each at most once a second, and a few at a time. */
import type { Cluster } from '../../api/cluster.gen.ts';
import { CREDENTIALS_CHANGED_ANNOTATION } from '../../api/names.ts';
import { classify } from '../../domain/errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { Semaphore } from '../../lib/semaphore.ts';
import { SharedAnswers } from '../../lib/shared-answers.ts';
import type { Credentials } from '../../resources/editor.ts';
import { type Complaint, RestError } from '../codes.ts';
import { restName } from '../mapping/identity.ts';
import type { FarSideProbe } from '../ports.ts';

const KEEP_MS = 1_000;
const AT_ONCE = 8;
/** A ping ends by itself within ten seconds; this is for whoever would not. Milliseconds. */
const LONGEST_MS = 15_000;
/** Errors of this side: nothing is said about the far side by them. */
const OWN_TROUBLE: ReadonlySet<string> = new Set(['ApiUnavailable', 'ApiForbidden', 'SecretForbidden']);

export class Pings {
  readonly #farSides: FarSideProbe;
  readonly #answers: SharedAnswers<Complaint | undefined>;
  readonly #turns = new Semaphore(AT_ONCE);

  constructor(farSides: FarSideProbe, clock: Clock) {
    this.#farSides = farSides;
    this.#answers = new SharedAnswers(clock, KEEP_MS);
  }

  /** One that is stored, by what it names. undefined = it answered. */
  stored(cluster: Cluster, signal: AbortSignal): Promise<Complaint | undefined> {
    const { uid, generation, annotations } = cluster.metadata;
    // A new password is in no generation.
    const credentials = annotations?.[CREDENTIALS_CHANGED_ANNOTATION] ?? '';
    // Others may wait for the answer, so it does not end with the request that asked first.
    const ask = (): Promise<Complaint | undefined> => this.asked(cluster, undefined, AbortSignal.timeout(LONGEST_MS));
    return this.#answers.get(`${uid}/${generation}/${credentials}`, ask, signal);
  }

  /** One that may not be stored yet. */
  async asked(
    cluster: Cluster,
    credentials: Credentials | undefined,
    signal: AbortSignal,
  ): Promise<Complaint | undefined> {
    const release = await this.#turns.acquire(signal);
    try {
      await this.#farSides.ping(cluster, credentials, signal);
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RestError) throw error;
      const { code, message } = classify(error);
      if (OWN_TROUBLE.has(code)) throw error;
      if (code === 'HostNotAllowed') return { code: 'parameterInvalid', subject: 'url', detail: message };
      return { code: 'clusterConnectError', subject: restName(cluster), detail: message };
    } finally {
      release();
    }
  }
}

/** @throws {RestError} with all that is wrong */
export function refuseComplaints(complaints: readonly (Complaint | undefined)[]): void {
  const [first, ...more] = complaints.filter((complaint) => complaint !== undefined);
  if (first !== undefined) throw new RestError([first, ...more]);
}

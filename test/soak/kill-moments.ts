/** Moments of the wire protocol at which a process is killed. */
import type { SeenRequest } from '../support/fault-proxy.ts';
import { KINDS } from '../support/schedule/plan.ts';
import type { SeededRandom } from '../support/seed.ts';

export interface Moment {
  readonly name: string;
  readonly at: 'request' | 'answer';
  readonly is: (request: SeenRequest) => boolean;
  /** It strikes at one of so many first such requests. */
  readonly most: number;
  /** … and up to so many milliseconds later. */
  readonly laterMs: number;
}

const MOMENTS: readonly Moment[] = [
  { name: 'before a session', at: 'request', is: KINDS.session, most: 4, laterMs: 5 },
  { name: 'after a session began', at: 'answer', is: KINDS.session, most: 4, laterMs: 20 },
  // A chunk takes a third of a second.
  { name: 'within a chunk', at: 'request', is: KINDS.chunk, most: 10, laterMs: 330 },
  { name: 'after a chunk', at: 'answer', is: KINDS.chunk, most: 10, laterMs: 5 },
  { name: 'before the end of an upload', at: 'request', is: KINDS.finish, most: 4, laterMs: 10 },
  { name: 'between an upload and its node', at: 'answer', is: KINDS.finish, most: 4, laterMs: 200 },
  { name: 'within a small upload', at: 'request', is: KINDS.push, most: 25, laterMs: 20 },
  { name: 'at node/create', at: 'request', is: KINDS.create, most: 25, laterMs: 5 },
  { name: 'between a node and its record', at: 'answer', is: KINDS.create, most: 25, laterMs: 30 },
  { name: 'at a question', at: 'request', is: KINDS.search, most: 3, laterMs: 40 },
];

export interface PlannedKill {
  /** Undefined = whenever the time is up. */
  readonly moment: Moment | undefined;
  readonly nth: number;
  readonly laterMs: number;
  /** The answer to the request at which it strikes is lost. */
  readonly losesAnswer: boolean;
  /** Milliseconds to its end, where the moment does not come before … */
  readonly lifeMs: number;
  /** … from its start; else from its first request of a run. */
  readonly early: boolean;
}

/** Milliseconds. */
const LONGEST_LIFE = 4_000;
const LONGEST_EARLY = 2_000;

export function planKill(random: SeededRandom): PlannedKill {
  const none = { moment: undefined, nth: 0, laterMs: 0, losesAnswer: false };
  const die = random.below(12);
  if (die === 0) return { ...none, early: true, lifeMs: random.below(LONGEST_EARLY) };
  if (die < 4) return { ...none, early: false, lifeMs: random.below(LONGEST_LIFE) };
  const moment = random.pick(MOMENTS);
  return {
    moment,
    nth: 1 + random.below(moment.most),
    laterMs: random.below(moment.laterMs),
    losesAnswer: moment.at === 'request' && random.below(3) === 0,
    early: false,
    lifeMs: LONGEST_LIFE,
  };
}

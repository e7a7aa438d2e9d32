/**
 * What one fault schedule is, drawn from a seed alone: which types, far sides and strategies, which faults strike when, and
 * what changes at the source meanwhile. The same seed gives the same plan; when a request comes is up to the machine.
 */
import { MIXED_TYPES } from '../bkrepo/packages/mixed.ts';
import type { Fault, SeenRequest } from '../fault-proxy.ts';
import { type SeededRandom, seededRandom } from '../seed.ts';

export type RequestKind = keyof typeof KINDS;

/** What strikes: a fault of the line, or the death of a process. */
export type Strike =
  | Fault
  | { readonly kind: 'kill-program' }
  /** The receiving side's process; it comes back after `awayMs`. */
  | { readonly kind: 'kill-peer'; readonly awayMs: number };

export interface PlannedStrike {
  /** Position of the far side whose requests trigger it. */
  readonly farSide: number;
  readonly on: RequestKind;
  /** It strikes at the n-th such request (from 1) … */
  readonly nth: number;
  /** … and at so many in all. */
  readonly times: number;
  readonly strike: Strike;
}

export const CHANGE_KINDS = ['new-version', 'new-snapshot', 'changed-file', 'deleted-version'] as const;

export interface PlannedChange {
  readonly kind: (typeof CHANGE_KINDS)[number];
  /** Strikes at the n-th request to the first far side, from 1. */
  readonly nth: number;
  readonly salt: number;
}

export interface SchedulePlan {
  readonly seed: number;
  readonly types: readonly string[];
  /** One for each far side: does it reproduce real servers' defects? */
  readonly farSides: readonly { readonly faithful: boolean }[];
  /** Bytes of the largest payloads. */
  readonly largest: number;
  readonly conflictStrategy: 'SKIP' | 'OVERWRITE' | 'FAST_FAIL';
  readonly errorStrategy: 'CONTINUE' | 'FAST_FAIL';
  readonly recordUnchanged: boolean;
  /** The far sides have versions, files and metadata of their own before. */
  readonly seeded: boolean;
  /** Some packages of each repository in place of the whole one. */
  readonly selected: boolean;
  readonly strikes: readonly PlannedStrike[];
  readonly changes: readonly PlannedChange[];
}

const MIB = 1024 * 1024;
const MOST_TYPES = 5;

/** Requests of the wire protocol. */
export const KINDS = {
  any: () => true,
  session: ({ method, url }: SeenRequest) => method === 'POST' && /\/blobs\/uploads\/?(?:\?|$)/.test(url),
  chunk: ({ method }: SeenRequest) => method === 'PATCH',
  finish: ({ method, url }: SeenRequest) => method === 'PUT' && url.includes('/blobs/uploads/'),
  push: ({ url }: SeenRequest) => url.includes('/blob/push'),
  pull: ({ url }: SeenRequest) => url.includes('/blob/pull'),
  check: ({ url }: SeenRequest) => url.includes('/blob/check'),
  create: ({ url }: SeenRequest) => url.includes('/node/create'),
  version: ({ url }: SeenRequest) => url.includes('/package/version/create'),
  search: ({ url }: SeenRequest) => url.includes('/node/search'),
  question: ({ url }: SeenRequest) => /\/(?:version\/page|package\/info|package\/version\/exist)/.test(url),
} as const;

/** Requests that change what is at a far side. */
export function isWrite(request: SeenRequest): boolean {
  const { session, chunk, finish, push, create, version } = KINDS;
  return [session, chunk, finish, push, create, version].some((is) => is(request));
}

export function planOf(seed: number): SchedulePlan {
  const random = seededRandom(seed);
  const types = random.shuffle(MIXED_TYPES).slice(0, 2 + random.below(MOST_TYPES - 1));
  const faithful = random.below(2) === 0;
  const farSides = [{ faithful }, ...(random.below(2) === 0 ? [{ faithful: !faithful }] : [])];
  const large = random.below(4) === 0;
  const conflictStrategy = random.pick(['OVERWRITE', 'OVERWRITE', 'SKIP', 'FAST_FAIL'] as const);
  const changing = random.below(2) === 0;
  const selected = random.below(4) === 0;
  return {
    seed,
    types,
    farSides,
    // Above 8 MiB a blob goes in chunks and is read back.
    largest: large ? 9 * MIB + random.below(6 * MIB) : 20_000 + random.below(200_000),
    conflictStrategy,
    errorStrategy: random.below(4) === 0 ? 'FAST_FAIL' : 'CONTINUE',
    recordUnchanged: random.below(2) === 0,
    seeded: random.below(2) === 0,
    selected,
    strikes: strikesOf(random, farSides.length, large),
    changes: changing ? changesOf(random, conflictStrategy, selected) : [],
  };
}

function strikesOf(random: SeededRandom, farSides: number, large: boolean): PlannedStrike[] {
  const strikes = Array.from({ length: 3 + random.below(5) }, () => lineStrike(random, random.below(farSides), large));
  const deaths = random.below(4);
  for (let death = 0; death < deaths; death += 1) {
    const peer = random.below(3) === 0;
    strikes.push({
      farSide: random.below(farSides),
      on: random.pick(['any', 'push', 'create', 'version', 'question', large ? 'chunk' : 'push'] as const),
      nth: 1 + random.below(15),
      times: 1,
      strike: peer ? { kind: 'kill-peer', awayMs: 50 + random.below(900) } : { kind: 'kill-program' },
    });
  }
  return strikes;
}

function lineStrike(random: SeededRandom, farSide: number, large: boolean): PlannedStrike {
  const upload: RequestKind = large && random.below(2) === 0 ? random.pick(['chunk', 'finish', 'session']) : 'push';
  const anything: RequestKind = random.pick(['any', 'create', 'version', 'search', 'question', upload] as const);
  const bytes = random.below(3) === 0 ? random.below(5 * MIB) : random.below(3_000);
  const [on, strike, most]: readonly [RequestKind, Fault, number] = random.pick([
    [anything, { kind: 'reset' }, 3],
    [upload, { kind: 'reset', afterBytes: bytes }, 2],
    ['pull', { kind: 'cut-answer', afterBytes: bytes }, 2],
    [anything, { kind: 'cut-answer', afterBytes: random.below(60) }, 2],
    [anything, { kind: 'answer', status: 500, body: '{"code":250102,"message":"busy","data":null}' }, 8],
    ['any', { kind: 'answer', status: 503 }, 20],
    // One unit fails for good, or the far side is full: what names it, or comes after it, must not come alone.
    [upload, { kind: 'answer', status: 400, body: '{"code":250106,"message":"refused","data":null}' }, 3],
    [upload, { kind: 'answer', status: 507, body: '{"code":251101,"message":"full","data":null}' }, 1],
    ['any', { kind: 'answer', status: 429, headers: { 'retry-after': '1' } }, 6],
    [anything, { kind: 'hold', ms: 200 + random.below(1_500) }, 3],
    [upload, { kind: 'corrupt-request' }, 2],
    ['pull', { kind: 'corrupt-answer' }, 1],
    [random.pick(['create', 'version', 'finish', 'push'] as const), { kind: 'lose-answer' }, 3],
    [upload, { kind: 'slow', bytesPerSecond: 200_000 }, 4],
  ] as const);
  return { farSide, on, nth: 1 + random.below(on === 'any' ? 60 : 12), times: 1 + random.below(most), strike };
}

/**
 * What replaces something is left out where the strategy does not replace, and what removes something where it may have
 * been selected: that would rightly fail for ever.
 */
function changesOf(
  random: SeededRandom,
  strategy: SchedulePlan['conflictStrategy'],
  selected: boolean,
): PlannedChange[] {
  const replacing: readonly string[] = ['new-snapshot', 'changed-file'];
  const kinds = CHANGE_KINDS.filter(
    (kind) => (strategy === 'OVERWRITE' || !replacing.includes(kind)) && (!selected || kind !== 'deleted-version'),
  );
  return Array.from({ length: 1 + random.below(3) }, () => ({
    kind: random.pick(kinds),
    nth: 5 + random.below(100),
    salt: random.below(2 ** 31),
  }));
}

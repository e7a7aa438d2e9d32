import { randomInt } from 'node:crypto';

/** Random numbers that come again from the same seed. */
export interface SeededRandom {
  readonly seed: number;
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, limit). */
  below(limit: number): number;
  /** @throws {RangeError} when there is nothing to choose from */
  pick<T>(choices: readonly T[]): T;
  /** A new array in random order. */
  shuffle<T>(items: readonly T[]): T[];
  bytes(length: number): Buffer;
}

/** The seed of this run: TEST_SEED, or a new one. It is printed, so that a failure can be had again. */
export function printedSeed(label: string, environment: NodeJS.ProcessEnv = process.env): number {
  const given = environment['TEST_SEED'];
  const seed = given === undefined || given === '' ? randomInt(2 ** 32) : Number(given);
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new RangeError(`TEST_SEED must be a whole number below 2^32, not ${given}`);
  process.stdout.write(`${label}: TEST_SEED=${seed}\n`);
  return seed;
}

/** mulberry32: 32 bits of state, good enough to choose test data, not for anything else. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    seed,
    next,
    below,
    pick(choices) {
      if (choices.length === 0) throw new RangeError('nothing to choose from');
      return choices[below(choices.length)] as (typeof choices)[number];
    },
    shuffle(items) {
      const shuffled = [...items];
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = below(last + 1);
        const moved = shuffled[last] as (typeof items)[number];
        shuffled[last] = shuffled[other] as (typeof items)[number];
        shuffled[other] = moved;
      }
      return shuffled;
    },
    bytes(length) {
      const bytes = Buffer.alloc(length);
      for (let index = 0; index < length; index++) bytes[index] = below(256);
      return bytes;
    },
  };
}

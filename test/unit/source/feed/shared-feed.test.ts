import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { FeedBatch, FeedPosition } from '../../../../src/engine/ports/feed.ts';
import type { OrderedFeed } from '../../../../src/source/feed/ordered-feed.ts';
import { onlySameKnown } from '../../../../src/source/feed/ordered-feed.ts';
import { shareFeed } from '../../../../src/source/feed/shared-feed.ts';
import { printedSeed, seededRandom } from '../../../support/seed.ts';
import { eventually } from '../../../support/wait.ts';

const position = (index: number): FeedPosition => ({
  kind: 'changeStream',
  at: new Date(index * 1_000),
  token: String(index),
});

/** A feed of numbered changes, which somebody writes. */
class NumberedFeed implements OrderedFeed {
  readonly kind = 'changeStream';
  readonly name = 'numbers';
  readonly #batch: number;
  written = 0;
  /** Readers that are open, and all that ever were. */
  open = 0;
  opened = 0;
  asked = 0;
  failure: Error | undefined;

  constructor(batch = 3) {
    this.#batch = batch;
  }

  async end(): Promise<FeedPosition> {
    return position(this.written);
  }

  async *read(from: FeedPosition, signal: AbortSignal): AsyncGenerator<FeedBatch> {
    this.open += 1;
    this.opened += 1;
    try {
      for (let at = Number(from.token); ; ) {
        this.asked += 1;
        while (at === this.written && this.failure === undefined) {
          signal.throwIfAborted();
          await turn();
        }
        if (this.failure !== undefined) throw this.failure;
        const next = Math.min(at + this.#batch, this.written);
        const changes = Array.from({ length: next - at }, (_, index) => ({
          change: { kind: 'document' as const, id: String(at + index) },
          at: new Date((at + index) * 1_000),
        }));
        at = next;
        yield { changes, position: position(at), unknown: 0 };
      }
    } finally {
      this.open -= 1;
    }
  }

  order(one: FeedPosition, other: FeedPosition): number {
    return Number(one.token) - Number(other.token);
  }
}

/** Reads until it is stopped; `gate` holds it before it goes on behind a batch. */
function follow(feed: ReturnType<typeof shareFeed>, from: number, gate: (seen: number) => Promise<unknown> = turn) {
  const stop = new AbortController();
  const told = new Set<number>();
  let saved = position(from);
  let failure: unknown;
  const done = (async () => {
    try {
      for await (const batch of feed.read(saved, stop.signal)) {
        for (const { change } of batch.changes) if (change.kind === 'document') told.add(Number(change.id));
        saved = batch.position;
        await gate(told.size);
      }
    } catch (error) {
      if (!stop.signal.aborted) failure = error;
    }
  })();
  return {
    told,
    done,
    get failure() {
      return failure;
    },
    get saved() {
      return Number(saved.token);
    },
    async stop() {
      stop.abort(new Error('enough'));
      await done;
    },
  };
}

function assertTold(told: ReadonlySet<number>, from: number, to: number): void {
  for (let index = from; index < to; index += 1) assert.ok(told.has(index), `${index} was not told`);
}

describe('a shared feed', () => {
  it('has one reader for all who begin at the same place, and none when the last has left', async () => {
    const feed = new NumberedFeed();
    const shared = shareFeed(feed);
    const followers = Array.from({ length: 5 }, () => follow(shared, 0));
    feed.written = 10;
    for (const { told } of followers) await eventually(() => told.size === 10);
    assert.equal(feed.opened, 1);
    const [first, ...others] = followers;
    await first?.stop();
    feed.written = 20;
    for (const { told } of others) await eventually(() => told.size === 20);
    assert.deepEqual([feed.open, first?.told.size], [1, 10]);
    await Promise.all(others.map((follower) => follower.stop()));
    assert.equal(feed.open, 0);
  });

  it('reads on only when somebody has dealt with what was read', async () => {
    const feed = new NumberedFeed();
    feed.written = 100;
    const { promise, resolve } = Promise.withResolvers<void>();
    const follower = follow(shareFeed(feed), 0, () => promise);
    await eventually(() => follower.told.size === 3);
    for (let turns = 0; turns < 50; turns += 1) await turn();
    assert.equal(feed.asked, 1);
    resolve();
    await eventually(() => follower.told.size === 100);
    await follower.stop();
  });

  it('lets one who is behind read alone, without holding up the others, and takes it in when it has come up', async () => {
    const feed = new NumberedFeed(1_000);
    feed.written = 100_000;
    const shared = shareFeed(feed);
    const ahead = Array.from({ length: 3 }, () => follow(shared, 100_000));
    await eventually(() => feed.open === 1);
    const gate = Promise.withResolvers<void>();
    const behind = follow(shared, 0, () => gate.promise);
    feed.written += 10;
    for (const { told } of ahead) await eventually(() => told.size === 10);
    assert.equal(feed.open, 2);
    gate.resolve();
    await eventually(() => behind.told.size === 100_010);
    feed.written += 10;
    await eventually(() => feed.open === 1);
    feed.written += 10;
    for (const { told } of ahead) await eventually(() => told.size === 30);
    await eventually(() => behind.told.size === 100_030);
    assert.equal(feed.opened, 2);
    await Promise.all([...ahead, behind].map((follower) => follower.stop()));
  });

  it('lets nobody wait for one who began before and is behind', async () => {
    const feed = new NumberedFeed(1_000);
    feed.written = 100_000;
    const shared = shareFeed(feed);
    const gate = Promise.withResolvers<void>();
    const behind = follow(shared, 0, () => gate.promise);
    await eventually(() => behind.told.size === 1_000);
    const ahead = Array.from({ length: 3 }, () => follow(shared, 100_000));
    feed.written += 10;
    for (const { told } of ahead) await eventually(() => told.size === 10);
    assert.equal(feed.open, 2);
    gate.resolve();
    await eventually(() => behind.told.size === 100_010);
    await eventually(() => {
      feed.written += 1;
      return feed.open === 1;
    });
    for (const { told } of ahead) await eventually(() => told.has(feed.written - 1));
    await Promise.all([...ahead, behind].map((follower) => follower.stop()));
  });

  it('drops one who is slow, keeps little for it, and tells it everything all the same', async () => {
    const feed = new NumberedFeed(1_000);
    const shared = shareFeed(feed);
    const gate = Promise.withResolvers<void>();
    const slow = follow(shared, 0, (seen) => (seen < 2_000 ? turn() : gate.promise));
    const fast = follow(shared, 0);
    feed.written = 200_000;
    await eventually(() => fast.told.size === 200_000);
    assert.equal(slow.told.size, 2_000);
    assert.equal(feed.opened, 1);
    gate.resolve();
    await eventually(() => slow.told.size === 200_000);
    assert.ok(feed.opened >= 2, 'it was told from what had been kept for it');
    feed.written += 1;
    await eventually(() => slow.told.size === 200_001 && feed.open === 1);
    await Promise.all([slow, fast].map((follower) => follower.stop()));
  });

  it('tells a failure to everybody, who then go on from where they are', async () => {
    const feed = new NumberedFeed();
    const shared = shareFeed(feed);
    const followers = Array.from({ length: 3 }, () => follow(shared, 0));
    feed.written = 10;
    for (const { told } of followers) await eventually(() => told.size === 10);
    const failure = new Error('gone');
    feed.failure = failure;
    await Promise.all(followers.map(({ done }) => done));
    for (const follower of followers) assert.equal(follower.failure, failure);
    assert.equal(feed.open, 0);
    feed.failure = undefined;
    const again = followers.map(({ saved }) => follow(shared, saved));
    feed.written = 20;
    for (const { told } of again) await eventually(() => told.size === 10);
    assert.equal(feed.opened, 2);
    await Promise.all(again.map((follower) => follower.stop()));
  });

  it('of a log shares a reader only where both are certainly at the same place', async () => {
    const feed = new NumberedFeed(7);
    const shared = shareFeed(onlySameKnown(feed));
    feed.written = 1_000;
    const first = follow(shared, 500);
    await eventually(() => first.told.size === 500);
    // Not at the end of a batch of the other, then at the end of all.
    const near = follow(shared, 951);
    await eventually(() => near.told.size === 49);
    assert.deepEqual([feed.opened, near.told.has(950)], [2, false]);
    feed.written = 1_001;
    await eventually(() => feed.open === 1);
    // At the end of a batch that is kept.
    const same = follow(shared, 507);
    await eventually(() => same.told.size === 494);
    assertTold(same.told, 507, 1_001);
    assert.deepEqual([feed.opened, same.told.has(506)], [2, false]);
    await Promise.all([first, near, same].map((follower) => follower.stop()));
  });

  it('tells everybody everything, whoever comes, goes, dawdles or fails', async () => {
    const random = seededRandom(printedSeed('shared feed'));
    for (let round = 0; round < 25; round += 1) {
      const feed = new NumberedFeed(1 + random.below(700));
      const shared = shareFeed(random.below(2) === 0 ? feed : onlySameKnown(feed));
      let last = 0;
      const live = new Set<Promise<void>>();
      const begin = (): void => {
        const from = random.below(last + 1);
        const until = random.below(3) === 0 ? from + random.below(20_000) : Number.POSITIVE_INFINITY;
        const laziness = random.below(4);
        live.add(life(from, until, laziness));
      };
      async function life(from: number, until: number, laziness: number): Promise<void> {
        const told = new Set<number>();
        let saved = from;
        while (saved < Math.min(until, total)) {
          const reader = follow(shared, saved, async () => {
            for (let turns = random.below(1 + laziness * 3); turns > 0; turns -= 1) await turn();
          });
          while (reader.saved < Math.min(until, total) && reader.failure === undefined) await turn();
          await reader.stop();
          for (const one of reader.told) told.add(one);
          saved = reader.saved;
        }
        assertTold(told, from, Math.min(until, total));
      }
      const total = 60_000;
      while (last < total) {
        last = Math.min(total, last + random.below(3_000));
        feed.written = last;
        if (live.size < 6 && random.below(3) === 0) begin();
        if (random.below(10) === 0) feed.failure = new Error('a break');
        await turn();
        if (random.below(2) === 0) feed.failure = undefined;
      }
      feed.failure = undefined;
      begin();
      await Promise.all(live);
      assert.equal(feed.open, 0);
    }
  });
});

/** A follower in a test: reads a feed in the background, again after every failure that passes, and knows what it was told. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Change, ChangeFeed, FeedBatch, FeedPosition } from '../../../../src/engine/ports/feed.ts';
import { eventually } from '../../../support/wait.ts';

export function changeText(change: Change): string {
  switch (change.kind) {
    case 'node':
      return `node ${change.projectId}/${change.repoName}${change.fullPath}${change.below ? ' and below' : ''}`;
    case 'package': {
      const version = change.version === undefined ? '' : `@${change.version}`;
      return `package ${change.projectId}/${change.repoName} ${change.packageKey}${version}`;
    }
    case 'repository':
      return `repository ${change.projectId}/${change.repoName}`;
    case 'document':
      return `document ${change.id}`;
  }
}

export class Reading {
  /** In the order in which it was told, since the last {@link take}. */
  #told: string[] = [];
  readonly batches: FeedBatch[] = [];
  readonly failures: string[] = [];
  position: FeedPosition;
  unknown = 0;
  /** The one that ended it. */
  failure: Error | undefined;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(feed: ChangeFeed, from: FeedPosition, each: (batch: FeedBatch) => Promise<void> = async () => undefined) {
    this.position = from;
    this.#done = this.#read(feed, each);
  }

  get told(): readonly string[] {
    return this.#told;
  }

  /** What was told until `last` was, which is forgotten; without `last` itself. */
  async take(last: string): Promise<readonly string[]> {
    await eventually(() => this.#told.includes(last) || this.failure !== undefined);
    if (this.failure !== undefined) throw this.failure;
    return this.#told.splice(0).filter((text) => text !== last);
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test has seen enough'));
    await this.#done;
  }

  async #read(feed: ChangeFeed, each: (batch: FeedBatch) => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && this.failure === undefined)
      try {
        for await (const batch of feed.read(this.position, signal)) {
          this.#told.push(...batch.changes.map(({ change }) => changeText(change)));
          this.batches.push(batch);
          this.unknown += batch.unknown;
          await each(batch);
          this.position = batch.position;
        }
        this.failure = new Error('the feed ended without an error');
      } catch (error) {
        if (signal.aborted) return;
        const { errorClass, code, message } = error as { errorClass?: string; code?: string; message: string };
        this.failures.push(`${code}: ${message}`);
        if (errorClass !== 'retryable') this.failure = error as Error;
        else await delay(50);
      }
  }
}

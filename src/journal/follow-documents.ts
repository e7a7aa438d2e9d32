/**
 * The documents of following a source. Their `_id`s are made from what they are about, so that there is one of each also
 * where somebody dropped a collection and its indexes with it.
 */
import { hash } from 'node:crypto';

import type { FeedPosition } from '../engine/ports/feed.ts';
import type { DirtyKey, FarSideState, Mark, Retry } from '../engine/ports/follow-journal.ts';
import { checked, type Stamped } from './documents.ts';

/** How far a task has followed its source. */
export interface FollowDocument extends Stamped {
  readonly _id: string;
  readonly taskKey: string;
  readonly taskUid: string;
  readonly namespace: string;
  readonly name: string;
  /** Raised by each process that begins to follow. */
  readonly epoch: number;
  readonly position: FeedPosition | null;
  readonly farSides: readonly FarSideState[];
  /** No mark has a greater seq. */
  readonly lastSeq: number;
  readonly updatedAt: Date;
}

interface KeyFields extends Stamped {
  readonly _id: string;
  readonly taskKey: string;
  readonly taskUid: string;
  readonly repoName: string;
  readonly kind: DirtyKey['kind'];
  readonly key: string;
  readonly version: string | null;
  readonly at: Date;
  readonly updatedAt: Date;
}

/** Something of the source that became dirty. */
export interface MarkDocument extends KeyFields {
  readonly seq: number;
}

/** Something that failed at one far side. */
export interface RetryDocument extends KeyFields {
  readonly clusterId: string;
  /** Of who wrote it. */
  readonly epoch: number;
  readonly attempts: number;
  readonly dueAt: Date;
}

export function idOf(...about: readonly (string | null)[]): string {
  return hash('sha256', JSON.stringify(about), 'base64url');
}

export function keyParts({ repoName, kind, name, version }: DirtyKey): readonly (string | null)[] {
  return [repoName, kind, name, version ?? null];
}

export function keyFields({ repoName, kind, name, version }: DirtyKey) {
  return { repoName, kind, key: name, version: version ?? null };
}

function toDirtyKey({ repoName, kind, key, version }: KeyFields): DirtyKey {
  return { repoName, kind, name: key, ...(version === null ? {} : { version }) };
}

export function toMark(document: MarkDocument): Mark {
  const known = checked('follow_mark', document);
  return { key: toDirtyKey(known), seq: known.seq, at: known.at };
}

export function toRetry(document: RetryDocument): Retry {
  const known = checked('follow_retry', document);
  const { at, attempts, dueAt } = known;
  return { key: toDirtyKey(known), at, attempts, dueAt };
}

/** Nothing undefined, which MongoDB would keep as null. */
export function farSideFields({ clusterId, cursor, compared, heldSince, held }: FarSideState): FarSideState {
  return {
    clusterId,
    cursor,
    ...(compared === undefined ? {} : { compared: { specHash: compared.specHash, at: compared.at } }),
    ...(heldSince === undefined ? {} : { heldSince }),
    ...(held === undefined ? {} : { held: { files: held.files, owned: held.owned, allowed: held.allowed } }),
  };
}

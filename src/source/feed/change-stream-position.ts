/**
 * Where a change stream stands: the resume token that MongoDB gave. It begins with the time of the operation, and tokens
 * sort as text in the order of the stream (MongoDB's manual, "Resume Tokens").
 */
import { BSON, type ResumeToken } from 'mongodb';
import type { FeedPosition } from '../../engine/ports/feed.ts';
import { positionLost } from './feed-errors.ts';

/** A timestamp in the server's key format: its type, seconds since the epoch, a counter within the second. */
const TIME = /^82([0-9a-f]{8})[0-9a-f]{8}/i;

/** `at` in milliseconds: of the last change, where there was one; the token itself knows only seconds. */
export function positionOf(token: ResumeToken, at: number): FeedPosition {
  const time = (secondsOf(token) ?? 0) * 1_000;
  return {
    kind: 'changeStream',
    at: new Date(Math.max(at, time)),
    token: BSON.EJSON.stringify({ resume: token }),
  };
}

/** Fails with `FeedPositionLost` for what is no position of a change stream. */
export function tokenOf(position: FeedPosition): ResumeToken {
  const token = resumeOf(position);
  if (token === undefined) throw positionLost('the saved position is not one of a change stream');
  return token;
}

/** Seconds since the epoch; absent when the server's format is another one. */
export function secondsOf(token: ResumeToken): number | undefined {
  const seconds = TIME.exec(textOf(token) ?? '')?.[1];
  return seconds === undefined ? undefined : Number.parseInt(seconds, 16);
}

/** Negative = `one` is before `other`; absent = nobody knows. */
export function orderOfPositions(one: FeedPosition, other: FeedPosition): number | undefined {
  if (one.token === other.token) return 0;
  const first = textOf(resumeOf(one));
  const second = textOf(resumeOf(other));
  if (first === undefined || second === undefined) return undefined;
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

/** Absent = it is no position of a change stream. */
function resumeOf({ kind, token }: FeedPosition): ResumeToken {
  if (kind !== 'changeStream') return undefined;
  try {
    const parsed = BSON.EJSON.parse(token) as { readonly resume?: unknown } | null;
    const resume = parsed?.resume;
    return typeof resume === 'object' && resume !== null ? resume : undefined;
  } catch {
    return undefined;
  }
}

function textOf(token: ResumeToken): string | undefined {
  const data = (token as { readonly _data?: unknown } | null | undefined)?._data;
  return typeof data === 'string' ? data : undefined;
}

import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

import { errorFromStatus, KubeError } from './errors.ts';
import type { KubeObject } from './object.ts';

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** For a bookmark only `metadata.resourceVersion` means anything. */
  readonly object: T;
}

/** An object is at most 1.5 MiB in etcd; JSON and managedFields make it longer, not eight times as long. */
const MAX_LINE = 8 * 1024 * 1024;

/**
 * The events of a watch's answer, one JSON object a line, wherever chunks are cut. An ERROR event is thrown as the
 * `KubeError` of its Status; a type nobody knows and a line that is no JSON are errors too, never skipped.
 */
export async function* watchEvents<T extends KubeObject>(what: string, body: Readable): AsyncGenerator<WatchEvent<T>> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE) throw new KubeError(0, 'AnswerTooLarge', `${what}: an event is longer than 8 MiB`);
    for (const line of lines) if (line !== '') yield parseEvent<T>(what, line);
  }
}

function parseEvent<T extends KubeObject>(what: string, line: string): WatchEvent<T> {
  let event: { readonly type?: unknown; readonly object?: unknown };
  try {
    event = JSON.parse(line) as typeof event;
  } catch (error) {
    throw new KubeError(0, 'BadAnswer', `${what}: an event is not JSON`, { cause: error });
  }
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
    case 'BOOKMARK':
      return { type: event.type, object: event.object as T };
    case 'ERROR':
      throw errorFromStatus(what, event.object);
    default:
      throw new KubeError(0, 'BadAnswer', `${what}: unknown event type ${String(event.type).slice(0, 40)}`);
  }
}

/** Captured exchanges with a real bk-repo, as requests that can be sent again, and what their answers look like. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

const CAPTURES = resolve(import.meta.dirname, '../../../../shared/captures');

export interface CapturedRequest {
  readonly method: string;
  /** From behind host and port. */
  readonly target: string;
  /** `user:password`. */
  readonly login: string | undefined;
  readonly contentType: string | undefined;
  readonly body: string | undefined;
}

export interface Envelope {
  readonly code: number;
  readonly data: unknown;
}

export interface Answer {
  readonly status: number;
  readonly envelope: Envelope;
}

export interface Exchange {
  readonly title: string;
  readonly request: CapturedRequest;
  readonly answer: Answer;
}

/** undefined = the captures are not there. */
export async function capturedExchanges(name: string): Promise<readonly Exchange[] | undefined> {
  const text = await readCapture(`rest-${name}.txt`);
  return text
    ?.split(/^#### /mu)
    .slice(1)
    .map(parseExchange);
}

/** The captured answer to the creation of a REAL_TIME task; the request is the one that it restates. */
export async function capturedRealTime(): Promise<Exchange | undefined> {
  const text = await readCapture('rest-realtime-create.txt');
  if (text === undefined) return undefined;
  const envelope = JSON.parse(text) as Envelope & {
    readonly data: {
      readonly name: string;
      readonly projectId: string;
      readonly replicaObjectType: string;
      readonly replicaType: string;
      readonly setting: object;
      readonly remoteClusters: readonly { readonly id: string }[];
    };
  };
  const { name, projectId, replicaObjectType, replicaType, setting, remoteClusters } = envelope.data;
  const [localRepoName, remoteProjectId, remoteRepoName, repoType] = ['gen', 'rp1', 'gen', 'GENERIC'];
  const body = JSON.stringify({
    name,
    localProjectId: projectId,
    replicaObjectType,
    replicaType,
    setting,
    replicaTaskObjects: [{ localRepoName, remoteProjectId, remoteRepoName, repoType }],
    remoteClusterIds: remoteClusters.map(({ id }) => id),
  });
  return {
    title: 'create REAL_TIME',
    request: {
      method: 'POST',
      target: '/replication/api/task/create',
      login: 'admin:password',
      contentType: 'application/json',
      body,
    },
    answer: { status: 200, envelope },
  };
}

async function readCapture(name: string): Promise<string | undefined> {
  try {
    return await readFile(resolve(CAPTURES, name), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseExchange(text: string): Exchange {
  const [title = '', command = '', ...rest] = text.split('\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /u.exec(rest[0] ?? '')?.[1]);
  const begin = rest.indexOf('{');
  const envelope = JSON.parse(rest.slice(begin).join('\n')) as Envelope;
  return { title, request: parseCurl(command), answer: { status, envelope } };
}

function parseCurl(command: string): CapturedRequest {
  const [line, body] = splitOnce(command, ' -d ');
  const url = / https?:\/\/[^/\s]+(\S*)/u.exec(line);
  if (url === null) throw new Error(`no url in ${command}`);
  return {
    method: / -X (\S+)/u.exec(line)?.[1] ?? 'GET',
    target: url[1] ?? '/',
    login: / -u (\S+)/u.exec(line)?.[1],
    contentType: / -H Content-Type: (\S+)/u.exec(line)?.[1],
    body,
  };
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

/**
 * Paths of fields that only one of the two has: `-a.b` theirs, `+a.b` ours. What lies below a null or in an empty list is
 * not known, so it does not count.
 */
export function fieldDifferences(theirs: unknown, ours: unknown): readonly string[] {
  const found = new Set<string>();
  compare(theirs, ours, 'data', found);
  return [...found].sort();
}

function compare(theirs: unknown, ours: unknown, path: string, found: Set<string>): void {
  if (theirs === null || ours === null) return;
  if (Array.isArray(theirs) && Array.isArray(ours)) {
    for (const one of theirs) for (const other of ours) compare(one, other, `${path}[]`, found);
    return;
  }
  if (kindOf(theirs) !== kindOf(ours)) {
    found.add(`${path} is ${kindOf(ours)}, not ${kindOf(theirs)}`);
    return;
  }
  if (!isObject(theirs) || !isObject(ours)) return;
  for (const key of Object.keys(theirs)) if (!(key in ours)) found.add(`-${path}.${key}`);
  for (const [key, value] of Object.entries(ours)) {
    if (key in theirs) compare(theirs[key], value, `${path}.${key}`, found);
    else found.add(`+${path}.${key}`);
  }
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'list' : typeof value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Ids and keys of theirs by which the same things are called here. */
export class Names {
  readonly #names = new Map<string, string>();

  /** Walks both answers side by side; things in lists are the same when they have the same name, else the same place. */
  learn(theirs: unknown, ours: unknown): void {
    if (Array.isArray(theirs) && Array.isArray(ours)) {
      for (const [index, one] of theirs.entries()) this.learn(one, twin(one, index, ours));
      return;
    }
    if (!isObject(theirs) || !isObject(ours)) return;
    for (const [key, value] of Object.entries(theirs)) {
      const other = ours[key];
      if ((key === 'id' || key === 'key') && typeof value === 'string' && typeof other === 'string')
        this.#names.set(value, other);
      else this.learn(value, other);
    }
  }

  /** Whether it is what something of theirs is called here. */
  knows(ours: string): boolean {
    return [...this.#names.values()].includes(ours);
  }

  in(text: string): string {
    let result = text;
    for (const [theirs, ours] of this.#names) result = result.replaceAll(theirs, ours);
    return result;
  }
}

function twin(one: unknown, index: number, others: readonly unknown[]): unknown {
  if (!isObject(one) || one['name'] === undefined) return others[index];
  return others.find((other) => isObject(other) && other['name'] === one['name']);
}

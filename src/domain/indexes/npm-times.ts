/** `time` of a merged package document: when each version was published. */
import type { ChosenEntry } from './choose-entries.ts';

type Texts = ReadonlyMap<string, string>;

interface Times {
  /** Version (or `created`, `modified`) → the JSON text of its time. */
  readonly source: Texts;
  readonly far: Texts;
  readonly sourceVersions: Texts;
  readonly farVersions: Texts;
  readonly chosen: readonly ChosenEntry<string>[];
  /** The source's own times of the package win. */
  readonly all: boolean;
}

/**
 * A version's time comes from the side that its entry comes from. What names no version of its own document (`created`,
 * versions taken back long ago) stays from both sides. `modified` moves on only because of what the far side has of its own.
 */
export function mergeTimes({ source, far, sourceVersions, farVersions, chosen, all }: Times): Texts {
  const from = new Map(chosen.map(({ id, from: side }) => [id, side]));
  const times = new Map<string, string>();
  const [first, second] = all ? [source, far] : [far, source];
  for (const id of new Set([...source.keys(), ...far.keys()])) {
    const side = from.get(id);
    const dropped = side === undefined && (sourceVersions.has(id) || farVersions.has(id));
    if (dropped) continue;
    const text = side === undefined ? (first.get(id) ?? second.get(id)) : timeOf(side === 'source', source, far, id);
    if (text !== undefined) times.set(id, text);
  }
  const own = chosen.some(({ from: side }) => side === 'far side');
  const modified = own ? later(source.get('modified'), far.get('modified')) : undefined;
  if (modified !== undefined) times.set('modified', modified);
  return times;
}

function timeOf(fromSource: boolean, source: Texts, far: Texts, id: string): string | undefined {
  return fromSource ? (source.get(id) ?? far.get(id)) : (far.get(id) ?? source.get(id));
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return instantOf(b) > instantOf(a) ? b : a;
}

function instantOf(text: string): number {
  const value: unknown = JSON.parse(text);
  const instant = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(instant) ? Number.NEGATIVE_INFINITY : instant;
}

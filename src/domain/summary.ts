/**
 * From facts to conditions, the same way for both kinds (design §2). `Ready` is always there; `Reconciling` and `Stalled`
 * are abnormal-true: present only while True, and never both. Pure.
 */
import { type Condition, getCondition, removeCondition, setCondition } from '../api/conditions.ts';

/**
 * `refused`: only a change by a person helps. `missing`: something referred to is not there; it is looked for again, and
 * after two minutes a person is called. `working`: it will pass by itself. `failing`: neither; Ready=False says it all.
 */
export type TroubleKind = 'refused' | 'missing' | 'working' | 'failing';

export interface Trouble {
  readonly kind: TroubleKind;
  readonly reason: string;
  readonly message: string;
}

export interface ReadyFact {
  readonly reason: string;
  readonly message: string;
}

/** How long what is missing may be missing before the object counts as stalled. Milliseconds. */
export const MISSING_PATIENCE_MS = 120_000;

export function summarise(
  conditions: readonly Condition[] | undefined,
  verdict: Trouble | ReadyFact,
  generation: number,
  now: Date,
): readonly Condition[] {
  const trouble = 'kind' in verdict ? verdict : undefined;
  const said = { observedGeneration: generation, reason: verdict.reason, message: verdict.message };
  const abnormal = trouble === undefined ? undefined : abnormalType(conditions, trouble, now);
  let next = setCondition(
    conditions,
    { type: 'Ready', status: trouble === undefined ? 'True' : 'False', ...said },
    now,
  );
  for (const type of ['Reconciling', 'Stalled'] as const) {
    // Another reason is another beginning: the time of the transition tells how long *this* has been so.
    if (type !== abnormal || getCondition(next, type)?.reason !== said.reason) next = removeCondition(next, type);
    if (type === abnormal) next = setCondition(next, { type, status: 'True', ...said }, now);
  }
  return next;
}

function abnormalType(
  conditions: readonly Condition[] | undefined,
  { kind, reason }: Trouble,
  now: Date,
): 'Reconciling' | 'Stalled' | undefined {
  if (kind === 'refused') return 'Stalled';
  if (kind === 'failing') return undefined;
  if (kind === 'working') return 'Reconciling';
  if (getCondition(conditions, 'Stalled')?.reason === reason) return 'Stalled';
  const since = getCondition(conditions, 'Reconciling');
  if (since?.reason !== reason) return 'Reconciling';
  return now.getTime() - Date.parse(since.lastTransitionTime) >= MISSING_PATIENCE_MS ? 'Stalled' : 'Reconciling';
}

/** An optional condition (`Running`): present while there is something to say. */
export function setOrRemove(
  conditions: readonly Condition[],
  type: string,
  fact: ReadyFact | undefined,
  generation: number,
  now: Date,
): readonly Condition[] {
  if (fact === undefined) return removeCondition(conditions, type);
  return setCondition(conditions, { type, status: 'True', observedGeneration: generation, ...fact }, now);
}

import { classify } from '../domain/errors.ts';
import type { Trouble } from '../domain/summary.ts';
import { MISSING_REASONS } from './cluster/access.ts';

/** How an error of a step shows in the conditions: what is missing heals, what a spec asks wrongly needs a person. */
export function troubleOf(error: unknown): Trouble {
  const { code, errorClass, message } = classify(error);
  if (MISSING_REASONS.has(code)) return { kind: 'missing', reason: code, message };
  return { kind: errorClass === 'spec' ? 'refused' : 'failing', reason: code, message };
}

/** The same for what belongs to the installation (journal, source): it is tried again, whatever it was. */
export function workingTrouble(error: unknown): Trouble {
  const { code, message } = classify(error);
  return { kind: 'working', reason: code, message };
}

/** One line of the log for every change that a caller asked for, carried out or not. Never what a body holds. */
import type { FastifyRequest } from 'fastify';

import type { ResourceKind } from '../resources/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { CODES, type CodeName } from './codes.ts';
import { asRestError } from './server/errors.ts';

export interface AuditedChange {
  /** What was called, as the path says it: `create`, `update`, `toggle`, `execute`, … */
  readonly operation: string;
  readonly kind: ResourceKind;
  readonly namespace: string;
  /** `metadata.name`, as far as it is known. */
  readonly name: string;
}

/** Filled in by the work as it learns of them. */
export interface Generations {
  before?: number | undefined;
  after?: number | undefined;
}

export type AuditResult = 'done' | 'denied' | 'owned' | 'conflict' | 'refused' | 'failed';

/** Of a name that a caller made up. Characters. */
const MAX_NAME = 253;

const RESULTS: Partial<Readonly<Record<CodeName, AuditResult>>> = {
  denied: 'denied',
  taskOwned: 'owned',
  clusterOwned: 'owned',
  changedMeanwhile: 'conflict',
};

/**
 * Does `work`, the authorisation included, and tells how it ended; its result and its error pass as they are.
 * Generations that the work has noted are told, also when it failed.
 */
export async function audited<T>(
  logger: Logger,
  request: Pick<FastifyRequest, 'id' | 'ip' | 'user'>,
  change: AuditedChange,
  work: (generations: Generations) => Promise<T>,
): Promise<T> {
  const generations: Generations = {};
  const tell = (result: AuditResult, code?: number): void => {
    const { operation, kind, namespace, name } = change;
    logger.info('change by REST', {
      user: request.user.name,
      operation,
      kind,
      namespace,
      name: name.slice(0, MAX_NAME),
      result,
      code,
      generationBefore: generations.before,
      generationAfter: generations.after,
      traceId: request.id,
      address: request.ip,
    });
  };
  let answer: T;
  try {
    answer = await work(generations);
  } catch (error) {
    const [{ code: codeName }] = asRestError(error).complaints;
    const { code, status } = CODES[codeName];
    tell(RESULTS[codeName] ?? (status >= 500 ? 'failed' : 'refused'), code);
    throw error;
  }
  tell('done');
  return answer;
}

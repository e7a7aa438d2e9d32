/**
 * Fields of whatever goes on: every line that is logged while `work` goes on, and by all that it starts, has them – a
 * run's `recordId`, a REST request's `traceId`. Work that several of them share is logged with those of the one that
 * began it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

import type { LogFields } from './logger.ts';

const fieldsOfWork = new AsyncLocalStorage<LogFields>();

export function withLogFields<T>(fields: LogFields, work: () => T): T {
  return fieldsOfWork.run({ ...currentLogFields(), ...fields }, work);
}

export function currentLogFields(): LogFields | undefined {
  return fieldsOfWork.getStore();
}

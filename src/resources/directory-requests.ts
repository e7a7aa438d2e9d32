/**
 * Requests that commands leave in the state directory while a process has its lock. Guaranteed: each is carried out by
 * that process, or by the next one, in the order in which they were left; one that is carried out twice, because the process
 * was killed before it could remove it, sets the same again. What cannot be read, or names no task, is told and removed.
 */
import type { Logger } from '../telemetry/logger.ts';
import type { DirectoryWrites } from './directory-writes.ts';
import type { ObjectTable } from './object-table.ts';
import { loadRequest, removeRequest, requestIds, type StoredRequest } from './state-files.ts';
import { withAnnotations } from './stored-object.ts';

export interface DirectoryRequestsOptions {
  readonly stateDir: string;
  readonly table: ObjectTable;
  readonly writes: DirectoryWrites;
  readonly logger: Logger;
}

export async function carryOutRequests(options: DirectoryRequestsOptions, signal: AbortSignal): Promise<void> {
  const { stateDir, logger } = options;
  for (const id of await requestIds(stateDir)) {
    try {
      const request = await loadRequest(stateDir, id);
      if (request !== undefined && !(await carryOut(options, request, signal))) return;
    } catch (error) {
      signal.throwIfAborted();
      logger.warn('a request of a command cannot be carried out', { request: id, error });
    }
    await removeRequest(stateDir, id);
  }
}

/** False = somebody else wrote first: to be tried again. */
async function carryOut(
  { table, writes, logger }: DirectoryRequestsOptions,
  { namespace, name, annotations }: StoredRequest,
  signal: AbortSignal,
): Promise<boolean> {
  const task = table.get('ReplicaTask', { namespace, name });
  if (task === undefined) {
    logger.warn('a request of a command names no task', { namespace, name });
    return true;
  }
  logger.info('a command asked for annotations', { namespace, name, annotations: Object.keys(annotations) });
  return (await writes.change(task, (stored) => withAnnotations(stored, annotations), signal)) !== 'conflict';
}

/** What a filter of details means in the words of the stored documents. */
import { BSONRegExp, type Filter } from 'mongodb';

import type { UnitStatus } from '../engine/ports/journal.ts';
import type { DetailDocument } from './detail-documents.ts';
import type { DetailFilter } from './records.ts';

/** Of a name's beginning; nothing that bk-repo stores has a longer name, and a pattern has a bound. */
const MAX_PREFIX = 8_000;

export const UNIT_STATUSES: readonly UnitStatus[] = ['SUCCESS', 'UNCHANGED', 'CONFLICT', 'FAILED', 'NOT_TRIED'];

/** As `status` of a detail says it (contract §1.10). */
const RESULTS: Readonly<Record<'SUCCESS' | 'FAILED', readonly UnitStatus[]>> = {
  SUCCESS: ['SUCCESS', 'UNCHANGED', 'CONFLICT'],
  FAILED: ['FAILED', 'NOT_TRIED'],
};

/** Those that `status` and `result` allow together. */
export function statusesOf({ status, result }: DetailFilter): readonly UnitStatus[] {
  const allowed = result === undefined ? UNIT_STATUSES : RESULTS[result];
  return status === undefined ? allowed : allowed.filter((one) => one === status);
}

/** False for filters that no detail can meet. */
export function possible(filter: DetailFilter): boolean {
  const { pathPrefix = '', packageKeyPrefix = '', artifactNamePrefix = '' } = filter;
  const readable = (prefix: string): boolean => prefix.length <= MAX_PREFIX && !prefix.includes('\0');
  return (
    statusesOf(filter).length > 0 &&
    [pathPrefix, packageKeyPrefix, artifactNamePrefix].every(readable) &&
    (pathPrefix === '' || pathPrefix.startsWith('/')) &&
    !packageKeyPrefix.startsWith('/')
  );
}

/** An anchored pattern that stands for nothing but the text: MongoDB reads a stretch of an index by it. */
export function beginningWith(text: string): BSONRegExp {
  return new BSONRegExp(`^${text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}`);
}

/** Those of the three that are about the beginning of a name. */
export type PrefixKey = 'pathPrefix' | 'packageKeyPrefix' | 'artifactNamePrefix';

/** All conditions but the one of `but`; an empty prefix is none. */
export function matching(recordId: string, filter: DetailFilter, but?: PrefixKey): Filter<DetailDocument> {
  const { clusterName, repoName, version } = filter;
  const statuses = statusesOf(filter);
  const prefix = (key: PrefixKey, field: string): Filter<DetailDocument> => {
    const text = filter[key] ?? '';
    return text === '' || key === but ? {} : { [field]: beginningWith(text) };
  };
  return {
    recordId,
    ...(statuses.length === UNIT_STATUSES.length ? {} : { unitStatus: { $in: [...statuses] } }),
    ...(clusterName === undefined ? {} : { remoteCluster: clusterName }),
    ...(repoName === undefined ? {} : { localRepoName: repoName }),
    ...(version === undefined ? {} : { version }),
    ...prefix('pathPrefix', 'pathConstraint.path'),
    ...prefix('packageKeyPrefix', 'packageConstraint.packageKey'),
    ...prefix('artifactNamePrefix', 'artifactName'),
  };
}

/**
 * By which index the details that a filter leaves are found. Prefixes of paths have no index of their own, because it
 * would cost every write: the keys of units begin with the number of the task object and then the path, so that a prefix
 * is a few stretches of the unique index.
 */
import type { Filter } from 'mongodb';
import type { DetailDocument } from './detail-documents.ts';
import { beginningWith, matching, statusesOf } from './detail-filter.ts';
import { DETAIL_INDEXES } from './indexes.ts';
import { call } from './mongo-errors.ts';
import type { DetailFilter } from './records.ts';
import type { Runs } from './runs.ts';

/** Stretches of an index that MongoDB merges by time instead of sorting what they hold. */
const MAX_MERGED = 200;
/** Milliseconds of one look at an index. */
const LOOK_MS = 2_000;

export interface Way {
  /** Leaves the same details as the filter. */
  readonly where: Filter<DetailDocument>;
  readonly hint: string;
  /** The index gives them by time: nothing is sorted. */
  readonly byTime: boolean;
}

/** Paths begin with a slash; keys and names of packages do not. */
export async function wayOf(runs: Runs, recordId: string, filter: DetailFilter, signal: AbortSignal): Promise<Way> {
  const { pathPrefix = '', packageKeyPrefix = '', artifactNamePrefix = '', version } = filter;
  const all = matching(recordId, filter);
  if (packageKeyPrefix !== '') return { where: ofPackages(all), hint: DETAIL_INDEXES.packageKey, byTime: false };
  if (artifactNamePrefix !== '' && !artifactNamePrefix.startsWith('/'))
    return { where: ofPackages(all), hint: DETAIL_INDEXES.packageName, byTime: false };
  // Of both, the longer one leaves less.
  const byName = artifactNamePrefix.length > pathPrefix.length;
  const path = byName ? artifactNamePrefix : pathPrefix;
  if (path !== '') {
    const rest = matching(recordId, filter, byName ? 'artifactNamePrefix' : 'pathPrefix');
    const where = { ...(await unitsBelow(runs, recordId, path, signal)), ...rest };
    return { where, hint: DETAIL_INDEXES.unit, byTime: false };
  }
  if (version !== undefined) return { where: all, hint: DETAIL_INDEXES.version, byTime: true };
  return byOutcome(runs, recordId, filter, signal);
}

/** Says what the indexes of packages are limited to: a pattern alone does not tell MongoDB. */
function ofPackages(where: Filter<DetailDocument>): Filter<DetailDocument> {
  return { $and: [where, { 'packageConstraint.packageKey': { $gte: '' } }] };
}

async function byOutcome(runs: Runs, recordId: string, filter: DetailFilter, signal: AbortSignal): Promise<Way> {
  const { status, result, clusterName, repoName } = filter;
  if ([status, result, clusterName, repoName].every((one) => one === undefined))
    return { where: { recordId }, hint: DETAIL_INDEXES.newest, byTime: true };
  const outcome = { recordId, unitStatus: { $in: [...statusesOf(filter)] } };
  const clusters = clusterName === undefined ? await values(runs, 'remoteCluster', outcome, signal) : [clusterName];
  const cluster = { ...outcome, remoteCluster: { $in: [...clusters] } };
  const repos = repoName === undefined ? await values(runs, 'localRepoName', cluster, signal) : [repoName];
  const where = { ...cluster, localRepoName: { $in: [...repos] } };
  const stretches = outcome.unitStatus.$in.length * clusters.length * repos.length;
  return { where, hint: DETAIL_INDEXES.outcome, byTime: stretches <= MAX_MERGED };
}

function values(
  runs: Runs,
  field: 'remoteCluster' | 'localRepoName' | 'clusterId',
  where: Filter<DetailDocument>,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return call('look at what a run is about', signal, () =>
    runs.collections.details.distinct(field, where, { maxTimeMS: LOOK_MS }),
  );
}

async function unitsBelow(
  runs: Runs,
  recordId: string,
  path: string,
  signal: AbortSignal,
): Promise<Filter<DetailDocument>> {
  const clusters = await values(runs, 'clusterId', { recordId }, signal);
  const objects = new Set<string>();
  for (const clusterId of clusters)
    for await (const object of objectsOf(runs, recordId, clusterId, signal)) objects.add(object);
  return {
    clusterId: { $in: [...clusters] },
    unitKey: { $in: [...objects].map((object) => beginningWith(`${object}:${path}`)) },
  };
}

/** Numbers of the task objects that a far side has details of: from one to the next by a jump in the index. */
async function* objectsOf(
  { collections }: Runs,
  recordId: string,
  clusterId: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  for (let from = ''; ; ) {
    const next = await call('look at what a run is about', signal, () =>
      collections.details.findOne(
        { recordId, clusterId, unitKey: { $gte: from } },
        {
          projection: { _id: 0, unitKey: 1 },
          sort: { unitKey: 1 },
          hint: DETAIL_INDEXES.unit,
          maxTimeMS: LOOK_MS,
        },
      ),
    );
    const object = next?.unitKey.split(':', 1)[0];
    if (object === undefined) return;
    yield object;
    // The character behind the colon: nothing of this object is behind it.
    from = `${object};`;
  }
}

/** The indexes that carry the journal's guarantees, and the refusal of a journal written by a newer release. */
import { MongoServerError } from 'mongodb';

import { type Collections, checked, SCHEMA, schemaNewer } from './documents.ts';

/** Of `replica_record_detail`, those that readers choose by name. */
export const DETAIL_INDEXES = {
  unit: 'unit',
  newest: 'record_newest',
  outcome: 'record_outcome',
  packageKey: 'record_package',
  packageName: 'record_package_name',
  version: 'record_version',
} as const;

const INDEX_NOT_FOUND = 27;

/** Of `owned_metadata`. */
export const OWNED_INDEXES = { source: 'source', package: 'package' } as const;

/** Of earlier releases: it allowed a task one open record in all. */
const REPLACED = 'one_open_run';

/** Creates what is missing; safe to run by several processes at once. Names are fixed so that a changed key is noticed. */
export async function ensureIndexes(collections: Collections): Promise<void> {
  const { records, details, proofs, owned, failures, uploads, follows, marks, retries } = collections;
  await records.createIndexes([
    { name: 'claim', key: { installationId: 1, taskKey: 1, claim: 1 }, unique: true },
    {
      name: 'one_open_part',
      key: { installationId: 1, taskUid: 1, part: 1 },
      unique: true,
      partialFilterExpression: { status: 'RUNNING' },
    },
    {
      name: 'open_runs',
      key: { installationId: 1, startTime: 1, _id: 1 },
      partialFilterExpression: { status: 'RUNNING' },
    },
    { name: 'task_runs', key: { installationId: 1, taskKey: 1, executionNumber: -1, _id: -1 } },
    { name: 'trigger_runs', key: { installationId: 1, taskKey: 1, trigger: 1, executionNumber: -1, _id: -1 } },
    { name: 'task_ended', key: { installationId: 1, taskKey: 1, endTime: 1 } },
    {
      name: 'details_unwanted',
      key: { installationId: 1, endTime: 1 },
      partialFilterExpression: { detailsUnwanted: true },
    },
    { name: 'schema', key: { installationId: 1, schema: -1 } },
  ]);
  await dropReplaced(records);
  await details.createIndexes([
    { name: DETAIL_INDEXES.unit, key: { recordId: 1, clusterId: 1, unitKey: 1 }, unique: true },
    { name: DETAIL_INDEXES.newest, key: { recordId: 1, startTime: -1, _id: -1 } },
    {
      name: DETAIL_INDEXES.outcome,
      key: { recordId: 1, unitStatus: 1, remoteCluster: 1, localRepoName: 1, startTime: -1, _id: -1 },
    },
    // These three hold package versions only, so that files, of which there are many more, do not pay for them.
    {
      name: DETAIL_INDEXES.packageKey,
      key: { recordId: 1, 'packageConstraint.packageKey': 1, startTime: -1, _id: -1 },
      partialFilterExpression: { 'packageConstraint.packageKey': { $gte: '' } },
    },
    {
      name: DETAIL_INDEXES.packageName,
      key: { recordId: 1, artifactName: 1, startTime: -1, _id: -1 },
      partialFilterExpression: { 'packageConstraint.packageKey': { $gte: '' } },
    },
    {
      name: DETAIL_INDEXES.version,
      key: { recordId: 1, version: 1, startTime: -1, _id: -1 },
      partialFilterExpression: { version: { $gte: '' } },
    },
    {
      name: 'failed_unit',
      key: { recordId: 1, clusterId: 1, status: 1, unitKey: 1 },
      partialFilterExpression: { status: 'FAILED' },
    },
  ]);
  await proofs.createIndexes([
    { name: 'blob', key: { installationId: 1, clusterId: 1, storageKey: 1, sha256: 1 }, unique: true },
  ]);
  await owned.createIndexes([
    {
      name: 'node',
      key: { installationId: 1, taskUid: 1, clusterId: 1, projectId: 1, repoName: 1, fullPath: 1 },
      unique: true,
    },
    // These two hold what may be deleted only.
    {
      name: OWNED_INDEXES.source,
      key: { installationId: 1, taskUid: 1, clusterId: 1, sourceId: 1 },
      partialFilterExpression: { sourceId: { $gte: '' } },
    },
    {
      name: OWNED_INDEXES.package,
      key: {
        installationId: 1,
        taskUid: 1,
        clusterId: 1,
        projectId: 1,
        repoName: 1,
        packageKey: 1,
        version: 1,
        fullPath: 1,
      },
      partialFilterExpression: { packageKey: { $gte: '' } },
    },
  ]);
  await failures.createIndexes([
    {
      name: 'unit',
      key: { installationId: 1, taskUid: 1, specHash: 1, clusterId: 1, unitKey: 1 },
      unique: true,
    },
  ]);
  await uploads.createIndexes([
    {
      name: 'blob',
      key: { installationId: 1, taskUid: 1, clusterId: 1, projectId: 1, repoName: 1, storageKey: 1, sha256: 1 },
      unique: true,
    },
    { name: 'age', key: { installationId: 1, updatedAt: 1 } },
  ]);
  await follows.createIndexes([{ name: 'task', key: { installationId: 1, taskUid: 1 } }]);
  await marks.createIndexes([{ name: 'order', key: { installationId: 1, taskUid: 1, seq: 1 } }]);
  await retries.createIndexes([
    { name: 'due', key: { installationId: 1, taskUid: 1, clusterId: 1, dueAt: 1, _id: 1 } },
  ]);
}

/** A process of an earlier release may make it again: it goes with the next look. */
async function dropReplaced(records: Collections['records']): Promise<void> {
  if (!(await records.indexExists(REPLACED))) return;
  try {
    await records.dropIndex(REPLACED);
  } catch (error) {
    // Another process was faster.
    if (!(error instanceof MongoServerError && error.code === INDEX_NOT_FOUND)) throw error;
  }
}

/**
 * Looks at the highest schema number among the installation's records: every document of a newer release belongs to a
 * run whose record that release wrote first. Fails with `JournalSchemaNewer`.
 */
export async function refuseNewerSchema(collections: Collections, installationId: string): Promise<void> {
  const [highest] = await collections.records
    .find({ installationId }, { projection: { schema: 1 } })
    .sort({ schema: -1 })
    .limit(1)
    .toArray();
  if (highest === undefined) return;
  if (highest.schema > SCHEMA) throw schemaNewer('replica_record', highest.schema);
  checked('replica_record', highest);
}

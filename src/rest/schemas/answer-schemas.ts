/** Schemas of answers, which describe the API; types: *-answers.ts. */
import { answer, boundsOf, flag, integer, type JsonSchema, list, optional, text } from './json-schema.ts';

/** A local date-time in an answer. */
const date = (description: string): JsonSchema =>
  text(`${description} Local date-time without zone.`, { examples: ['2026-11-22T14:29:23.751'] });
const count = (description: string): JsonSchema => integer(description, { minimum: 0, examples: [0] });
const never = (description: string): JsonSchema => ({ type: 'null', description });

const authorship = {
  createdBy: text('Who created it.', { examples: ['admin'] }),
  createdDate: date('When it was created.'),
  lastModifiedBy: text('Who changed it last.', { examples: ['admin'] }),
  lastModifiedDate: date('When it was changed last.'),
};

export const CLUSTER_NODE_INFO = answer('A far side, without its password.', {
  id: text('Id of the cluster.', { examples: ['5f1a8c0e9b7d4c3f8a6e2d1b0c9f8e7d'] }),
  name: text('Its name.', { examples: ['far'] }),
  status: text('Result of the last probe.', { enum: ['HEALTHY', 'UNHEALTHY'], examples: ['HEALTHY'] }),
  errorReason: optional(text('Why it is unhealthy.', { examples: [null] })),
  type: text('Role of the far side.', { ...boundsOf('Cluster', 'type'), examples: ['STANDALONE'] }),
  url: text('Its address.', { examples: ['http://127.0.0.1:18090/replication'] }),
  username: optional(text('Account there.', { examples: ['admin'] })),
  certificate: optional(text('Certificates of authorities, as PEM text.', { examples: [null] })),
  appId: never('Signed requests are not supported.'),
  accessKey: never('Signed requests are not supported.'),
  udpPort: never('UDP transfer is not supported.'),
  ...authorship,
  extension: never('Not used.'),
  detectType: text('How its health is found out.', { enum: ['PING'], examples: ['PING'] }),
  lastReportTime: never('Only for detectType REPORT.'),
});

const plan = answer('When the task runs.', {
  executeImmediately: flag('At once.', { examples: [false] }),
  executeTime: optional(text('Time of a single run. Local date-time without zone.', { examples: [null] })),
  cronExpression: optional(text('Times of repeated runs.', { examples: ['0 0 3 * * ?'] })),
});

const setting = answer('How the task copies.', {
  rateLimit: integer('Bytes per second to one far side; 0 is unlimited.', { examples: [0] }),
  includeMetadata: flag('Whether metadata of files travels.', { examples: [true] }),
  conflictStrategy: text('When the far side has something else there.', {
    ...boundsOf('ReplicaTask', 'setting.conflictStrategy'),
    examples: ['SKIP'],
  }),
  errorStrategy: text('When an artifact fails.', {
    ...boundsOf('ReplicaTask', 'setting.errorStrategy'),
    examples: ['CONTINUE'],
  }),
  executionStrategy: text('Which part of the plan counts.', {
    ...boundsOf('ReplicaTask', 'setting.executionStrategy'),
    examples: ['CRON_EXPRESSION'],
  }),
  executionPlan: plan,
  storageConsistencyCheck: flag('Whether the far side is asked once more for each blob that was sent.'),
  automaticCreateRemoteRepo: flag('Whether what the far side lacks is created there.', { examples: [true] }),
});

const objectType = text('What the objects select.', {
  ...boundsOf('ReplicaTask', 'replicaObjectType'),
  examples: ['REPOSITORY'],
});
const replicaType = text('By the clock, or following the changes of the source.', {
  ...boundsOf('ReplicaTask', 'replicaType'),
  examples: ['SCHEDULED'],
});
const taskKey = text('Key of the task.', { examples: ['9134937ab7314dd38f317832d15ae205'] });
const bytes = (description: string): JsonSchema => integer(`${description} Bytes.`, { examples: [0] });
const runStatus = ['RUNNING', 'SUCCESS', 'FAILED'];

export const REPLICA_TASK_INFO = answer('A task.', {
  id: text('The same as `key`.', { examples: ['9134937ab7314dd38f317832d15ae205'] }),
  key: taskKey,
  name: text('Its name.', { examples: ['nightly'] }),
  projectId: text('Project of the local bk-repo.', { examples: ['p1'] }),
  replicaObjectType: objectType,
  replicaType,
  setting,
  remoteClusters: list(
    'Far sides.',
    answer('A far side; one that was not found has the entry of the task as id and name.', {
      id: text('Id of the cluster.'),
      name: text('Name of the cluster.', { examples: ['far'] }),
    }),
  ),
  description: optional(text('Text for people.', { examples: [null] })),
  status: text('What the task does now.', { enum: ['WAITING', 'REPLICATING', 'COMPLETED'], examples: ['WAITING'] }),
  replicatedBytes: bytes('Content sent by the active run, or by the last one; 0 before the first.'),
  totalBytes: bytes('Content of all its artifacts; -1 before the first run, and while it is not known.'),
  lastExecutionStatus: optional(text('Result of the newest run.', { enum: runStatus, examples: [null] })),
  lastExecutionTime: optional(date('When the newest run began.')),
  nextExecutionTime: optional(date('When the next run is due.')),
  executionTimes: count('Runs begun so far.'),
  enabled: flag('Whether the task may run.', { examples: [true] }),
  record: flag('Whether detail records are kept.', { examples: [true] }),
  recordReserveDays: integer('Days for which records are kept.', { examples: [30] }),
  ...authorship,
});

const packageConstraint = answer('One package, or some of its versions.', {
  packageKey: text('Key of the package.', { examples: ['npm://helloworld'] }),
  versions: optional(list('Versions; null = all.', { type: 'string' }, { examples: [['1.0.0', '1.0.1']] })),
});
const pathConstraint = answer('One file or folder.', { path: text('Its path.', { examples: ['/busy/box'] }) });

export const REPLICA_OBJECT_INFO = answer('One repository, or a part of it, and where it goes.', {
  localRepoName: text('Local repository.', { examples: ['npm-local'] }),
  remoteProjectId: text('Project at the far sides.', { examples: ['bkrepo'] }),
  remoteRepoName: text('Repository at the far sides.', { examples: ['npm-local'] }),
  repoType: text('Its type.', {
    ...boundsOf('ReplicaTask', 'replicaTaskObjects[].repoType'),
    examples: ['NPM'],
  }),
  packageConstraints: optional(list('Packages; null = none are named.', packageConstraint)),
  pathConstraints: optional(list('Files and folders; null = none are named.', pathConstraint)),
  sourceFilter: never('Not supported.'),
});

export const REPLICA_TASK_DETAIL = answer('A task and its objects.', {
  task: REPLICA_TASK_INFO,
  objects: list('What is copied.', REPLICA_OBJECT_INFO),
});

export const REPLICA_OVERVIEW = answer('Artifacts of a run at all far sides together.', {
  success: count('Copied, or equal already.'),
  failed: count('Failed, or not tried.'),
  conflict: count('Left alone because the far side has something else.'),
  fileSuccess: count('Files of the copied ones.'),
  fileFailed: count('Files of the failed ones.'),
});

const recordId = text('Id of the record.', { examples: ['6b02fc51b143b3715aaaf985'] });

export const REPLICA_RECORD_INFO = answer('A run.', {
  id: recordId,
  taskKey,
  status: text('Its result; one that was aborted counts as FAILED.', { enum: runStatus, examples: ['SUCCESS'] }),
  startTime: date('When it began.'),
  endTime: optional(date('When it ended.')),
  errorReason: optional(text('Why it failed; empty when it did not.', { examples: [''] })),
  replicatedBytes: bytes('Content that was sent.'),
  totalBytes: bytes('Content of all artifacts.'),
  replicaOverview: REPLICA_OVERVIEW,
});

export const REPLICA_TASK_RECORD_INFO = answer('A run and what it copied.', {
  replicaObjectType: objectType,
  replicaType,
  record: REPLICA_RECORD_INFO,
});

export const REPLICA_RECORD_DETAIL = answer('One artifact of a run at one far side.', {
  id: text('Id of the detail.', { examples: ['6b02fc51b143b3715aaaf986'] }),
  recordId,
  localCluster: text('Name of this side.', { examples: ['center1'] }),
  remoteCluster: text('Name of the far side.', { examples: ['far'] }),
  localRepoName: text('Local repository.', { examples: ['gen'] }),
  repoType: text('Its type.', { examples: ['GENERIC'] }),
  packageConstraint: optional(packageConstraint),
  pathConstraint: optional(pathConstraint),
  artifactName: text('Path of the file, or name of the package.', { examples: ['/a/b/hello.txt'] }),
  version: optional(text('Version of the package.', { examples: [null] })),
  conflictStrategy: text('As the run had it.', { examples: ['SKIP'] }),
  size: bytes('Size of the artifact.'),
  sha256: text('Digest of the file, or of the manifest of a version.'),
  status: text('Equal, copied and conflicting artifacts are SUCCESS.', {
    enum: ['SUCCESS', 'FAILED'],
    examples: ['SUCCESS'],
  }),
  progress: answer('What became of it: ones and zeros.', {
    success: count('Copied.'),
    skip: count('Equal already, or in conflict.'),
    failed: count('Failed, or not tried.'),
    totalSize: bytes('Size of the artifact.'),
    conflict: count('The far side has something else.'),
    fileSuccess: count('Files that were copied.'),
    fileFailed: count('Files that failed.'),
  }),
  startTime: date('When it was begun.'),
  endTime: date('When it was finished.'),
  errorReason: optional(text('Why it failed; empty when it did not.', { examples: [''] })),
  executeType: text('FULL: of a whole run; PARTIAL: of a retry of what had failed.', {
    enum: ['FULL', 'PARTIAL'],
    examples: ['FULL'],
  }),
});

export const REPLICATION_TASK_LOG = answer('A run, in the words of the old generation.', {
  taskKey,
  taskLogKey: text('Id of the record.', { examples: ['6b02fc51b143b3715aaaf985'] }),
  status: text('Its result.', { enum: ['REPLICATING', 'SUCCESS', 'FAILED', 'INTERRUPTED'], examples: ['SUCCESS'] }),
  replicationProgress: answer('Counts.', {
    totalProject: count('Projects.'),
    totalRepo: count('Repositories.'),
    totalNode: count('Artifacts.'),
    replicatedProject: count('Projects that are finished.'),
    successProject: count('Projects without a failure.'),
    failedProject: count('Projects with one.'),
    replicatedRepo: count('Repositories that are finished.'),
    successRepo: count('Repositories without a failure.'),
    failedRepo: count('Repositories with one.'),
    replicatedNode: count('Artifacts that are finished.'),
    successNode: count('Copied, or equal already.'),
    conflictedNode: count('Left alone because the far side has something else.'),
    failedNode: count('Failed, or not tried.'),
  }),
  startTime: date('When it began.'),
  endTime: optional(date('When it ended.')),
  errorReason: optional(text('Why it failed.', { examples: [null] })),
});

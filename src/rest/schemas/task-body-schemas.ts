/** Schemas of the bodies that make and change tasks (contract §1.6–§1.8). Types: task-bodies.ts. */
import { boundsOf, flag, integer, type JsonSchema, list, object, optional, text } from './json-schema.ts';

const OBJECTS = 'replicaTaskObjects[]';
const PACKAGES = `${OBJECTS}.packageConstraints`;
const PATHS = `${OBJECTS}.pathConstraints`;
const SETTING = 'setting';
const PLAN = `${SETTING}.executionPlan`;

const refused = (description: string): JsonSchema =>
  optional(list(`${description} Refused with 250105 unless it is empty.`, { type: 'string' }));
const deletedDate = optional(text('Only what was deleted since. Refused with 250105 unless it is empty.'));

const packageConstraint = object('One package, or some of its versions.', {
  packageKey: optional(
    text('Key of the package; required.', {
      ...boundsOf('ReplicaTask', `${PACKAGES}[].packageKey`),
      examples: ['gav://com.alibaba:fastjson'],
    }),
  ),
  versions: optional(
    list(
      'Versions to be copied. Default: null, all versions.',
      { type: 'string', ...boundsOf('ReplicaTask', `${PACKAGES}[].versions[]`) },
      { ...boundsOf('ReplicaTask', `${PACKAGES}[].versions`), examples: [['1.2.47', '1.2.48']] },
    ),
  ),
  targetVersions: refused('Other versions at the far side.'),
  packageRegex: refused('Patterns of packages.'),
  versionRegex: refused('Patterns of versions.'),
  deletedDate,
});

const pathConstraint = object('One file or folder.', {
  path: optional(
    text('Path of a file, of a folder with all below it, or of several by `*` in the last segment; required.', {
      ...boundsOf('ReplicaTask', `${PATHS}[].path`),
      examples: ['/busy/box'],
    }),
  ),
  pathRegex: refused('Patterns of paths.'),
  deletedDate,
});

const localRepoName = text('Name of the local repository.', {
  ...boundsOf('ReplicaTask', `${OBJECTS}.localRepoName`),
  examples: ['maven-local'],
});
const repoType = text('Type of the repository.', {
  ...boundsOf('ReplicaTask', `${OBJECTS}.repoType`),
  examples: ['MAVEN'],
});

const taskObject = object('One repository, or a part of it, and where it goes.', {
  localRepoName,
  remoteProjectId: optional(
    text('Project at the far sides. Default: the local project.', {
      ...boundsOf('ReplicaTask', `${OBJECTS}.remoteProjectId`),
      examples: ['bkrepo'],
    }),
  ),
  remoteRepoName: optional(
    text('Repository at the far sides. Default: the name of the local one.', {
      ...boundsOf('ReplicaTask', `${OBJECTS}.remoteRepoName`),
      examples: ['maven-local'],
    }),
  ),
  repoType,
  packageConstraints: optional(
    list('Packages to be copied; excludes `pathConstraints`. Default: the whole repository.', packageConstraint, {
      ...boundsOf('ReplicaTask', PACKAGES),
    }),
  ),
  pathConstraints: optional(
    list(
      'Files and folders to be copied; excludes `packageConstraints`. Default: the whole repository.',
      pathConstraint,
      {
        ...boundsOf('ReplicaTask', PATHS),
      },
    ),
  ),
  sourceFilter: refused('Origins of the nodes.'),
});

const executionPlan = object('When the task runs.', {
  executeImmediately: optional(flag('At once. Default: true when the other two are absent.', { examples: [true] })),
  executeTime: optional(
    text('Time of a single run, a local date-time in the future.', { examples: ['2030-12-01T02:00:00.000'] }),
  ),
  cronExpression: optional(
    text('Times of repeated runs: Quartz with six or seven fields, or Unix with five.', {
      ...boundsOf('ReplicaTask', `${PLAN}.cronExpression`),
      examples: ['0 0 2 * * ?'],
    }),
  ),
});

const setting = object('How the task copies.', {
  rateLimit: optional(
    integer('Bytes per second to one far side; 0 or less is unlimited. Default: 0.', {
      ...boundsOf('ReplicaTask', `${SETTING}.rateLimit`, ['minimum']),
      examples: [0],
    }),
  ),
  includeMetadata: optional(flag('Whether metadata of files travels. Default: true.', { examples: [true] })),
  conflictStrategy: optional(
    text('When the far side has something else there. Default: SKIP.', {
      ...boundsOf('ReplicaTask', `${SETTING}.conflictStrategy`),
      examples: ['SKIP'],
    }),
  ),
  errorStrategy: optional(
    text('When an artifact fails. Default: CONTINUE.', {
      ...boundsOf('ReplicaTask', `${SETTING}.errorStrategy`),
      examples: ['CONTINUE'],
    }),
  ),
  executionStrategy: optional(
    text('Which part of `executionPlan` counts; the others are dropped. Default: what the plan says.', {
      ...boundsOf('ReplicaTask', `${SETTING}.executionStrategy`),
      examples: ['IMMEDIATELY'],
    }),
  ),
  executionPlan: optional(executionPlan),
  storageConsistencyCheck: optional(
    flag('Whether the far side is asked once more for each blob that was sent. Default: false.'),
  ),
  automaticCreateRemoteRepo: optional(
    flag('Whether a project or repository that the far side lacks is created there. Default: true.'),
  ),
});

const name = text('Name of the task, 2 to 256 characters, unique.', { examples: ['nightly-backup'] });
const description = optional(
  text('Text for people.', { ...boundsOf('ReplicaTask', 'description'), examples: ['copy of the tools'] }),
);

const content = {
  name,
  localProjectId: text('Project of the local bk-repo.', {
    ...boundsOf('ReplicaTask', 'localProjectId'),
    examples: ['bkrepo'],
  }),
  replicaObjectType: optional(
    text('What the objects select. Default: each object is taken as it is.', {
      ...boundsOf('ReplicaTask', 'replicaObjectType'),
      examples: ['PACKAGE'],
    }),
  ),
  replicaTaskObjects: list('What is copied, at least one.', taskObject, boundsOf('ReplicaTask', 'replicaTaskObjects')),
  setting,
  remoteClusterIds: list(
    'Ids of far sides, at least one.',
    { type: 'string', ...boundsOf('ReplicaTask', 'remoteClusterIds[]') },
    {
      ...boundsOf('ReplicaTask', 'remoteClusterIds'),
      examples: [['5f1a8c0e9b7d4c3f8a6e2d1b0c9f8e7d']],
    },
  ),
  description,
  record: optional(flag('Whether detail records of artifacts are kept. Default: true.')),
  recordReserveDays: optional(
    integer('Days for which records are kept. Default: 30.', {
      ...boundsOf('ReplicaTask', 'recordReserveDays'),
      examples: [30],
    }),
  ),
};

const { enum: supported } = boundsOf('ReplicaTask', 'replicaType');
const REPLICA_TYPES = [...(Array.isArray(supported) ? supported : []), 'RUN_ONCE', 'EDGE_PULL', 'FEDERATION'];

/** The body of the first API document: no replicaObjectType, no executionStrategy. */
const FIRST_EXAMPLE = {
  name: 'tools to shanghai',
  localProjectId: 'bkrepo',
  replicaTaskObjects: [
    {
      localRepoName: 'maven-local',
      remoteProjectId: 'bkrepo',
      remoteRepoName: 'maven-local',
      repoType: 'MAVEN',
      packageConstraints: [{ packageKey: 'gav://com.alibaba:fastjson', versions: ['1.2.47', '1.2.48'] }],
      pathConstraints: [],
    },
  ],
  replicaType: 'SCHEDULED',
  setting: {
    rateLimit: 0,
    includeMetadata: true,
    conflictStrategy: 'SKIP',
    errorStrategy: 'CONTINUE',
    executionPlan: { executeImmediately: true },
  },
  remoteClusterIds: ['651095dfe0524ce9b3ab53d13532361c', '329fbcda45944fb9ae5c2573acd7bd2a'],
  enabled: true,
  description: 'test replica task',
};

const PRESENT_EXAMPLE = {
  name: 'nightly',
  localProjectId: 'p1',
  replicaObjectType: 'REPOSITORY',
  replicaTaskObjects: [{ localRepoName: 'gen', remoteProjectId: 'rp1', remoteRepoName: 'gen', repoType: 'GENERIC' }],
  replicaType: 'SCHEDULED',
  setting: {
    executionStrategy: 'CRON_EXPRESSION',
    executionPlan: { executeImmediately: false, cronExpression: '0 0 3 * * ?' },
  },
  remoteClusterIds: ['651095dfe0524ce9b3ab53d13532361c'],
};

export const TASK_CREATE_BODY = object(
  'A task to be created.',
  {
    ...content,
    replicaType: optional(
      text('SCHEDULED or REAL_TIME; bk-repo has others, which are refused with 250105. Default: SCHEDULED.', {
        enum: REPLICA_TYPES,
        examples: ['SCHEDULED'],
      }),
    ),
    enabled: optional(flag('Whether the task may run. Default: true.', { examples: [true] })),
  },
  { examples: [FIRST_EXAMPLE, PRESENT_EXAMPLE] },
);

const key = text('Key of the task.', { examples: ['784e49c5ba974a1e8ac503a840f65eb5'] });

const oldUpdate = object('The old generation: repositories and packages per far side.', {
  name,
  taskKey: key,
  setting,
  replicationInfo: list(
    'What is copied where; a task copies all of it to every far side, so all entries must want the same.',
    object('What goes to some far sides.', {
      remoteClusterName: list('Names of clusters.', { type: 'string' }, boundsOf('ReplicaTask', 'remoteClusterIds')),
      repoInfo: list(
        'Repositories.',
        object('One repository, or some of its packages.', {
          localRepoName,
          type: repoType,
          packageInfo: list(
            'Versions of packages; empty = the whole repository.',
            object('One version.', {
              name: optional(text('Name of the package; it is not used.')),
              packageKey: text('Key of the package.', boundsOf('ReplicaTask', `${PACKAGES}[].packageKey`)),
              version: text('The version.', boundsOf('ReplicaTask', `${PACKAGES}[].versions[]`)),
            }),
          ),
        }),
        boundsOf('ReplicaTask', 'replicaTaskObjects'),
      ),
    }),
    boundsOf('ReplicaTask', 'remoteClusterIds'),
  ),
  validateConnectivity: optional(flag('Whether the far sides are asked first. Default: true.')),
  description,
});

const IS_OLD = {
  type: 'object',
  required: ['replicationInfo'],
  properties: { replicationInfo: { type: 'array' } },
};

/** Either generation: one with `replicationInfo` is of the old one. */
export const TASK_UPDATE_BODY: JsonSchema = {
  type: 'object',
  description: 'The new content of a task that has not run yet: what is left out gets its default.',
  allOf: [
    { if: IS_OLD, else: object('The present generation.', { key, ...content }) },
    { if: { type: 'object', not: IS_OLD }, else: oldUpdate },
  ],
};

export const TASK_COPY_BODY = object(
  'A copy of a task, which is created disabled.',
  { key, name, description },
  { examples: [{ name: 'task_copy', key: '784e49c5ba974a1e8ac503a840f65eb5', description: 'copy replica task' }] },
);

export const CONNECT_TEST_BODY = object(
  'A far side that need not be stored.',
  {
    name: optional(text('Name of a cluster, for messages.', { examples: ['shanghai'] })),
    url: optional(text('Address of its replication service.', { examples: ['http://bkrepo.com/replication'] })),
    username: optional(text('Account there.', { examples: ['admin'] })),
    password: optional(text('Its password.', { examples: ['password'] })),
    certificate: optional(text('Certificates of authorities, as PEM text.', boundsOf('Cluster', 'certificate'))),
  },
  { examples: [{ url: 'http://bkrepo.com/replication', username: 'admin', password: 'password' }] },
);

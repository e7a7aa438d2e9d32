/**
 * Objects that must be taken or refused, for each rule and bound of the CRDs. One table drives two tests: `admit` without
 * an API server, and a real API server. `refused` names the fields that must be blamed, no more and no fewer.
 */

export interface Case {
  readonly title: string;
  readonly kind: 'Cluster' | 'ReplicaTask';
  readonly spec: unknown;
  /** Fields of the refusal; absent = accepted. */
  readonly refused?: readonly string[];
}

type Patch = Readonly<Record<string, unknown>>;

const CLUSTER: Patch = { type: 'STANDALONE', url: 'https://bkrepo.example.com/replication' };
const OBJECT: Patch = { localRepoName: 'generic-local', repoType: 'GENERIC' };
const TASK: Patch = { localProjectId: 'tools', replicaTaskObjects: [OBJECT], remoteClusterIds: ['shanghai'] };

function cluster(title: string, patch: Patch, ...refused: readonly string[]): Case {
  return make('Cluster', title, { ...CLUSTER, ...patch }, refused);
}

function task(title: string, patch: Patch, ...refused: readonly string[]): Case {
  return make('ReplicaTask', title, { ...TASK, ...patch }, refused);
}

function object(title: string, patch: Patch, ...refused: readonly string[]): Case {
  const fields = refused.map((field) => `spec.replicaTaskObjects[0]${field}`);
  return task(title, { replicaTaskObjects: [{ ...OBJECT, ...patch }] }, ...fields);
}

function setting(title: string, patch: Patch, ...refused: readonly string[]): Case {
  return task(title, { setting: patch }, ...refused.map((field) => `spec.setting${field}`));
}

function plan(title: string, patch: Patch, ...refused: readonly string[]): Case {
  return setting(title, { executionPlan: patch }, ...refused.map((field) => `.executionPlan${field}`));
}

function make(kind: Case['kind'], title: string, spec: Patch, refused: readonly string[]): Case {
  const given = Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined));
  return { title, kind, spec: given, ...(refused.length > 0 ? { refused } : {}) };
}

const text = (length: number): string => 'x'.repeat(length);
const list = <T>(length: number, item: (index: number) => T): readonly T[] =>
  Array.from({ length }, (_, index) => item(index));
const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

const CLUSTERS: readonly Case[] = [
  cluster('the least that is needed', {}),
  cluster('everything at once', {
    name: 'Shanghai backup',
    protocol: 'bkrepo',
    credentialsSecretRef: { name: 'shanghai-credentials' },
    caSecretRef: { name: 'company-ca', key: 'tls-ca.pem' },
    clientCertificateSecretRef: { name: 'client' },
    proxyUrl: 'http://proxy.example.com:3128',
    limits: { bandwidth: 10_485_760, concurrency: 4 },
    uploadVerification: 'always',
    timeZone: 'Asia/Shanghai',
    probeInterval: '2m30s',
  }),
  cluster('no url', { url: undefined }, 'spec.url'),
  cluster('no type', { type: undefined }, 'spec.type'),
  ...['CENTER', 'EDGE', 'REMOTE'].map((type) => cluster(`type ${type}`, { type })),
  cluster('an unknown type', { type: 'standalone' }, 'spec.type'),
  cluster('an unknown protocol', { protocol: 'docker' }, 'spec.protocol'),
  cluster('an unknown field', { passwort: 'x' }, 'spec.passwort'),
  cluster('a field of the wrong type', { url: 7 }, 'spec.url'),
  cluster('a null is an absent field', { timeZone: null, limits: null, protocol: null }),
  cluster('a null is an absent required field', { url: null }, 'spec.url'),

  cluster('a name of two characters', { name: 'ab' }),
  cluster('a name of 256 characters, not bytes', { name: '仓'.repeat(256) }),
  cluster('a name of one character', { name: 'a' }, 'spec.name'),
  cluster('a name of 257 characters', { name: text(257) }, 'spec.name'),

  ...[
    'http://bkrepo',
    'http://127.0.0.1:25903/replication',
    'https://[2001:db8::1]:8443/replication/',
    'https://a.b-c_d.example:65535',
    'https://bkrepo.example.com/a%20b/@c',
  ].map((url) => cluster(`url ${url}`, { url })),
  ...[
    'ftp://bkrepo.example.com',
    'HTTP://bkrepo.example.com',
    'bkrepo.example.com',
    'https://user:secret@bkrepo.example.com',
    'https://@bkrepo.example.com',
    'https://bkrepo.example.com/?a=b',
    'https://bkrepo.example.com/#top',
    'https://',
    'https:///replication',
    'https://:8080/',
    'https://-bkrepo.example.com',
    'https://bkrepo.example.com:0/',
    'https://bkrepo.example.com:65536/',
    'https://bkrepo.example.com:port/',
    'https://bkrepo.example.com/a b',
    'https://bkrepo.example.com/a\tb',
    'https://bkrepo.example.com/a\n',
    'https://仓.example.com/',
    'https://仓.example.com/@scope',
    'https:///@scope',
    'https://bkrepo.example.com\\@other.example.com',
  ].map((url) => cluster(`url ${JSON.stringify(url)}`, { url }, 'spec.url')),
  cluster('an empty url', { url: '' }, 'spec.url'),
  cluster('a url of 2,048 characters', { url: `https://bkrepo.example.com/${text(2_021)}` }),
  cluster('a url of 2,049 characters', { url: `https://bkrepo.example.com/${text(2_022)}` }, 'spec.url'),

  ...['credentialsSecretRef', 'caSecretRef', 'caConfigMapRef', 'clientCertificateSecretRef'].flatMap((reference) => [
    cluster(`${reference} without name`, { [reference]: {} }, `spec.${reference}.name`),
    ...['', '..', 'a/b', 'A', 'a.'].map((name) =>
      cluster(`${reference} named ${JSON.stringify(name)}`, { [reference]: { name } }, `spec.${reference}.name`),
    ),
    cluster(`${reference} with a name of 253 characters`, { [reference]: { name: text(253) } }),
    cluster(
      `${reference} with a name of 254 characters`,
      { [reference]: { name: text(254) } },
      `spec.${reference}.name`,
    ),
    cluster(
      `${reference} to another namespace`,
      { [reference]: { name: 'a', namespace: 'b' } },
      `spec.${reference}.namespace`,
    ),
  ]),
  ...['caSecretRef', 'caConfigMapRef'].flatMap((reference) => [
    cluster(`${reference} with a key of 253 characters`, { [reference]: { name: 'ca', key: text(253) } }),
    ...['', 'a/b', text(254)].map((key) =>
      cluster(
        `${reference} with key ${JSON.stringify(key)}`,
        { [reference]: { name: 'ca', key } },
        `spec.${reference}.key`,
      ),
    ),
  ]),
  cluster('a certificate', { certificate: PEM }),
  cluster('a CA in a Secret', { caSecretRef: { name: 'ca' } }),
  cluster('a CA in a ConfigMap', { caConfigMapRef: { name: 'ca' } }),
  cluster('a certificate that is none', { certificate: 'MIIB' }, 'spec.certificate'),
  cluster('a certificate beyond 65,536 characters', { certificate: PEM + text(65_536) }, 'spec.certificate'),
  cluster('a certificate and a Secret', { certificate: PEM, caSecretRef: { name: 'ca' } }, 'spec'),
  cluster('a certificate and a ConfigMap', { certificate: PEM, caConfigMapRef: { name: 'ca' } }, 'spec'),
  cluster('a Secret and a ConfigMap', { caSecretRef: { name: 'ca' }, caConfigMapRef: { name: 'ca' } }, 'spec'),
  cluster('a CA for a url without TLS', { url: 'http://bkrepo', caSecretRef: { name: 'ca' } }, 'spec.url'),
  cluster('a CA map for a url without TLS', { url: 'http://bkrepo', caConfigMapRef: { name: 'ca' } }, 'spec.url'),
  cluster(
    'a client certificate for a url without TLS',
    { url: 'http://bkrepo', clientCertificateSecretRef: { name: 'client' } },
    'spec.url',
  ),
  cluster('a certificate for a url without TLS, as bk-repo takes it', { url: 'http://bkrepo', certificate: PEM }),

  ...['http://proxy', 'https://proxy.example.com:3128/', 'http://[::1]:3128'].map((proxyUrl) =>
    cluster(`proxy ${proxyUrl}`, { proxyUrl }),
  ),
  cluster('a proxy of 2,049 characters', { proxyUrl: `http://${text(2_042)}` }, 'spec.proxyUrl'),
  ...[
    'socks5://proxy',
    'http://user:secret@proxy',
    'http://proxy/path',
    'http://proxy?x=y',
    'http://',
    'proxy:3128',
  ].map((proxyUrl) => cluster(`proxy ${proxyUrl}`, { proxyUrl }, 'spec.proxyUrl')),

  cluster('the smallest limits', { limits: { bandwidth: 0, concurrency: 1 } }),
  cluster('the largest limits', { limits: { bandwidth: Number.MAX_SAFE_INTEGER, concurrency: 256 } }),
  cluster('a negative bandwidth', { limits: { bandwidth: -1 } }, 'spec.limits.bandwidth'),
  cluster(
    'a bandwidth beyond exact numbers',
    { limits: { bandwidth: 9_007_199_254_740_992 } },
    'spec.limits.bandwidth',
  ),
  cluster('a concurrency of 0', { limits: { concurrency: 0 } }, 'spec.limits.concurrency'),
  cluster('a concurrency of 257', { limits: { concurrency: 257 } }, 'spec.limits.concurrency'),
  cluster('half an artifact at once', { limits: { concurrency: 1.5 } }, 'spec.limits.concurrency'),
  cluster('a concurrency in words', { limits: { concurrency: '8' } }, 'spec.limits.concurrency'),
  cluster('uploadVerification never', { uploadVerification: 'never' }),
  cluster('an unknown uploadVerification', { uploadVerification: 'sometimes' }, 'spec.uploadVerification'),
  ...['UTC', 'Etc/GMT+8', 'America/Argentina/Buenos_Aires'].map((timeZone) =>
    cluster(`zone ${timeZone}`, { timeZone }),
  ),
  ...['', '+08:00', 'Asia/', '../UTC', 'Asia Shanghai', `A${text(64)}`].map((timeZone) =>
    cluster(`zone ${JSON.stringify(timeZone)}`, { timeZone }, 'spec.timeZone'),
  ),
  ...['1s', '60s', '2m30s', '24h', '1440m'].map((probeInterval) =>
    cluster(`probed every ${probeInterval}`, { probeInterval }),
  ),
  ...['0s', '24h1s', '25h', '', '60', '1.5m', '500ms', '-1s', '1d', '100000s', `${'0s'.repeat(16)}1s`].map(
    (probeInterval) =>
      cluster(`probed every ${JSON.stringify(probeInterval)}`, { probeInterval }, 'spec.probeInterval'),
  ),
];

const TASKS: readonly Case[] = [
  task('the least that is needed', {}),
  task('everything at once', {
    name: 'nightly backup of tools',
    replicaObjectType: 'PATH',
    replicaTaskObjects: [
      {
        ...OBJECT,
        remoteProjectId: 'tools-backup',
        remoteRepoName: 'generic_backup',
        pathConstraints: [{ path: '/a' }],
      },
    ],
    replicaType: 'SCHEDULED',
    setting: {
      rateLimit: 10_485_760,
      includeMetadata: false,
      conflictStrategy: 'OVERWRITE',
      errorStrategy: 'FAST_FAIL',
      executionStrategy: 'CRON_EXPRESSION',
      executionPlan: { cronExpression: '0 0 2 * * ?', timeZone: 'Asia/Shanghai', startingDeadlineSeconds: 3_600 },
      storageConsistencyCheck: true,
      automaticCreateRemoteRepo: false,
      recordUnchanged: true,
      adoptExisting: true,
      verifyInterval: '168h',
    },
    enabled: false,
    description: 'Copy of the tools for the office in Shanghai.',
    record: false,
    recordReserveDays: 7,
  }),
  ...['localProjectId', 'replicaTaskObjects', 'remoteClusterIds'].map((field) =>
    task(`no ${field}`, { [field]: undefined }, `spec.${field}`),
  ),
  task('an unknown field', { remoteClusters: [] }, 'spec.remoteClusters'),
  task('nulls, as REST callers write them', {
    description: null,
    setting: { executionPlan: { executeImmediately: true, executeTime: null, cronExpression: null } },
  }),
  task('a name of one character', { name: 'a' }, 'spec.name'),
  task('a name of 257 characters', { name: text(257) }, 'spec.name'),
  task('a name of 256 characters', { name: text(256) }),
  ...['_a', 'tools-1', 'tenant.tools', `t${text(127)}`].map((id) => task(`project ${id}`, { localProjectId: id })),
  ...['', 'a', '1a', 'a b', 'a..b', '.a', 'a.b.c', 'a/b', `t${text(128)}`, 'tools\n'].map((id) =>
    task(`project ${JSON.stringify(id)}`, { localProjectId: id }, 'spec.localProjectId'),
  ),
  task('an unknown replicaType', { replicaType: 'RUN_ONCE' }, 'spec.replicaType'),
  task('a real-time task', { replicaType: 'REAL_TIME' }),
  task('a real-time task that begins now', {
    replicaType: 'REAL_TIME',
    setting: { executionPlan: { executeImmediately: true } },
  }),
  task(
    'a real-time task with cron',
    { replicaType: 'REAL_TIME', setting: { executionPlan: { cronExpression: '0 2 * * *' } } },
    'spec.setting.executionPlan',
  ),
  task(
    'a real-time task at a time',
    { replicaType: 'REAL_TIME', setting: { executionPlan: { executeTime: '2026-12-01T02:00:00Z' } } },
    'spec.setting.executionPlan',
  ),
  task('no cluster', { remoteClusterIds: [] }, 'spec.remoteClusterIds'),
  task('64 clusters', { remoteClusterIds: list(64, (index) => `c${index}`) }),
  task('65 clusters', { remoteClusterIds: list(65, (index) => `c${index}`) }, 'spec.remoteClusterIds'),
  task('one cluster twice', { remoteClusterIds: ['a', 'b', 'a'] }, 'spec.remoteClusterIds[2]'),
  task('clusters by name and by id', {
    remoteClusterIds: ['shanghai.2', '5f1a8c0e9b7d4c3f8a6e2d1b0c9f8e7d', '6740A1'],
  }),
  ...['', 'a b', '-a', 'a/b', text(254)].map((id) =>
    task(`cluster ${JSON.stringify(id)}`, { remoteClusterIds: [id] }, 'spec.remoteClusterIds[0]'),
  ),
  task('a cluster that is no text', { remoteClusterIds: [null] }, 'spec.remoteClusterIds[0]'),
  task('enabled in words', { enabled: 'yes' }, 'spec.enabled'),
  task('a description of 2,048 characters', { description: text(2_048) }),
  task('a description of 2,049 characters', { description: text(2_049) }, 'spec.description'),
  ...[1, 60].map((days) => task(`records for ${days} days`, { recordReserveDays: days })),
  ...[0, 61].map((days) => task(`records for ${days} days`, { recordReserveDays: days }, 'spec.recordReserveDays')),
];

const OBJECTS: readonly Case[] = [
  task('no object', { replicaTaskObjects: [] }, 'spec.replicaTaskObjects'),
  task('64 objects', { replicaTaskObjects: list(64, (index) => ({ ...OBJECT, localRepoName: `repo${index}` })) }),
  task('65 objects', { replicaTaskObjects: list(65, () => OBJECT) }, 'spec.replicaTaskObjects'),
  task('an object that is null', { replicaTaskObjects: [null] }, 'spec.replicaTaskObjects[0]'),
  object('no repository', { localRepoName: null }, '.localRepoName'),
  object('no type', { repoType: null }, '.repoType'),
  object('another type', { repoType: 'HUGGINGFACE' }),
  object('an unknown type', { repoType: 'NONE' }, '.repoType'),
  object('names of 64 characters', { localRepoName: `r${text(63)}`, remoteRepoName: `_${text(63)}` }),
  object(
    'names of 65 characters',
    { localRepoName: text(65), remoteRepoName: text(65) },
    '.localRepoName',
    '.remoteRepoName',
  ),
  object('names with a dot', { localRepoName: 'a.b', remoteRepoName: 'a.b' }, '.localRepoName', '.remoteRepoName'),
  object('names that are too short', { localRepoName: 'a', remoteRepoName: 'a' }, '.localRepoName', '.remoteRepoName'),
  object('a remote project with tenant', { remoteProjectId: 'tenant.tools' }),
  object('a remote project that is none', { remoteProjectId: 'a/b' }, '.remoteProjectId'),
  object('a remote project that is too long', { remoteProjectId: text(129) }, '.remoteProjectId'),
  object('a remote project that is too short', { remoteProjectId: 'a' }, '.remoteProjectId'),
  object('empty constraints', { packageConstraints: [], pathConstraints: [] }),
  object('packages', { repoType: 'NPM', packageConstraints: [{ packageKey: 'npm://@s/n', versions: ['1.0.0'] }] }),
  object('packages beside empty paths', { packageConstraints: [{ packageKey: 'npm://n' }], pathConstraints: [] }),
  object(
    'packages and paths',
    { packageConstraints: [{ packageKey: 'npm://n' }], pathConstraints: [{ path: '/a' }] },
    '',
  ),
  task('many objects, each with constraints of its own', {
    replicaTaskObjects: [
      { ...OBJECT, pathConstraints: [{ path: '/a' }] },
      { ...OBJECT, repoType: 'NPM', packageConstraints: [{ packageKey: 'npm://n' }] },
      OBJECT,
    ],
  }),
  object('256 packages', { packageConstraints: list(256, (index) => ({ packageKey: `npm://n${index}` })) }),
  object('257 packages', { packageConstraints: list(257, () => ({ packageKey: 'npm://n' })) }, '.packageConstraints'),
  object('no key', { packageConstraints: [{}] }, '.packageConstraints[0].packageKey'),
  object('an empty key', { packageConstraints: [{ packageKey: '' }] }, '.packageConstraints[0].packageKey'),
  object('a blank key', { packageConstraints: [{ packageKey: ' \t' }] }, '.packageConstraints[0].packageKey'),
  object('a key of 512 characters', { packageConstraints: [{ packageKey: text(512) }] }),
  object(
    'a key of 513 characters',
    { packageConstraints: [{ packageKey: text(513) }] },
    '.packageConstraints[0].packageKey',
  ),
  object('256 versions', {
    packageConstraints: [{ packageKey: 'npm://n', versions: list(256, (index) => `${index}`) }],
  }),
  object(
    '257 versions',
    { packageConstraints: [{ packageKey: 'npm://n', versions: list(257, (index) => `${index}`) }] },
    '.packageConstraints[0].versions',
  ),
  object(
    'no version',
    { packageConstraints: [{ packageKey: 'npm://n', versions: [] }] },
    '.packageConstraints[0].versions',
  ),
  ...['', ' ', text(257)].map((version) =>
    object(
      `version ${JSON.stringify(version)}`,
      { packageConstraints: [{ packageKey: 'npm://n', versions: ['1', version] }] },
      '.packageConstraints[0].versions[1]',
    ),
  ),
  object(
    'a version that is a number',
    { packageConstraints: [{ packageKey: 'n', versions: [1] }] },
    '.packageConstraints[0].versions[0]',
  ),
  object('256 paths', { pathConstraints: list(256, (index) => ({ path: `/f${index}` })) }),
  object('257 paths', { pathConstraints: list(257, () => ({ path: '/f' })) }, '.pathConstraints'),
  object('no path', { pathConstraints: [{}] }, '.pathConstraints[0].path'),
  ...[
    '/',
    '/a',
    '/a/',
    '/a/b.c',
    '/.hidden/..name/...',
    '/a b/仓库/ü',
    '/*',
    '/a/*.tar.gz',
    '/a/v*-*',
    '/a/..*',
    '/;%2e%2e\\',
    `/${text(2_047)}`,
  ].map((path) => object(`path ${JSON.stringify(path)}`, { pathConstraints: [{ path }] })),
  ...[
    '',
    'a',
    '//',
    '/a//b',
    '/..',
    '/../a',
    '/a/..',
    '/a/../b',
    '/.',
    '/a/./b',
    '/*/a',
    '/a*/b',
    '/a\n',
    '/a\u0000',
    `/${text(2_048)}`,
  ].map((path) => object(`path ${JSON.stringify(path)}`, { pathConstraints: [{ path }] }, '.pathConstraints[0].path')),
  task('replicaObjectType REPOSITORY', { replicaObjectType: 'REPOSITORY' }),
  task(
    'replicaObjectType REPOSITORY with a path',
    { replicaObjectType: 'REPOSITORY', replicaTaskObjects: [{ ...OBJECT, pathConstraints: [{ path: '/a' }] }] },
    'spec.replicaTaskObjects',
  ),
  task(
    'replicaObjectType REPOSITORY with a package',
    {
      replicaObjectType: 'REPOSITORY',
      replicaTaskObjects: [OBJECT, { ...OBJECT, packageConstraints: [{ packageKey: 'n' }] }],
    },
    'spec.replicaTaskObjects',
  ),
  task('replicaObjectType PACKAGE', {
    replicaObjectType: 'PACKAGE',
    replicaTaskObjects: [{ ...OBJECT, packageConstraints: [{ packageKey: 'n' }] }],
  }),
  task('replicaObjectType PACKAGE without packages', { replicaObjectType: 'PACKAGE' }, 'spec.replicaTaskObjects'),
  task(
    'replicaObjectType PATH without paths',
    { replicaObjectType: 'PATH', replicaTaskObjects: [{ ...OBJECT, pathConstraints: [] }] },
    'spec.replicaTaskObjects',
  ),
  task('an unknown replicaObjectType', { replicaObjectType: 'FILE' }, 'spec.replicaObjectType'),
];

const SETTINGS: readonly Case[] = [
  setting('an unknown setting', { conflictstrategy: 'SKIP' }, '.conflictstrategy'),
  setting('a rate of 0', { rateLimit: 0 }),
  setting('the largest rate', { rateLimit: Number.MAX_SAFE_INTEGER }),
  setting('a negative rate', { rateLimit: -1 }, '.rateLimit'),
  setting('a rate beyond exact numbers', { rateLimit: 9_007_199_254_740_992 }, '.rateLimit'),
  ...['SKIP', 'OVERWRITE', 'FAST_FAIL'].map((conflictStrategy) => setting(conflictStrategy, { conflictStrategy })),
  setting('an unknown conflictStrategy', { conflictStrategy: 'skip' }, '.conflictStrategy'),
  setting('an unknown errorStrategy', { errorStrategy: 'SKIP' }, '.errorStrategy'),
  ...[
    'includeMetadata',
    'storageConsistencyCheck',
    'automaticCreateRemoteRepo',
    'recordUnchanged',
    'adoptExisting',
  ].map((field) => setting(`${field} in words`, { [field]: 'true' }, `.${field}`)),
  ...['auto', 'oplog', 'eventlog', 'changeStream'].map((feed) => setting(`changes heard of by ${feed}`, { feed })),
  setting('changes heard of by an unknown feed', { feed: 'kafka' }, '.feed'),
  ...['10s', '6h', '99999h'].map((resyncInterval) => setting(`compared every ${resyncInterval}`, { resyncInterval })),
  ...['9s', '', '1d', `${'0s'.repeat(16)}10s`].map((resyncInterval) =>
    setting(`compared every ${JSON.stringify(resyncInterval)}`, { resyncInterval }, '.resyncInterval'),
  ),
  ...['1s', '30s', '99999h'].map((maxLag) => setting(`a lag of ${maxLag}`, { maxLag })),
  ...['0s', '', '1d', `${'0s'.repeat(16)}1s`].map((maxLag) =>
    setting(`a lag of ${JSON.stringify(maxLag)}`, { maxLag }, '.maxLag'),
  ),
  setting('no protection of deletions', { deleteProtection: { percent: 100, files: 1_000_000_000 } }),
  setting('every deletion held', { deleteProtection: { percent: 0, files: 0 } }),
  setting('protection in part', { deleteProtection: { files: 5 } }),
  ...[-1, 101].map((percent) =>
    setting(`${percent} percent of deletions`, { deleteProtection: { percent } }, '.deleteProtection.percent'),
  ),
  ...[-1, 1_000_000_001].map((files) =>
    setting(`${files} deletions`, { deleteProtection: { files } }, '.deleteProtection.files'),
  ),
  ...['1s', '168h', '99999h'].map((verifyInterval) => setting(`verified every ${verifyInterval}`, { verifyInterval })),
  ...['0s', '', '1d', '1.5h', `${'0s'.repeat(16)}1s`].map((verifyInterval) =>
    setting(`verified every ${JSON.stringify(verifyInterval)}`, { verifyInterval }, '.verifyInterval'),
  ),
  plan('an empty plan', {}),
  plan('now', { executeImmediately: true }),
  plan('on request only', { executeImmediately: false }),
  plan('cron', { cronExpression: '0 2 * * *' }),
  plan('now, and then by cron', { executeImmediately: true, cronExpression: '0 0 2 * * ?' }),
  plan('cron in no known dialect, which is judged later', { cronExpression: 'every night' }),
  plan('empty cron', { cronExpression: '' }, '.cronExpression'),
  plan('endless cron', { cronExpression: text(257) }, '.cronExpression'),
  ...['2026-12-01T02:00:00+08:00', '2026-12-01T02:00:00Z', '2026-12-01T02:00:00.123456789', '2026-12-01T02:00'].map(
    (executeTime) => plan(`at ${executeTime}`, { executeTime }),
  ),
  ...[
    '',
    '2026-12-01',
    '2026-12-01 02:00:00',
    '2026-13-01T02:00:00Z',
    '2026-12-32T02:00:00Z',
    '2026-12-01T24:00:00Z',
    '2026-12-01T02:60:00Z',
    '2026-12-01T02:00:00+0800',
    'tomorrow at 02:00:00',
    `2026-12-01T02:00:00.${'0'.repeat(20)}`,
  ].map((executeTime) => plan(`at ${JSON.stringify(executeTime)}`, { executeTime }, '.executeTime')),
  plan('a time and cron', { executeTime: '2026-12-01T02:00:00Z', cronExpression: '0 2 * * *' }, ''),
  plan('a time and now', { executeTime: '2026-12-01T02:00:00Z', executeImmediately: true }, ''),
  plan('a time and not now', { executeTime: '2026-12-01T02:00:00Z', executeImmediately: false }),
  plan('a zone', { cronExpression: '0 2 * * *', timeZone: 'Asia/Shanghai' }),
  ...['', 'Asia/', '+08:00', text(65)].map((timeZone) =>
    plan(`zone ${JSON.stringify(timeZone)}`, { timeZone }, '.timeZone'),
  ),
  ...[10, 31_536_000].map((startingDeadlineSeconds) =>
    plan(`${startingDeadlineSeconds} s late`, { cronExpression: '0 2 * * *', startingDeadlineSeconds }),
  ),
  ...[9, 31_536_001].map((startingDeadlineSeconds) =>
    plan(
      `${startingDeadlineSeconds} s late`,
      { cronExpression: '0 2 * * *', startingDeadlineSeconds },
      '.startingDeadlineSeconds',
    ),
  ),
  plan('a deadline without a time', { startingDeadlineSeconds: 60 }, ''),
  plan('a deadline beside a time', { startingDeadlineSeconds: 60, executeTime: '2026-12-01T02:00:00Z' }),
  setting('the strategy IMMEDIATELY alone', { executionStrategy: 'IMMEDIATELY' }),
  setting('the strategy IMMEDIATELY with now', {
    executionStrategy: 'IMMEDIATELY',
    executionPlan: { executeImmediately: true },
  }),
  ...[{ executeImmediately: false }, { cronExpression: '0 2 * * *' }, { executeTime: '2026-12-01T02:00:00Z' }].map(
    (executionPlan) =>
      setting(
        `the strategy IMMEDIATELY with ${JSON.stringify(executionPlan)}`,
        { executionStrategy: 'IMMEDIATELY', executionPlan },
        '.executionStrategy',
      ),
  ),
  setting('the strategy SPECIFIED_TIME with a time', {
    executionStrategy: 'SPECIFIED_TIME',
    executionPlan: { executeTime: '2026-12-01T02:00:00Z' },
  }),
  setting('the strategy SPECIFIED_TIME without plan', { executionStrategy: 'SPECIFIED_TIME' }, '.executionStrategy'),
  setting(
    'the strategy SPECIFIED_TIME without time',
    { executionStrategy: 'SPECIFIED_TIME', executionPlan: { executeImmediately: true } },
    '.executionStrategy',
  ),
  setting('the strategy CRON_EXPRESSION with cron', {
    executionStrategy: 'CRON_EXPRESSION',
    executionPlan: { cronExpression: '0 2 * * *' },
  }),
  setting('the strategy CRON_EXPRESSION without cron', { executionStrategy: 'CRON_EXPRESSION' }, '.executionStrategy'),
  setting('an unknown strategy', { executionStrategy: 'CRON' }, '.executionStrategy'),
];

export const CASES: readonly Case[] = [...CLUSTERS, ...TASKS, ...OBJECTS, ...SETTINGS];

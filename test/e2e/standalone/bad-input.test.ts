import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BkRepoBuilder } from '../../support/bkrepo/builder.ts';
import { eventually } from '../../support/wait.ts';
import { type FarSide, World } from '../../support/world.ts';
import { cluster, copyOf, login, secret, task } from './manifests.ts';
import { type Expected, Site } from './site.ts';

/*
 * One program, one directory with everything wrong that a person can write, and a good task among it: every fault is told
 * with what and where, and none of them holds up the others.
 */

let world: World;
let site: Site;
let good: FarSide;
let strict: FarSide;

before(async () => {
  world = await World.start();
  await world.files.putFiles(
    Array.from({ length: 12 }, (_, index) => ({ path: `/folder/file-${index}`, content: `content ${index}` })),
  );
  await world.builder.repository('acme', 'maven', { type: 'MAVEN' });
  await world.builder.repository('acme', 'proxied', { category: 'REMOTE' });
  good = await world.farSide('good');
  strict = await world.farSide('strict', { faithful: true });
  await new BkRepoBuilder(good.db, good.storeDir).repository('mirror', 'images', { type: 'DOCKER' });

  site = await Site.create({ source: world.mongod.uri, storeDir: world.builder.storeDir, journal: world.mongod.uri });
  const far = good.proxy.url;
  await site.apply('good', login('good'), cluster('good', far), task('copy', ['good']));
  await site.apply('strict', login('strict'), cluster('strict', strict.proxy.url));
  await site.write('broken.yaml', 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: [unclosed\n');
  await site.apply('field', task('unknown-field', ['good'], { remoteClusters: ['good'] }));
  await site.apply('rate', task('negative-rate', ['good'], { setting: { rateLimit: -1 } }));
  const executionPlan = { cronExpression: '0 2 * * *', startingDeadlineSeconds: 31_536_001 };
  await site.apply('deadline', task('late', ['good'], { setting: { executionPlan } }));
  await site.apply('kind', {
    apiVersion: 'replication.bkrepo.io/v1alpha1',
    kind: 'ReplicationTask',
    metadata: { name: 'x' },
  });
  await site.apply('foreign', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'theirs' } });
  await site.apply('bad-secret', secret('number', { username: 'x', password: 12_345_678 as unknown as string }));
  await site.apply(
    'clusters',
    cluster('no-secret', far),
    secret('no-keys-login', { username: 'replicator' }),
    cluster('no-keys', far),
    login('wrong-password', 'not-the-password'),
    cluster('wrong-password', far),
    cluster('no-ca', far.replace('http:', 'https:'), {
      credentialsSecretRef: { name: 'good-login' },
      caConfigMapRef: { name: 'authority', key: 'ca.crt' },
    }),
    cluster('elsewhere', far, { url: `${far}/nothing-here`, credentialsSecretRef: { name: 'good-login' } }),
    cluster('unresolved', 'http://far-side.invalid', { credentialsSecretRef: { name: 'good-login' } }),
  );
  await site.apply(
    'tasks',
    task('no-cluster', ['nowhere', 'good']),
    task('to-no-secret', ['no-secret']),
    task('to-no-keys', ['no-keys']),
    task('to-wrong-password', ['wrong-password']),
    task('wrong-repository', ['good'], { replicaTaskObjects: [copyOf('fiels')] }),
    task('wrong-project', ['good'], { localProjectId: 'acmee' }),
    task('wrong-type', ['good'], { replicaTaskObjects: [copyOf('maven')] }),
    task('not-local', ['good'], { replicaTaskObjects: [copyOf('proxied')] }),
    task('other-type-there', ['good'], { replicaTaskObjects: [copyOf('files', { remoteRepoName: 'images' })] }),
    task('not-created', ['strict'], {
      replicaTaskObjects: [copyOf('files', { remoteProjectId: 'absent', remoteRepoName: 'absent' })],
      setting: { automaticCreateRemoteRepo: false },
    }),
  );
  await site.start();
});
after(async () => {
  await site.remove();
  await world.stop();
});

test('the good task among all the bad ones makes its far side equal', async () => {
  await site.condition('ReplicaTask', 'copy', 'Synced', { status: 'True', reason: 'AllEqual' });
  await site.condition('ReplicaTask', 'copy', 'Ready', { status: 'True' });
  assert.deepEqual(await world.differences(good), []);
});

const LINES: readonly { readonly what: string; readonly words: readonly RegExp[] }[] = [
  { what: 'YAML that cannot be parsed', words: [/broken\.yaml/, /line=\d/, /not valid YAML/] },
  {
    what: 'an unknown field',
    words: [/field\.yaml/, /line=\d+/, /spec\.remoteClusters/, /unknown field/i],
  },
  {
    what: 'a negative rate',
    words: [
      /rate\.yaml/,
      /field=spec\.setting\.rateLimit message="Invalid value: -1: spec\.setting\.rateLimit in body should be greater than or equal to 0/,
    ],
  },
  {
    what: 'a starting deadline out of range',
    words: [
      /deadline\.yaml/,
      /startingDeadlineSeconds message="Invalid value: 31536001: spec\.setting\.executionPlan\.startingDeadlineSeconds in body should be less than or equal to 31536000/,
    ],
  },
  {
    what: 'an unknown kind of our group',
    words: [/kind\.yaml/, /ReplicationTask/, /known are Cluster and ReplicaTask/],
  },
  { what: 'a number where text is wanted', words: [/bad-secret\.yaml/, /stringData\[password\]/, /quote it in YAML/] },
];

for (const { what, words } of LINES) {
  test(`${what} is told with file, line and words`, async () => {
    const [first = /$/] = words;
    const line = await site.line(new RegExp(`ERROR .*${first.source}`));
    for (const word of words) assert.match(line, word);
    assert.doesNotMatch(line, /12345678/);
  });
}

test('a kind of another group is no error', async () => {
  const line = await site.line(/apps\/v1 Deployment/);
  assert.doesNotMatch(line, /ERROR|WARN/);
});

interface Case {
  readonly kind: 'Cluster' | 'ReplicaTask';
  readonly name: string;
  readonly condition: Expected & { readonly type: string };
  readonly words: readonly RegExp[];
}

const ready = (reason: string): Case['condition'] => ({ type: 'Ready', status: 'False', reason });
const stalled = (reason: string): Case['condition'] => ({ type: 'Stalled', status: 'True', reason });

const CASES: readonly Case[] = [
  { kind: 'ReplicaTask', name: 'no-cluster', condition: ready('ClusterNotFound'), words: [/nowhere/, /default/] },
  {
    kind: 'Cluster',
    name: 'no-secret',
    condition: ready('SecretNotFound'),
    words: [/Secret default\/no-secret-login/, /spec\.credentialsSecretRef/, /does not exist/],
  },
  {
    kind: 'ReplicaTask',
    name: 'to-no-secret',
    condition: ready('SecretNotFound'),
    words: [/Cluster no-secret/, /no-secret-login/],
  },
  {
    kind: 'ReplicaTask',
    name: 'to-no-keys',
    condition: ready('SecretKeyMissing'),
    words: [/no-keys-login/, /no key password/],
  },
  {
    kind: 'Cluster',
    name: 'wrong-password',
    condition: ready('Unauthorized'),
    words: [/401/, /check user name and password in the Secret/],
  },
  {
    kind: 'ReplicaTask',
    name: 'to-wrong-password',
    condition: ready('ClusterUnreachable'),
    words: [/Cluster wrong-password/, /401/],
  },
  {
    kind: 'Cluster',
    name: 'no-ca',
    condition: ready('ConfigMapNotFound'),
    words: [/ConfigMap default\/authority/, /spec\.caConfigMapRef/],
  },
  {
    kind: 'Cluster',
    name: 'elsewhere',
    condition: ready('NoReplicationService'),
    words: [/nothing-here/, /404/, /is the url that of bk-repo's replication service/],
  },
  {
    kind: 'Cluster',
    name: 'unresolved',
    condition: ready('NameNotResolved'),
    words: [/far-side\.invalid/, /resolve/],
  },
  {
    kind: 'ReplicaTask',
    name: 'wrong-repository',
    condition: stalled('SourceRepositoryNotFound'),
    words: [/acme\/fiels/],
  },
  {
    kind: 'ReplicaTask',
    name: 'wrong-project',
    condition: stalled('SourceRepositoryNotFound'),
    words: [/acmee\/files/],
  },
  {
    kind: 'ReplicaTask',
    name: 'wrong-type',
    condition: stalled('SourceRepositoryTypeMismatch'),
    words: [/acme\/maven/, /MAVEN/, /GENERIC/],
  },
  {
    kind: 'ReplicaTask',
    name: 'not-local',
    condition: stalled('SourceRepositoryUnsupported'),
    words: [/acme\/proxied/, /REMOTE/],
  },
  {
    kind: 'ReplicaTask',
    name: 'other-type-there',
    condition: stalled('RepositoryTypeMismatch'),
    words: [/good/, /mirror\/images/, /DOCKER/, /GENERIC/],
  },
  {
    kind: 'ReplicaTask',
    name: 'not-created',
    condition: stalled('RemoteRepoMissing'),
    words: [/strict/, /project absent or repository absent/, /automaticCreateRemoteRepo/],
  },
];

for (const { kind, name, condition, words } of CASES) {
  test(`${kind} ${name} is told as ${condition.reason} in a condition, an Event and the log`, async () => {
    const { message } = await site.condition(kind, name, condition.type, condition);
    for (const word of words) assert.match(message, word);
    const told = await site.line(new RegExp(`event kind=${kind} .*name=${name} .*${condition.reason}`));
    assert.match(told, words[0] ?? /$/);
    const reasons = [condition.reason ?? '', 'Stalled', 'RunFailed'];
    await eventually(async () => {
      const events = await Promise.all(reasons.map((reason) => site.events(reason, name)));
      assert.ok(events.flat().length > 0, 'there is an Event');
      return true;
    });
  });
}

test('after all that every fault is cured by its cure, without a restart', async () => {
  await site.apply(
    'cures',
    login('no-secret'),
    login('cured'),
    cluster('nowhere', strict.proxy.url, { credentialsSecretRef: { name: 'cured-login' } }),
  );
  await site.condition('ReplicaTask', 'to-no-secret', 'Synced', { status: 'True' });
  await site.condition('ReplicaTask', 'no-cluster', 'Synced', { status: 'True' });
  assert.deepEqual(await world.differences(strict), []);
  assert.ok(!site.output.includes('not-the-password'), 'a wrong password is a password, too');
});

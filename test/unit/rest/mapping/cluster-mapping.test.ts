import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Cluster } from '../../../../src/api/cluster.gen.ts';
import { clusterInfo } from '../../../../src/rest/mapping/cluster-info.ts';
import { clusterRequest, connectTestRequest } from '../../../../src/rest/mapping/cluster-request.ts';
import { updatedCluster } from '../../../../src/rest/mapping/cluster-update.ts';
import type { ClusterCreateBody, ClusterUpdateBody } from '../../../../src/rest/schemas/cluster-bodies.ts';
import { complaintsOf, dates, FAR, FAR_ID, metadata } from './samples.ts';

const ACCOUNT = 'replication.bkrepo.io/account';

function body(changes: Partial<ClusterCreateBody> = {}): ClusterCreateBody {
  return { name: 'far', url: 'http://127.0.0.1:18090/replication', type: 'STANDALONE', ...changes };
}

function update(changes: Partial<ClusterUpdateBody> = {}): ClusterUpdateBody {
  return { name: 'far', url: 'http://127.0.0.1:18090/replication', type: 'STANDALONE', ...changes };
}

const refusals: readonly (readonly [string, Partial<ClusterCreateBody>, ...string[]])[] = [
  ['name empty', { name: '' }, 'parameterEmpty name'],
  ['name of one letter', { name: 'x' }, 'parameterInvalid name'],
  ['url of ftp', { url: 'ftp://x/y' }, 'parameterInvalid url'],
  ['url empty', { url: ' ' }, 'parameterEmpty url'],
  ['url with blanks', { url: 'http://a b/c' }, 'parameterInvalid url'],
  ['url with a password', { url: 'http://me:secret@host/replication' }, 'parameterInvalid url'],
  ['url with a query', { url: 'http://host/replication?token=secret' }, 'parameterInvalid url'],
  ['url without host', { url: 'http://' }, 'parameterInvalid url'],
  [
    'signed requests',
    { appId: 'a', accessKey: 'b', secretKey: 'c' },
    ...['appId', 'accessKey', 'secretKey'].map((field) => `parameterInvalid ${field}`),
  ],
  ['UDP', { udpPort: 1 }, 'parameterInvalid udpPort'],
  ['reports', { detectType: 'REPORT' }, 'parameterInvalid detectType'],
  ['password without user', { password: 'p' }, 'parameterMissing username'],
  ['user without password', { username: 'admin' }, 'parameterMissing password'],
  ['user with a colon', { username: 'a:b', password: 'p' }, 'parameterInvalid username'],
  ['name and url', { name: '', url: '' }, 'parameterEmpty name', 'parameterEmpty url'],
];
for (const [what, changes, ...expected] of refusals) {
  test(`A new cluster is refused: ${what}`, () => {
    assert.deepEqual(
      complaintsOf(() => clusterRequest(body(changes))),
      expected,
    );
  });
}

test('A refusal does not repeat what may be secret', () => {
  const secrets: Partial<ClusterCreateBody> = {
    url: 'http://me:hidden@h/?hidden',
    username: 'a:hidden',
    password: 'hid\nden',
    secretKey: 'hidden',
  };
  assert.throws(
    () => clusterRequest(body(secrets)),
    (error: unknown) => !/hid/.test(JSON.stringify(error) + String(error)),
  );
});

for (const [written, stored] of [
  ['127.0.0.1:18090/replication', 'http://127.0.0.1:18090/replication'],
  ['  HTTPS://a.b/replication ', 'https://a.b/replication'],
  ['http://127.0.0.1:18090', 'http://127.0.0.1:18090'],
] as const) {
  test(`The url ${JSON.stringify(written)} is stored as ${stored}`, () => {
    assert.equal(clusterRequest(body({ url: written })).spec.url, stored);
  });
}

test('A password goes into the credentials only', () => {
  const request = clusterRequest(body({ name: 'Far Side', username: 'admin', password: 'secret', ping: false }));
  assert.deepEqual(request.credentials, { username: 'admin', password: 'secret' });
  assert.deepEqual(request.annotations, { [ACCOUNT]: 'admin' });
  assert.match(request.spec.credentialsSecretRef?.name ?? '', /^far-side-[0-9a-f]{12}-credentials$/);
  assert.equal(request.ping, false);
  assert.doesNotMatch(JSON.stringify([request.spec, request.annotations]), /secret"/);
});

test('Without a password there is no Secret, and an empty certificate is none', () => {
  const { spec, credentials, annotations, ping } = clusterRequest(
    body({ username: '', password: '', certificate: '', detectType: 'PING', appId: '' }),
  );
  const { name, url, type } = body();
  assert.deepEqual(
    { spec, credentials, annotations, ping },
    { spec: { name, type, url }, credentials: undefined, annotations: undefined, ping: true },
  );
});

test('A far side that is only tested needs a url', () => {
  assert.deepEqual(
    complaintsOf(() => connectTestRequest({ name: '', url: null })),
    ['parameterEmpty url'],
  );
  assert.equal(connectTestRequest({ url: 'bkrepo.com/replication' }).spec.url, 'http://bkrepo.com/replication');
});

const OWN: Cluster = {
  ...FAR,
  metadata: metadata('far', { annotations: { [ACCOUNT]: 'admin' } }),
  spec: {
    ...FAR.spec,
    credentialsSecretRef: { name: 'far-credentials' },
    caSecretRef: { name: 'ca', key: 'ca.crt' },
    probeInterval: '5m',
  },
};

test('An update keeps what REST does not know, and a password that it does not say', () => {
  for (const account of [{}, { username: 'admin' }, { username: null, password: '' }]) {
    const { spec, credentials, annotations } = updatedCluster(
      update({ ...account, url: 'h/replication', type: 'EDGE' }),
      OWN,
    );
    assert.deepEqual(spec, { ...OWN.spec, url: 'http://h/replication', type: 'EDGE' });
    assert.deepEqual([credentials, annotations], [undefined, undefined]);
  }
});

test('An update changes the password of the account, or the account', () => {
  assert.deepEqual(updatedCluster(update({ password: 'new' }), OWN).credentials, {
    username: 'admin',
    password: 'new',
  });
  const { credentials, annotations } = updatedCluster(update({ username: 'other', password: 'new' }), OWN);
  assert.deepEqual([credentials, annotations], [{ username: 'other', password: 'new' }, { [ACCOUNT]: 'other' }]);
});

test('An update with an empty account takes the credentials away', () => {
  const { spec, annotations } = updatedCluster(update({ username: '', password: '' }), OWN);
  assert.deepEqual([spec.credentialsSecretRef, annotations], [undefined, { [ACCOUNT]: null }]);
});

test('A certificate takes the place of the one that is named elsewhere', () => {
  const { spec } = updatedCluster(update({ certificate: 'PEM' }), OWN);
  assert.deepEqual([spec.certificate, spec.caSecretRef], ['PEM', undefined]);
  const certified = { ...FAR, spec: { ...FAR.spec, certificate: 'PEM' } };
  assert.equal(updatedCluster(update(), certified).spec.certificate, undefined);
});

for (const [what, changes, cluster, ...expected] of [
  ['no url', { url: null }, OWN, 'parameterMissing url'],
  ['another account without its password', { username: 'other' }, OWN, 'parameterMissing password'],
  ['a password of nobody', { password: 'p' }, FAR, 'parameterMissing username'],
  ['signed requests', { appId: 'a' }, FAR, 'parameterInvalid appId'],
] as const) {
  test(`An update is refused: ${what}`, () => {
    assert.deepEqual(
      complaintsOf(() => updatedCluster(update(changes), cluster)),
      expected,
    );
  });
}

test('A cluster reads as at bk-repo, and never shows a password', () => {
  const shown = clusterInfo({ ...OWN, status: { ...OWN.status, health: 'HEALTHY', errorReason: 'old' } }, dates);
  assert.deepEqual(shown, {
    id: FAR_ID,
    name: 'far',
    status: 'HEALTHY',
    errorReason: null,
    type: 'STANDALONE',
    url: 'http://127.0.0.1:18090/replication',
    username: 'admin',
    certificate: null,
    appId: null,
    accessKey: null,
    udpPort: null,
    createdBy: 'system',
    extension: null,
    createdDate: '2026-11-22T14:29:23',
    lastModifiedBy: 'system',
    lastModifiedDate: '2026-11-22T14:29:23',
    detectType: 'PING',
    lastReportTime: null,
  });
});

test('The account is not shown for a Secret that is not of REST', () => {
  const spec = { ...OWN.spec, credentialsSecretRef: { name: 'somebody-else' } };
  assert.equal(clusterInfo({ ...OWN, spec }, dates).username, null);
});

test('A cluster that was not probed yet is unhealthy, and says so', () => {
  const { status, errorReason, username } = clusterInfo(FAR, dates);
  assert.deepEqual([status, errorReason, username], ['UNHEALTHY', 'not probed yet', null]);
  const told = clusterInfo(
    { ...FAR, status: { observedGeneration: 1, health: 'UNHEALTHY', errorReason: 'refused' } },
    dates,
  );
  assert.equal(told.errorReason, 'refused');
});

test('Who changed a cluster last is the person by REST, else the tool', () => {
  const annotations = {
    'replication.bkrepo.io/created-by': 'ann',
    'replication.bkrepo.io/modified-by': 'bob',
    'replication.bkrepo.io/legacy-id': '609a57ddba727966d138c51e',
  };
  const edited = (manager: string): Cluster => ({
    ...FAR,
    metadata: metadata('far', { annotations, lastEdit: { manager, time: '2026-11-22T07:00:00.5Z' } }),
  });
  const byRest = clusterInfo(edited('bkrepo-replicator-rest'), dates);
  assert.deepEqual(
    [byRest.id, byRest.createdBy, byRest.lastModifiedBy, byRest.lastModifiedDate],
    ['609a57ddba727966d138c51e', 'ann', 'bob', '2026-11-22T15:00:00.5'],
  );
  assert.equal(clusterInfo(edited('kubectl'), dates).lastModifiedBy, 'kubectl');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { admitted } from '../../../../src/rest/mapping/admission.ts';
import { clusterInfo } from '../../../../src/rest/mapping/cluster-info.ts';
import { clusterRequest } from '../../../../src/rest/mapping/cluster-request.ts';
import { updatedCluster } from '../../../../src/rest/mapping/cluster-update.ts';
import { resourceName } from '../../../../src/rest/mapping/resource-name.ts';
import { CLUSTER_CREATE_BODY } from '../../../../src/rest/schemas/cluster-body-schemas.ts';
import { validatorCompiler } from '../../../../src/rest/server/validation.ts';
import { clusterBody, generated } from './generated.ts';
import { admit, dates, FAR, given, metadata } from './samples.ts';

const { holds } = generated('round trip of cluster bodies');
const checkCluster = validatorCompiler()(CLUSTER_CREATE_BODY, 'body');

test('A valid cluster is admitted, its answer says what it said but the password, and sent back changes nothing', () => {
  holds(
    300,
    fc.property(clusterBody, (body) => {
      assert.equal(checkCluster(body), true);
      const request = clusterRequest(body);
      const key = { namespace: 'default', name: resourceName(body.name) };
      const spec = admitted(admit, 'Cluster', key, request.spec);
      const { account } = { account: body.username };
      const annotations = account == null ? {} : { 'replication.bkrepo.io/account': account };
      const cluster = { ...FAR, metadata: metadata(key.name, { annotations }), spec };
      const info = clusterInfo(cluster, dates);
      const { password, certificate, ...shown } = body;
      assert.partialDeepStrictEqual(info, given(shown));
      assert.equal(info.certificate ?? '', certificate ?? '');
      assert.equal('password' in info, false);
      assert.deepEqual(request.credentials, password == null ? undefined : { username: account, password });
      assert.deepEqual(admitted(admit, 'Cluster', key, updatedCluster(info as never, cluster).spec), spec);
    }),
  );
});

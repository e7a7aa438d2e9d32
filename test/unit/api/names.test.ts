import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { clusterId, taskKey } from '../../../src/api/names.ts';

test('ids are the first 32 hex digits of the sha256 of group, kind, namespace and name', () => {
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
  assert.equal(clusterId('default', 'shanghai'), digest('replication.bkrepo.io/Cluster/default/shanghai'));
  assert.equal(taskKey('default', 'tools'), digest('replication.bkrepo.io/ReplicaTask/default/tools'));
  assert.equal(clusterId('default', 'shanghai'), '91ed2dcd8681cf49dbb3dabd4b56b625');
});

test('a cluster and a task of one name, and objects of two namespaces, have different ids', () => {
  const ids = [clusterId('a', 'x'), taskKey('a', 'x'), clusterId('b', 'x'), taskKey('b', 'x')];
  assert.equal(new Set(ids).size, ids.length);
});

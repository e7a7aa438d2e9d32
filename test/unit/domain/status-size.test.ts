import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterId } from '../../../src/api/names.ts';
import { resolveReferences } from '../../../src/domain/references.ts';
import { runResult } from '../../../src/domain/run-verdict.ts';
import { taskStatus } from '../../../src/domain/task-status.ts';
import { sampleCluster, sampleRecord, sampleTask } from './task-samples.ts';

/** etcd takes 1.5 MiB at most; an object of a sixth of it is read and watched without a thought. */
const MOST_BYTES = 256 * 1024;
const MOST_CLUSTERS = 64;
const NOW = new Date('2026-11-22T13:00:00Z');
const HUGE = 'x'.repeat(4_096);

test('the largest task that failed in every way, again and again, has a status far below what etcd takes', () => {
  const names = Array.from({ length: MOST_CLUSTERS }, (_, index) => `cluster-${index}-${'n'.repeat(50)}`);
  const tally = {
    success: 10 ** 9,
    unchanged: 10 ** 9,
    conflict: 10 ** 9,
    failed: 10 ** 9,
    notTried: 10 ** 9,
    quarantined: 10 ** 9,
    totalBytes: 10 ** 15,
    sentBytes: 10 ** 15,
  };
  const farSides = names.map((clusterName) => ({
    clusterId: clusterId('default', clusterName),
    clusterName,
    tally,
    error: { reason: 'FarSideUnavailable', message: HUGE },
    examples: Array.from({ length: 5 }, (_, index) => ({
      unit: `0:/${'deep/'.repeat(200)}${index}`,
      reason: 'BlobMissing',
      message: HUGE,
    })),
  }));
  const run = { trigger: 'request', claim: `request:${'v'.repeat(128)}`, farSides, errorReason: HUGE };
  const records = [
    sampleRecord({ ...run, id: 'open', status: 'RUNNING' }),
    ...Array.from({ length: 50 }, (_, index) =>
      sampleRecord({ ...run, id: `r${index}`, status: runResult(farSides), endTime: NOW }),
    ),
  ];
  const [open] = records;
  assert.ok(open);
  let task = sampleTask({ remoteClusterIds: names });
  for (let round = 0; round < 2; round += 1) {
    const status = taskStatus(
      {
        task,
        installationId: 'test',
        specHash: 'hash',
        enabled: true,
        verdict: { kind: 'missing', reason: 'ClusterNotFound', message: HUGE },
        references: resolveReferences(
          names,
          names.map((name) => sampleCluster(name)),
        ),
        records,
        active: { record: open, progress: farSides.map((side) => ({ ...side, payloadBytes: 10 ** 15 })) },
        handled: { lastHandledRunRequest: 'v'.repeat(256), lastHandledCancelRequest: 'v'.repeat(256) },
        schedule: { text: 'Once', times: undefined, next: undefined },
        annotateHint: 'kubectl',
      },
      NOW,
    );
    const bytes = Buffer.byteLength(JSON.stringify(status));
    assert.ok(bytes < MOST_BYTES, `${bytes} bytes in round ${round}`);
    assert.equal(status.remoteClusters?.length, MOST_CLUSTERS);
    assert.equal(status.history?.length, 10);
    task = { ...task, status };
  }
});

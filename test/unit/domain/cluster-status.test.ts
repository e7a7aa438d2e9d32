import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterStatus } from '../../../src/api/cluster.gen.ts';
import { clusterId } from '../../../src/api/names.ts';
import { clusterStatus, equal } from '../../../src/domain/cluster-status.ts';
import type { ReadyFact, Trouble } from '../../../src/domain/summary.ts';
import { sampleCluster } from './task-samples.ts';

const START = Date.parse('2026-11-22T12:00:00Z');
const well: ReadyFact = { reason: 'Healthy', message: 'answers' };
const down: Trouble = { kind: 'failing', reason: 'FarSideUnreachable', message: 'connect ECONNREFUSED' };

function probed(before: ClusterStatus | undefined, seconds: number, latencyMs: number | undefined): ClusterStatus {
  const cluster = sampleCluster('east');
  const at = new Date(START + seconds * 1_000);
  const facts = {
    cluster: before === undefined ? cluster : { ...cluster, status: before },
    installationId: 'test',
    verdict: latencyMs === undefined ? down : well,
    probe: latencyMs === undefined ? { at } : { at, answer: { version: '1.0.0', latencyMs } },
  };
  return clusterStatus(facts, at);
}

test('a far side that answers is HEALTHY, with id, version and latency', () => {
  const { conditions, ...status } = probed(undefined, 0, 12.4);
  assert.deepEqual(status, {
    id: clusterId('default', 'east'),
    health: 'HEALTHY',
    version: '1.0.0',
    latency: 12,
    lastProbeTime: '2026-11-22T12:00:00Z',
    servedBy: 'test',
    observedGeneration: 1,
  });
  assert.deepEqual(
    conditions?.map(({ type, status: value, reason }) => [type, value, reason]),
    [['Ready', 'True', 'Healthy']],
  );
});

test('a steady far side is written at most every ten minutes', () => {
  const first = probed(undefined, 0, 10);
  assert.ok(equal(probed(first, 599, 99), first), 'nothing moves');
  const later = probed(first, 600, 99);
  assert.equal(later.latency, 99);
  assert.equal(later.lastProbeTime, '2026-11-22T12:10:00Z');
});

test('a transition is written at once, with its time and reason', () => {
  const first = probed(undefined, 0, 10);
  const broken = probed(first, 5, undefined);
  assert.equal(broken.health, 'UNHEALTHY');
  assert.equal(broken.errorReason, 'connect ECONNREFUSED');
  assert.equal(broken.lastProbeTime, '2026-11-22T12:00:05Z');
  const healed = probed(broken, 9, 10);
  assert.equal(healed.errorReason, undefined);
  assert.equal(healed.lastProbeTime, '2026-11-22T12:00:09Z');
});

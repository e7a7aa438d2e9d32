/** What generated requests meet: a REST server over resources in memory and a real journal with runs. */
import { clusterId, taskKey } from '../../../src/api/names.ts';
import type { ResourceKind } from '../../../src/resources/store.ts';
import { begin, closeAll, detail, never, open, outcome } from '../../integration/journal/samples.ts';
import {
  CLUSTER_SPEC,
  noAnswer,
  ONE,
  type RestWorld,
  restWorld,
  TWO,
  taskSpec,
} from '../../unit/rest/routes/rest-world.ts';
import { startMongod } from '../mongod.ts';
import { type FuzzResult, fuzzRest } from './run.ts';

const CLUSTERS = ['far', 'shanghai', 'owned'];
const TASKS = ['nightly', 'manual', 'run', 'kept'];
const ARGO = { tool: 'ArgoCD', application: 'shop', where: 'its Git repository' } as const;

export interface FuzzRestOptions {
  readonly seed: number;
  readonly cases: number;
  readonly report: (line: string) => void;
}

export async function fuzzRestOverResources({ seed, cases, report }: FuzzRestOptions): Promise<FuzzResult> {
  const mongod = await startMongod();
  try {
    const journal = await open(mongod.uri);
    const world = restWorld({ records: journal });
    world.down.set('down', noAnswer());
    const key = taskKey(ONE, 'run');
    fill(world);
    const taskUid = world.resources.get('ReplicaTask', { namespace: ONE, name: 'run' })?.metadata.uid ?? '';
    const record = await begin(journal, { taskKey: key, taskUid, namespace: ONE, name: 'run', claim: 'request:1' });
    await journal.runJournal(record).writeDetails([detail('a.txt'), detail('b.txt', { status: 'CONFLICT' })], never);
    await journal.finishRun(record, { status: 'SUCCESS', farSides: [outcome()] }, never);
    const words = [
      ...CLUSTERS,
      ...TASKS,
      ...CLUSTERS.map((name) => clusterId(ONE, name)),
      ...TASKS.map((name) => taskKey(ONE, name)),
      record.id,
      'p1',
      'two-a',
      'http://far.test/replication',
      'http://down.test/replication',
    ];
    const refresh = (): void => fill(world);
    const result = await fuzzRest(world.app, { seed, cases, words, refresh, report });
    await world.app.close();
    return result;
  } finally {
    await closeAll();
    await mongod.stop();
  }
}

function fill(world: RestWorld): void {
  const { resources } = world;
  const wanted: Readonly<Record<ResourceKind, readonly string[]>> = { Cluster: CLUSTERS, ReplicaTask: TASKS };
  for (const kind of ['ReplicaTask', 'Cluster'] as const)
    for (const { metadata } of resources.list(kind))
      if (metadata.namespace === TWO || !wanted[kind].includes(metadata.name)) resources.forget(kind, metadata);
  for (const name of CLUSTERS)
    resources.apply('Cluster', {
      namespace: ONE,
      name,
      spec: CLUSTER_SPEC,
      ...(name === 'owned' ? { owner: ARGO } : {}),
    });
  for (const name of TASKS)
    resources.apply('ReplicaTask', {
      namespace: ONE,
      name,
      spec: taskSpec(),
      ...(name === 'kept' ? { owner: ARGO } : {}),
    });
  world.pings.length = 0;
  world.asked.length = 0;
  world.audit.length = 0;
}

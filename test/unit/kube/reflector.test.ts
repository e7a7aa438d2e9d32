import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';

import type { KubeObject } from '../../../src/kube/object.ts';
import { type Change, Reflector } from '../../../src/kube/reflector.ts';
import { ResourceClient } from '../../../src/kube/resource-client.ts';
import { Transport } from '../../../src/kube/transport.ts';
import { type Clock, systemClock } from '../../../src/lib/clock.ts';
import { type LogFields, type Logger, silentLogger } from '../../../src/telemetry/logger.ts';
import { eventually } from '../../support/wait.ts';
import { answerJson, type ScriptedApi, type Seen, startScriptedApi, status } from './scripted-api.ts';

interface Widget extends KubeObject {
  readonly spec?: { readonly n: number };
}

function widget(
  name: string,
  resourceVersion: number,
  more: { uid?: string; namespace?: string; n?: number } = {},
): Widget {
  return {
    metadata: {
      name,
      namespace: more.namespace ?? 'ns',
      uid: more.uid ?? `uid-${name}`,
      resourceVersion: String(resourceVersion),
      managedFields: [{ manager: 'kubectl' }],
    },
    spec: { n: more.n ?? resourceVersion },
  };
}

function list(response: ServerResponse, resourceVersion: number, ...items: Widget[]): void {
  answerJson(response, 200, { metadata: { resourceVersion: String(resourceVersion) }, items });
}

function send(response: ServerResponse, type: string, object: unknown): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' });
  response.write(`${JSON.stringify({ type, object })}\n`);
}

/** One answer after the other; the last one stays. */
type Step = (response: ServerResponse, seen: Seen) => void;

interface Rig {
  readonly api: ScriptedApi;
  readonly reflector: Reflector<Widget>;
  /** `added a@1`, … as handlers were told. */
  readonly told: string[];
  readonly slept: number[];
  readonly stop: AbortController;
  readonly running: Promise<void>;
  /** Which requests came: `list`, `watch@5`. */
  readonly requests: () => string[];
}

interface RigOptions {
  readonly lists: Step[];
  readonly watches: Step[];
  readonly namespaces?: readonly string[];
  readonly relistIntervalMs?: number;
  readonly filter?: (object: Widget) => boolean;
  readonly logger?: Logger;
}

function open(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
}

async function start(t: TestContext, options: RigOptions): Promise<Rig> {
  const lists = [...options.lists];
  const watches = [...options.watches];
  const next = (steps: Step[]): Step | undefined => (steps.length > 1 ? steps.shift() : steps[0]);
  const api = await startScriptedApi((seen, response) => {
    const step = next(seen.query.get('watch') === 'true' ? watches : lists);
    step?.(response, seen);
  });
  const slept: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) => {
      slept.push(ms);
      return systemClock.sleep(Math.min(ms, 5), signal);
    },
  };
  const transport = new Transport({ load: api.load });
  const client = new ResourceClient<Widget>(transport, {
    group: 'test.example',
    version: 'v1',
    plural: 'widgets',
    kind: 'Widget',
  });
  const reflector = new Reflector<Widget>({
    client,
    namespaces: options.namespaces ?? ['ns'],
    clock,
    random: () => 0.5,
    logger: options.logger ?? silentLogger,
    ...(options.relistIntervalMs === undefined ? {} : { relistIntervalMs: options.relistIntervalMs }),
    ...(options.filter === undefined ? {} : { filter: options.filter }),
  });
  const told: string[] = [];
  reflector.subscribe((change: Change<Widget>) => {
    const { name, resourceVersion } = change.object.metadata;
    told.push(`${change.type} ${name}@${resourceVersion}`);
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);
  t.after(async () => {
    stop.abort();
    await running;
    await transport.close();
    await api.close();
  });
  const requests = (): string[] =>
    api.seen.map(({ query }) => (query.get('watch') ? `watch@${query.get('resourceVersion')}` : 'list'));
  return { api, reflector, told, slept, stop, running, requests };
}

test('lists, then watches from the version of the list, with bookmarks and a bounded time; the copy is ready before handlers are told', async (t) => {
  const seenByHandler: unknown[] = [];
  const rig = await start(t, {
    lists: [(response) => list(response, 10, widget('a', 3), widget('b', 7))],
    watches: [
      (response) => {
        send(response, 'MODIFIED', widget('a', 11));
        send(response, 'DELETED', widget('b', 12));
        send(response, 'ADDED', widget('c', 13));
        send(response, 'BOOKMARK', { metadata: { resourceVersion: '20' } });
      },
      open,
    ],
  });
  rig.reflector.subscribe((change) => seenByHandler.push([change.type, rig.reflector.list().length]));
  await rig.reflector.waitForSync(AbortSignal.timeout(5_000));
  assert.equal(rig.reflector.hasSynced(), true);
  await eventually(() => rig.told.length === 5);
  assert.deepEqual(rig.told, ['added a@3', 'added b@7', 'updated a@11', 'deleted b@7', 'added c@13']);
  assert.deepEqual(seenByHandler, [
    ['added', 2],
    ['added', 2],
    ['updated', 2],
    ['deleted', 1],
    ['added', 2],
  ]);
  assert.equal(rig.reflector.get('ns', 'a')?.spec?.n, 11);
  assert.equal(rig.reflector.get('ns', 'b'), undefined);
  assert.deepEqual(rig.reflector.list('other'), []);
  assert.ok(rig.reflector.list().every(({ metadata }) => metadata.managedFields === undefined));
  const watch = rig.api.seen.find(({ query }) => query.get('watch') === 'true');
  assert.equal(watch?.query.get('allowWatchBookmarks'), 'true');
  assert.equal(watch?.query.get('resourceVersion'), '10');
  assert.equal(watch?.query.get('timeoutSeconds'), '360');
  assert.equal(watch?.path, '/apis/test.example/v1/namespaces/ns/widgets');
  rig.api.resetAll();
  await eventually(() => rig.requests().includes('watch@20'));
  assert.equal(rig.requests().filter((request) => request === 'list').length, 1, 'a reset costs no list');
});

test('a 410 as an answer or as an event lists again at once, and only what differs is told', async (t) => {
  const expired = status(410, 'Expired', 'too old resource version: 10 (99)');
  const rig = await start(t, {
    lists: [
      (response) => list(response, 10, widget('a', 1), widget('b', 2), widget('c', 3)),
      (response) => list(response, 100, widget('a', 1), widget('b', 50), widget('c', 60, { uid: 'new' })),
      (response) => list(response, 200, widget('a', 1), widget('d', 150)),
    ],
    watches: [
      (response) => answerJson(response, 410, expired),
      (response) => {
        send(response, 'ERROR', expired);
        response.end();
      },
      open,
    ],
  });
  await eventually(() => rig.requests().includes('watch@200'));
  assert.deepEqual(rig.told.slice(0, 6), [
    'added a@1',
    'added b@2',
    'added c@3',
    'updated b@50',
    'deleted c@3',
    'added c@60',
  ]);
  assert.deepEqual(rig.told.slice(6), ['deleted b@50', 'deleted c@60', 'added d@150']);
  assert.deepEqual(rig.slept, [1_200], 'the first 410 does not wait, a second on its heels does');
});

test('resets, 500, 429 and broken streams are retried with growing waits, no sooner than Retry-After', async (t) => {
  const rig = await start(t, {
    lists: [
      (response) => response.socket?.resetAndDestroy(),
      (response) => answerJson(response, 500, status(500, 'InternalError', 'x')),
      (response) =>
        answerJson(response, 429, status(429, 'TooManyRequests', 'storage is (re)initializing'), {
          'retry-after': '90',
        }),
      (response) => answerJson(response, 403, status(403, 'Forbidden', 'binding not there yet')),
      (response) => list(response, 10, widget('a', 1)),
    ],
    watches: [
      (response) => {
        send(response, 'MODIFIED', widget('a', 11));
        response.write('{"type":"MODIFIED","object":{"metad', () => response.socket?.destroySoon());
      },
      (response) => {
        send(response, 'ERROR', status(500, 'InternalError', 'etcd lost its leader'));
        response.end();
      },
      open,
    ],
  });
  await eventually(() => rig.requests().filter((request) => request === 'watch@11').length === 2);
  // base 800 doubling, jitter 1.0 with random 0.5 = ×1.5
  assert.deepEqual(rig.slept.slice(0, 4), [1_200, 2_400, 90_000, 9_600]);
  assert.deepEqual(rig.slept.slice(4, 6), [1_200, 2_400], 'an event began the back-off anew');
  assert.deepEqual(rig.told, ['added a@1', 'updated a@11']);
});

test('the wait is capped at 30 s before its jitter', async (t) => {
  const rig = await start(t, {
    lists: [(response) => answerJson(response, 503, status(503, 'ServiceUnavailable', 'x'))],
    watches: [open],
  });
  await eventually(() => rig.slept.length >= 10);
  assert.equal(Math.max(...rig.slept), 45_000);
  assert.equal(rig.reflector.hasSynced(), false);
});

test('a watch that ends at once without a word is not repeated in a busy loop', async (t) => {
  const rig = await start(t, {
    lists: [(response) => list(response, 10)],
    watches: [
      (response) => {
        open(response);
        response.end();
      },
    ],
  });
  await eventually(() => rig.slept.length >= 4);
  assert.deepEqual(rig.slept.slice(0, 4), [1_200, 2_400, 4_800, 9_600]);
});

test('after the re-list interval everything is listed again, and what a silent watch missed is told', async (t) => {
  const rig = await start(t, {
    relistIntervalMs: 50,
    lists: [
      (response) => list(response, 10, widget('a', 1)),
      (response) => list(response, 5, widget('a', 1), widget('restored', 2)),
    ],
    watches: [(response) => void setTimeout(() => (open(response), response.end()), 1_100)],
  });
  await eventually(() => rig.told.includes('added restored@2'));
  assert.deepEqual(rig.told, ['added a@1', 'added restored@2']);
});

test('several namespaces are followed side by side; each is synced before the whole is', async (t) => {
  let release: () => void = () => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const rig = await start(t, {
    namespaces: ['one', 'two', 'one'],
    lists: [
      async (response, seen) => {
        const namespace = seen.path.split('/')[5] ?? '';
        if (namespace === 'two') await gate;
        list(response, 10, widget('same', 1, { namespace, uid: `uid-${namespace}` }));
      },
    ],
    watches: [open],
  });
  await eventually(() => rig.told.length === 1);
  assert.equal(rig.reflector.hasSynced(), false);
  await assert.rejects(rig.reflector.waitForSync(AbortSignal.abort(new Error('stopping'))), /stopping/);
  release();
  await rig.reflector.waitForSync(AbortSignal.timeout(5_000));
  assert.deepEqual(
    [rig.reflector.get('one', 'same')?.metadata.uid, rig.reflector.get('two', 'same')?.metadata.uid],
    ['uid-one', 'uid-two'],
  );
  assert.equal(rig.reflector.list('two').length, 1);
  assert.equal(rig.reflector.list('two')[0]?.metadata.managedFields, undefined);
});

test('no namespaces means one watch of the whole cluster', async (t) => {
  const rig = await start(t, { namespaces: [], lists: [(response) => list(response, 1)], watches: [open] });
  await eventually(() => rig.requests().includes('watch@1'));
  assert.ok(rig.api.seen.every(({ path }) => path === '/apis/test.example/v1/widgets'));
});

test('objects outside the filter are neither kept nor told, and leaving it is a deletion', async (t) => {
  const rig = await start(t, {
    filter: ({ spec }) => (spec?.n ?? 0) < 100,
    lists: [(response) => list(response, 10, widget('a', 1), widget('b', 2, { n: 500 }))],
    watches: [
      (response) => {
        send(response, 'MODIFIED', widget('a', 11, { n: 500 }));
        send(response, 'MODIFIED', widget('b', 12, { n: 5 }));
      },
      open,
    ],
  });
  await eventually(() => rig.told.length === 3);
  assert.deepEqual(rig.told, ['added a@1', 'deleted a@1', 'added b@12']);
});

test('the late delete of an earlier object of the same name does not take away the present one', async (t) => {
  const rig = await start(t, {
    lists: [(response) => list(response, 10, widget('a', 5, { uid: 'second' }))],
    watches: [
      (response) => {
        send(response, 'DELETED', widget('a', 11, { uid: 'first' }));
        send(response, 'MODIFIED', widget('a', 12, { uid: 'second' }));
        send(response, 'MODIFIED', widget('a', 13, { uid: 'third' }));
      },
      open,
    ],
  });
  await eventually(() => rig.told.length === 4);
  assert.deepEqual(rig.told, ['added a@5', 'updated a@12', 'deleted a@12', 'added a@13']);
});

test('a handler that throws is logged, and neither other handlers nor the watch suffer', async (t) => {
  const logged: { msg: string; fields: LogFields | undefined }[] = [];
  const logger: Logger = { ...silentLogger, error: (msg, fields) => logged.push({ msg, fields }) };
  const rig = await start(t, {
    logger,
    lists: [(response) => list(response, 10, widget('a', 1))],
    watches: [(response) => send(response, 'MODIFIED', widget('a', 11))],
  });
  const off = rig.reflector.subscribe(() => {
    throw new Error('defect in a handler');
  });
  await eventually(() => rig.told.includes('updated a@11'));
  assert.equal(logged.length, 2);
  assert.equal(logged[0]?.fields?.['name'], 'a');
  off();
  const late: string[] = [];
  rig.reflector.subscribe(({ type, object }) => late.push(`${type} ${object.metadata.name}`));
  assert.deepEqual(late, ['added a'], 'who comes late is told what is there');
});

test('a stop ends lists, watches and waits, and nothing is asked afterwards', async (t) => {
  const rig = await start(t, { lists: [(response) => list(response, 10)], watches: [open] });
  await eventually(() => rig.requests().includes('watch@10'));
  rig.stop.abort();
  await rig.running;
  const before = rig.api.seen.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(rig.api.seen.length, before);
});

/** What the editor does at a real API server; one of those that stores' tests have started. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';

import { ReplicationError } from '../../../src/domain/errors.ts';
import { kubeConfigLoader } from '../../../src/kube/config.ts';
import { Transport } from '../../../src/kube/transport.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { CONTROLLER_MANAGER, credentialsSecretName, type ResourceEditor } from '../../../src/resources/editor.ts';
import { createKubernetesEditor } from '../../../src/resources/kubernetes-editor.ts';
import { createKubernetesStore, type KubernetesStore } from '../../../src/resources/kubernetes-store.ts';
import type { Kubernetes } from '../../support/kubernetes.ts';
import { eventually } from '../../support/wait.ts';
import { never, recordingLogger } from './directory-samples.ts';

const URL = 'http://127.0.0.1:1/replication';
const namespace = 'default';
const task = (name: string) => ({
  apiVersion: 'replication.bkrepo.io/v1alpha1',
  kind: 'ReplicaTask',
  metadata: { name, namespace },
  spec: {
    localProjectId: 'tools',
    replicaTaskObjects: [{ localRepoName: 'generic', repoType: 'GENERIC' }],
    remoteClusterIds: ['edge'],
    setting: { executionPlan: { cronExpression: '0 3 * * *' } },
  },
});

export function editorCases(started: () => Kubernetes): void {
  describe('the editor over a real API server', () => {
    const stop = new AbortController();
    let transport: Transport;
    let store: KubernetesStore;
    let editor: ResourceEditor;
    let running: Promise<void>;

    const kubectl = (...args: string[]): Promise<string> => started().kubectl(args);
    const serverSide = (manifest: object, manager: string): Promise<string> =>
      started().kubectl(['apply', '--server-side', `--field-manager=${manager}`, '-f', '-'], {
        input: JSON.stringify(manifest),
      });
    const cluster = async (name: string, more: object = {}) => {
      const outcome = await editor.create(
        'Cluster',
        { namespace, name, spec: { type: 'STANDALONE', url: URL }, ...more },
        never,
      );
      assert.equal(outcome.outcome, 'written');
      return outcome.object;
    };

    before(async () => {
      transport = new Transport({ load: kubeConfigLoader({ kubeconfig: started().kubeconfig }) });
      store = createKubernetesStore({
        transport,
        namespaces: [],
        recorder: { event: () => {} },
        clock: systemClock,
        random: Math.random,
        logger: recordingLogger([]),
      });
      editor = createKubernetesEditor({ transport, store, clock: systemClock });
      running = store.run(stop.signal);
      await store.ready(AbortSignal.timeout(30_000));
    });
    after(async () => {
      stop.abort();
      await running;
      await transport.close();
    });

    it('creates with defaults, and answers when the cache has it; the same name again is told', async () => {
      const made = await cluster('made', { annotations: { 'replication.bkrepo.io/created-by': 'alice' } });
      assert.equal(made.spec.probeInterval, '60s');
      const cached = store.get('Cluster', { namespace, name: 'made' });
      assert.equal(cached?.metadata.uid, made.metadata.uid);
      assert.deepEqual(cached?.metadata.lastEdit?.manager, 'bkrepo-replicator-rest');
      const again = await editor.create(
        'Cluster',
        { namespace, name: 'made', spec: { type: 'EDGE', url: URL } },
        never,
      );
      assert.equal(again.outcome, 'exists');
      assert.equal(again.object?.spec.type, 'STANDALONE');
    });

    it('tells every field that the schema refuses', async () => {
      const spec = { type: 'NOPE' as 'EDGE', url: URL, probeInterval: 'soon' };
      const outcome = await editor.create('Cluster', { namespace, name: 'bad', spec }, never);
      assert.equal(outcome.outcome, 'invalid');
      const fields = outcome.errors.map(({ field }) => field);
      assert.ok(fields.includes('spec.type') && fields.includes('spec.probeInterval'), fields.join());
    });

    it('changes the spec of what was read: left-out fields go, and an older version is a conflict', async () => {
      const made = await cluster('changed', { spec: { type: 'EDGE', url: URL, timeZone: 'Asia/Shanghai' } });
      const { timeZone: _gone, ...spec } = made.spec;
      const change = { spec: { ...spec, type: 'STANDALONE' as const }, annotations: { note: 'x' } };
      const outcome = await editor.replaceSpec('Cluster', made, change, never);
      assert.equal(outcome.outcome, 'written');
      assert.equal(outcome.object.metadata.generation, 2);
      assert.equal(outcome.object.spec.timeZone, undefined);
      assert.equal(outcome.object.metadata.annotations?.['note'], 'x');
      assert.equal(store.get('Cluster', { namespace, name: 'changed' })?.metadata.generation, 2, 'the cache has it');
      const stale = await editor.replaceSpec('Cluster', made, { spec: { ...spec, url: `${URL}2` } }, never);
      assert.equal(stale.outcome, 'conflict');
    });

    it('writes annotations beside a spec that stays as it is', async () => {
      const made = await cluster('noted');
      const outcome = await editor.replaceSpec('Cluster', made, { spec: made.spec, annotations: { note: 'y' } }, never);
      assert.equal(outcome.outcome === 'written' && outcome.object.metadata.annotations?.['note'], 'y');
      const later = store.get('Cluster', { namespace, name: 'noted' });
      assert.deepEqual([later?.metadata.annotations?.['note'], later?.metadata.generation], ['y', 1]);
    });

    it('never changes or removes an object that was re-created', async () => {
      const first = await cluster('reborn');
      await kubectl('delete', 'clusters.replication.bkrepo.io', 'reborn');
      const second = await cluster('reborn');
      assert.equal((await editor.annotate('Cluster', first, { note: 'x' }, never)).outcome, 'conflict');
      assert.equal(await editor.remove('Cluster', first, never), 'conflict');
      assert.equal(await editor.remove('Cluster', second, never), 'removed');
      assert.equal(store.get('Cluster', { namespace, name: 'reborn' }), undefined, 'the cache has it');
      assert.equal(await editor.remove('Cluster', second, never), 'gone');
      assert.equal((await editor.annotate('Cluster', second, { note: 'x' }, never)).outcome, 'gone');
      assert.equal(await editor.read('Cluster', { namespace, name: 'reborn' }, never), undefined);
    });

    it('tells requests from edits in who wrote last', async () => {
      const made = await cluster('quiet');
      const outcome = await editor.annotate('Cluster', made, { 'replication.bkrepo.io/x': '1' }, never);
      assert.equal(outcome.outcome, 'written');
      assert.equal(outcome.object.metadata.lastEdit?.manager, 'bkrepo-replicator-rest');
      await kubectl('label', 'clusters.replication.bkrepo.io', 'quiet', 'a=b', `--field-manager=${CONTROLLER_MANAGER}`);
      await kubectl('label', 'clusters.replication.bkrepo.io', 'quiet', 'c=d', '--field-manager=somebody');
      const cached = () => store.get('Cluster', { namespace, name: 'quiet' })?.metadata.lastEdit?.manager;
      await eventually(() => cached() === 'somebody');
    });

    it('leaves objects of another installation alone', async () => {
      await cluster('theirs', { labels: { 'replication.bkrepo.io/instance': 'other' } });
      assert.equal(await editor.read('Cluster', { namespace, name: 'theirs' }, never), undefined);
    });

    it('says which fields a GitOps tool applied, and whose the whole object is', async () => {
      await serverSide(task('synced'), 'argocd-controller');
      const applied = await editor.read('ReplicaTask', { namespace, name: 'synced' }, never);
      assert.equal(applied?.owner, undefined);
      const owned = ['localProjectId', 'remoteClusterIds', 'setting', 'setting.executionPlan.cronExpression'];
      for (const path of owned)
        assert.equal(applied?.ownerOf(['spec', ...path.split('.')])?.tool, 'ArgoCD', `${path} is applied`);
      for (const path of ['enabled', 'description', 'setting.rateLimit'])
        assert.equal(applied?.ownerOf(['spec', ...path.split('.')]), undefined, `${path} has its default`);
      const items = ['spec', 'replicaTaskObjects', 'pathConstraints'];
      assert.equal(applied?.ownerOf(items)?.tool, 'ArgoCD', 'a list that is replaced whole is one field');

      const tracked = task('tracked');
      const id = 'shop:replication.bkrepo.io/ReplicaTask:default/tracked';
      Object.assign(tracked.metadata, { annotations: { 'argocd.argoproj.io/tracking-id': id } });
      await serverSide(tracked, 'kubectl');
      const whole = await editor.read('ReplicaTask', { namespace, name: 'tracked' }, never);
      assert.equal(whole?.owner?.application, 'shop');
      assert.equal(whole?.ownerOf(['spec', 'enabled'])?.where, 'the Git repository of ArgoCD application shop');
    });

    it('takes no field from its owner by an edit of another', async () => {
      await serverSide(task('shared'), 'kustomize-controller');
      const live = await editor.read('ReplicaTask', { namespace, name: 'shared' }, never);
      assert.ok(live);
      const spec = { ...live.object.spec, description: 'words' };
      assert.equal((await editor.replaceSpec('ReplicaTask', live.object, { spec }, never)).outcome, 'written');
      const later = await editor.read('ReplicaTask', { namespace, name: 'shared' }, never);
      assert.equal(later?.ownerOf(['spec', 'localProjectId'])?.tool, 'Flux');
      assert.equal(later?.ownerOf(['spec', 'description']), undefined);
    });

    it('keeps a password in a Secret of the Cluster, and writes over no other Secret', async () => {
      const made = await cluster('locked');
      for (const password of ['first', 'second'])
        await editor.writeCredentials(made, { username: 'bob', password }, never);
      const json = await kubectl('get', 'secret', 'locked-credentials', '-o', 'json');
      const secret = JSON.parse(json) as {
        readonly data: Readonly<Record<string, string>>;
        readonly metadata: { readonly ownerReferences: readonly { readonly uid: string }[] };
      };
      assert.equal(Buffer.from(secret.data['password'] ?? '', 'base64').toString(), 'second');
      assert.equal(secret.metadata.ownerReferences[0]?.uid, made.metadata.uid);

      const foreign = await cluster('foreign');
      await kubectl('create', 'secret', 'generic', 'foreign-credentials', '--from-literal=password=theirs');
      await assert.rejects(
        editor.writeCredentials(foreign, { username: 'bob', password: 'mine-is-secret' }, never),
        (error: unknown) =>
          error instanceof ReplicationError &&
          error.code === 'SecretForeign' &&
          !error.message.includes('mine-is-secret'),
      );
    });

    it('keeps passwords apart of Clusters whose long names begin alike', async () => {
      const label = 'a'.repeat(60);
      const secrets: string[] = [];
      for (const end of ['x', 'y']) {
        const made = await cluster([label, label, label, label, `end-${end}`].join('.'));
        await editor.writeCredentials(made, { username: 'bob', password: end }, never);
        const name = credentialsSecretName(made.metadata.name);
        secrets.push(await kubectl('get', 'secret', name, '-o', 'jsonpath={.data.password}'));
      }
      const first = credentialsSecretName([label, label, label, label, 'end-x'].join('.'));
      const kept = await kubectl('get', 'secret', first, '-o', 'jsonpath={.data.password}');
      assert.deepEqual([...secrets, kept], ['eA==', 'eQ==', 'eA==']);
    });

    it('keeps both changes of two who write at the same time, or tells one of them', async () => {
      const made = await cluster('contended');
      const outcomes = await Promise.all(
        ['A', 'B'].map((name) =>
          editor.replaceSpec('Cluster', made, { spec: { ...made.spec, name: `${name}${name}` } }, never),
        ),
      );
      assert.deepEqual(outcomes.map(({ outcome }) => outcome).sort(), ['conflict', 'written']);
    });
  });
}

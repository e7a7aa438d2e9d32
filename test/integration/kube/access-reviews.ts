/** Questions about callers' tokens and rights to a real API server; part of api-server.test.ts, which has one. */
import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { kubernetesAccessReview } from '../../../src/compose/access-review.ts';
import { kubeConfigLoader } from '../../../src/kube/config.ts';
import { Transport } from '../../../src/kube/transport.ts';
import type { AccessReview } from '../../../src/rest/ports.ts';
import type { Kubernetes } from '../../support/kubernetes.ts';
import { eventually } from '../../support/wait.ts';

const never = new AbortController().signal;
const AUDIENCE = 'bkrepo-replicator';
const NAMESPACE = 'reviews';

export function accessReviews(server: () => Kubernetes): void {
  describe('access reviews', () => {
    let kubernetes: Kubernetes;
    let transport: Transport;
    let review: AccessReview;

    before(async () => {
      kubernetes = server();
      await kubernetes.kubectl(['create', 'namespace', NAMESPACE]);
      for (const name of ['operator', 'caller', 'leaver'])
        await kubernetes.kubectl(['create', 'sa', name, '-n', NAMESPACE]);
      const kubeconfig = await kubernetes.kubeconfigFor({ namespace: NAMESPACE, name: 'operator' });
      transport = new Transport({ load: kubeConfigLoader({ kubeconfig }) });
      review = kubernetesAccessReview(transport);
    });

    after(async () => {
      await transport?.close();
    });

    const token = async (name: string, ...flags: string[]): Promise<string> =>
      (await kubernetes.kubectl(['create', 'token', name, '-n', NAMESPACE, ...flags])).trim();

    const bind = (name: string, role: string, account: string): Promise<string> => {
      const subject = `--serviceaccount=${NAMESPACE}:${account}`;
      return kubernetes.kubectl(['create', 'clusterrolebinding', name, `--clusterrole=${role}`, subject]);
    };

    it('asks nothing without the binding', async () => {
      assert.equal(await review.mayReview(never), false);
      await assert.rejects(review.reviewToken('x', [AUDIENCE], never), { code: 'ApiForbidden' });
      await bind('op-reviews', 'system:auth-delegator', 'operator');
      await eventually(() => review.mayReview(never));
    });

    it('takes a token for its audience only, and until its account is deleted', async () => {
      const own = await token('leaver', `--audience=${AUDIENCE}`);
      const user = await review.reviewToken(own, [AUDIENCE], never);
      assert.equal(user?.username, `system:serviceaccount:${NAMESPACE}:leaver`);
      assert.equal(await review.reviewToken(own, [], never), undefined);
      const server = await token('leaver');
      assert.equal(await review.reviewToken(server, [AUDIENCE], never), undefined);
      assert.notEqual(await review.reviewToken(server, [], never), undefined);
      assert.equal(await review.reviewToken(await token('leaver', '--audience=other'), [AUDIENCE], never), undefined);
      assert.equal(await review.reviewToken('rubbish', [AUDIENCE], never), undefined);
      // The API server itself keeps a yes for ten seconds: this one it has not seen before.
      const unused = await token('leaver', `--audience=${AUDIENCE}`);
      await kubernetes.kubectl(['delete', 'sa', 'leaver', '-n', NAMESPACE]);
      const gone = async (): Promise<boolean> => (await review.reviewToken(unused, [AUDIENCE], never)) === undefined;
      await eventually(gone, { timeoutMs: 20_000 });
    });

    it('takes no token that has expired', async () => {
      const key = createPrivateKey(await readFile(join(dirname(kubernetes.caFile), 'sa.key')));
      const [header = '', body = ''] = (await token('caller', `--audience=${AUDIENCE}`)).split('.');
      const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
      /** As the API server would have made it, with times of our own. */
      const issued = (begins: number, ends: number): string => {
        const times = { iat: begins, nbf: begins, exp: ends };
        const text = `${header}.${Buffer.from(JSON.stringify({ ...claims, ...times })).toString('base64url')}`;
        return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
      };
      const now = Math.floor(Date.now() / 1_000);
      assert.notEqual(await review.reviewToken(issued(now - 600, now + 600), [AUDIENCE], never), undefined);
      assert.equal(await review.reviewToken(issued(now - 7_200, now - 3_600), [AUDIENCE], never), undefined);
    });

    it("knows the caller's rights, per verb, resource, namespace and name, not the operator's", async () => {
      await bind('op-all', 'cluster-admin', 'operator');
      const user = await review.reviewToken(await token('caller', `--audience=${AUDIENCE}`), [AUDIENCE], never);
      assert.ok(user);
      const list = { verb: 'list', resource: 'replicatasks', namespace: NAMESPACE } as const;
      const update = { ...list, verb: 'update', name: 'nightly' } as const;
      assert.equal(await review.reviewAccess(user, list, never), false);
      const apiGroups = ['replication.bkrepo.io'];
      const role = {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'caller', namespace: NAMESPACE },
        rules: [
          { apiGroups, resources: ['replicatasks'], verbs: ['list'] },
          { apiGroups, resources: ['replicatasks'], resourceNames: ['nightly'], verbs: ['update'] },
        ],
      };
      await kubernetes.kubectl(['apply', '-f', '-'], { input: JSON.stringify(role) });
      const binding = ['create', 'rolebinding', 'caller', '-n', NAMESPACE, '--role=caller'];
      await kubernetes.kubectl([...binding, `--serviceaccount=${NAMESPACE}:caller`]);
      await eventually(() => review.reviewAccess(user, list, never));
      assert.equal(await review.reviewAccess(user, update, never), true);
      for (const other of [
        { ...list, verb: 'delete' },
        { ...list, namespace: 'kube-system' },
        { ...list, resource: 'clusters' },
        { ...list, resource: 'secrets' },
        { ...update, name: 'hourly' },
        { ...update, verb: 'delete' },
        { ...list, verb: 'update' },
      ] as const)
        assert.equal(await review.reviewAccess(user, other, never), false, JSON.stringify(other));
    });
  });
}

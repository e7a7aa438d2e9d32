/**
 * The REST API as its callers meet it: curl on one side, kubectl on the other, and the same resources in between; two
 * operators as the shipped ServiceAccount, with what is shipped for REST.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OPERATOR } from './installation.ts';
import { callerTests } from './rest-callers.ts';
import { documentTests } from './rest-documents.ts';
import { RestInstallation } from './rest-installation.ts';
import { togetherTests } from './rest-together.ts';
import { grantsOf, requestsOf, uncovered, unused } from './rights.ts';

/** Every account may ask this about itself. */
const SELF_REVIEW = 'authorization.k8s.io/selfsubjectaccessreviews';

let rest: RestInstallation;
before(async () => {
  rest = await RestInstallation.start();
});
after(() => rest?.stop());

documentTests(() => rest);
callerTests(() => rest);
togetherTests(() => rest);

test('what is shipped for REST gives exactly the rights that all this used', async () => {
  const { kubernetes } = rest.installation;
  const requests = requestsOf(await kubernetes.readAuditLog(), OPERATOR).filter(
    ({ resource }) => resource !== SELF_REVIEW,
  );
  assert.deepEqual(
    requests.filter(({ denied }) => denied),
    [],
  );
  assert.deepEqual(uncovered(requests, await grantsOf((args) => kubernetes.kubectl(args), OPERATOR)), []);
  assert.ok(rest.grants.length > 0);
  assert.deepEqual(unused(rest.grants, requests), []);
});

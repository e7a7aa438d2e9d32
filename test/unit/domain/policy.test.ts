import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedHosts, effectivePolicy, refuseProject } from '../../../src/domain/policy.ts';

const rules = [
  { namespaces: ['team-*'], projects: ['tools', 'lib-*-public'], hosts: ['*.example.com'] },
  { namespaces: ['ops'], projects: ['*'], hosts: ['10.0.0.0/8'] },
  { namespaces: ['team-a'], projects: ['games'], hosts: ['games.test'] },
];

const cases: readonly (readonly [namespace: string, project: string, allowed: boolean, hosts: readonly string[]])[] = [
  ['team-a', 'tools', true, ['*.example.com']],
  ['team-a', 'games', true, ['games.test']],
  ['team-b', 'games', false, []],
  ['team-b', 'lib-x-public', true, ['*.example.com']],
  ['team-b', 'lib-public', false, []],
  ['team-b', 'lib-x-publicly', false, []],
  ['team', 'tools', false, []],
  ['ops', 'anything.at.all', true, ['10.0.0.0/8']],
];
for (const [namespace, project, allowed, hosts] of cases) {
  test(`${namespace} ${allowed ? 'may' : 'may not'} copy ${project}${allowed ? `, to ${hosts.join()} only` : ''}`, () => {
    const policy = effectivePolicy(rules, 'system');
    assert.equal(refuseProject(policy, namespace, project) === undefined, allowed);
    assert.deepEqual(allowedHosts(policy, namespace, project), hosts);
  });
}

test('without rules the own namespace may copy everything, others nothing', () => {
  const policy = effectivePolicy([], 'system');
  assert.equal(refuseProject(policy, 'system', 'p'), undefined);
  assert.deepEqual(allowedHosts(policy, 'system'), ['*']);
  assert.match(refuseProject(policy, 'other', 'p') ?? '', /namespace other may not copy project p/);
  assert.deepEqual(allowedHosts(policy, 'other'), []);
});

test('a pattern of many stars takes no time on a hostile name', () => {
  const policy = effectivePolicy([{ namespaces: ['*'], projects: [`${'*a'.repeat(60)}b`], hosts: ['*'] }], 's');
  const begun = performance.now();
  assert.notEqual(refuseProject(policy, 'n', 'a'.repeat(200)), undefined);
  assert.ok(performance.now() - begun < 200);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { marksOf } from '../../../../src/domain/follow/marks.ts';
import { selects } from '../../../../src/domain/paths.ts';

const PROJECT = 'p';

function object(more: object = {}) {
  return { localRepoName: 'r', repoType: 'GENERIC', paths: [] as readonly string[], ...more };
}

function keys(change: object, ...objects: readonly ReturnType<typeof object>[]): readonly string[] {
  const whole = { projectId: PROJECT, repoName: 'r', ...change } as Parameters<typeof marksOf>[0];
  return marksOf(whole, objects, PROJECT).map(
    ({ kind, name, version }) => `${kind} ${name}${version === undefined ? '' : `@${version}`}`,
  );
}

const file = (fullPath: string) => ({ kind: 'node', fullPath, below: false });
const folder = (fullPath: string) => ({ kind: 'node', fullPath, below: true });
const version = (packageKey: string, name?: string) => ({
  kind: 'package',
  packageKey,
  ...(name === undefined ? {} : { version: name }),
});

test('a file of a repository that is copied as a whole is a path', () => {
  assert.deepEqual(keys(file('/a/b.txt'), object()), ['path /a/b.txt']);
  assert.deepEqual(keys(folder('/a'), object()), ['folder /a']);
  assert.deepEqual(keys({ ...file('/a'), projectId: 'other' }, object()), []);
  assert.deepEqual(keys({ ...file('/a'), repoName: 'other' }, object()), []);
  assert.deepEqual(keys(file('/a'), object(), object()), ['path /a']);
});

test('path constraints let through what they select, and folders above and inside', () => {
  const constrained = object({ paths: ['/releases', '/tools/*.tgz', '/one.txt'] });
  assert.deepEqual(keys(file('/releases/1/a.bin'), constrained), ['path /releases/1/a.bin']);
  assert.deepEqual(keys(file('/tools/x.tgz'), constrained), ['path /tools/x.tgz']);
  assert.deepEqual(keys(file('/tools/x.zip'), constrained), []);
  assert.deepEqual(keys(file('/releases2/a'), constrained), []);
  assert.deepEqual(keys(folder('/tools'), constrained), ['folder /tools']);
  assert.deepEqual(keys(folder('/releases/1'), constrained), ['folder /releases/1']);
  assert.deepEqual(keys(folder('/'), constrained), ['folder /']);
  assert.deepEqual(keys(folder('/other'), constrained), []);
  assert.deepEqual(keys(version('npm://a', '1'), constrained), []);
});

test('a file of a typed repository stands for the versions that it may belong to, and for itself', () => {
  const maven = object({ repoType: 'MAVEN' });
  assert.deepEqual(keys(file('/com/acme/lib/1.0/lib-1.0.jar'), maven).slice(0, 1), ['package gav://com.acme:lib@1.0']);
  assert.ok(keys(file('/com/acme/lib/1.0/lib-1.0.jar'), maven).includes('path /com/acme/lib/1.0/lib-1.0.jar'));
  assert.deepEqual(keys(file('/com/acme/lib/maven-metadata.xml'), maven), ['path /com/acme/lib/maven-metadata.xml']);
  assert.deepEqual(keys(version('gav://com.acme:lib', '1.0'), maven), ['package gav://com.acme:lib@1.0']);
  assert.deepEqual(keys(version('gav://com.acme:lib'), maven), ['package gav://com.acme:lib']);
});

test('package constraints let through these packages and versions, whatever told of them', () => {
  const npm = object({
    repoType: 'NPM',
    packages: [
      { packageKey: 'npm://@s/a', versions: ['1.0.0'] },
      { packageKey: 'npm://b', versions: [] },
    ],
  });
  assert.deepEqual(keys(file('/@s/a/-/@s/a-1.0.0.tgz'), npm), ['package npm://@s/a@1.0.0']);
  assert.deepEqual(keys(file('/@s/a/-/@s/a-1.0.1.tgz'), npm), []);
  assert.deepEqual(keys(file('/.npm/b/b-2.0.0.json'), npm), ['package npm://b@2.0.0']);
  assert.deepEqual(keys(file('/.npm/@s/a/package.json'), npm), ['package npm://@s/a']);
  assert.deepEqual(keys(file('/.npm/c/package.json'), npm), []);
  assert.deepEqual(keys(version('npm://@s/a', '1.0.0'), npm), ['package npm://@s/a@1.0.0']);
  assert.deepEqual(keys(version('npm://c', '1.0.0'), npm), []);
});

test('a repository as a whole only has to be there', () => {
  assert.deepEqual(keys({ kind: 'repository' }, object()), ['path /']);
});

const segment = fc.constantFrom('a', 'b', 'ab', 'b.txt', 'x*', 'ü', '.npm', '-');
const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join('/')}`);

test('a changed file gives a key exactly when the constraints select it', () => {
  fc.assert(
    fc.property(path, fc.array(path, { minLength: 1, maxLength: 3 }), (changed, paths) => {
      const told = keys(file(changed), object({ paths }));
      assert.equal(
        told.length > 0,
        paths.some((constraint) => selects(constraint, changed)),
      );
    }),
  );
});

test('a changed folder gives a key whenever it may hold a selected file', () => {
  fc.assert(
    fc.property(path, path, fc.array(path, { minLength: 1, maxLength: 3 }), (above, below, paths) => {
      const inside = `${above}${below}`;
      if (!paths.some((constraint) => selects(constraint, inside))) return;
      assert.deepEqual(keys(folder(above), object({ paths })), [`folder ${above}`]);
    }),
  );
});

test('no path of whatever type makes it fail', () => {
  const types = [
    'MAVEN',
    'NPM',
    'DOCKER',
    'OCI',
    'HELM',
    'PYPI',
    'NUGET',
    'RPM',
    'COMPOSER',
    'CONAN',
    'CARGO',
    'OHPM',
    'HUGGINGFACE',
    'SKILL',
    'GIT',
  ];
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.string({ maxLength: 60, unit: 'binary' }), (repoType, text) => {
      assert.ok(keys(file(`/${text}`), object({ repoType })).length > 0);
    }),
  );
});

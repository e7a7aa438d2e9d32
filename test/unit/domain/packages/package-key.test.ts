import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertPackageKey, parsePackageKey } from '../../../../src/domain/packages/package-key.ts';
import { reason } from './subjects.ts';

for (const [type, key, name] of [
  ['MAVEN', 'gav://com.example:lib', 'com.example:lib'],
  ['NPM', 'npm://@fx/lib', '@fx/lib'],
  ['DOCKER', 'docker://team/app', 'team/app'],
  ['OCI', 'oci://team/app', 'team/app'],
  ['HELM', 'helm://chart', 'chart'],
  ['PYPI', 'pypi://requests', 'requests'],
  ['COMPOSER', 'composer://vendor/name', 'vendor/name'],
  ['RPM', 'rpm://el9/x86_64/tool', 'el9/x86_64/tool'],
  ['NUGET', 'nuget://newtonsoft.json', 'newtonsoft.json'],
  ['CONAN', 'conan://user@zlib/stable', 'user@zlib/stable'],
  ['OHPM', 'ohpm://@ohos/lib', '@ohos/lib'],
  ['CARGO', 'cargo://serde', 'serde'],
  ['HUGGINGFACE', 'huggingface://model/org/name', 'model/org/name'],
  ['SKILL', 'skill://writer', 'writer'],
  ['LFS', 'lfs://whatever', 'whatever'],
  ['A_TYPE_OF_TOMORROW', 'new://thing', 'thing'],
] as const) {
  test(`${key} is a key of ${type}`, () => {
    assert.equal(parsePackageKey(type, key).name, name);
  });
}

for (const [type, key, words] of [
  ['NPM', '', /is empty.*npm:\/\/@scope\/name/],
  ['NPM', 'lib', /has no type before/],
  ['NPM', '://lib', /has no type before/],
  ['NPM', 'gav://com.example:lib', /is of another type.*"NPM".*npm:\/\//],
  ['OCI', 'docker://app', /is of another type/],
  ['DOCKER', 'oci://app', /is of another type/],
  ['NPM', 'npm://', /names no package/],
  ['NPM', 'npm:// ', /names no package/],
  ['MAVEN', 'gav://lib', /one group and one artifact/],
  ['MAVEN', 'gav://a:b:c', /one group and one artifact/],
  ['MAVEN', 'gav://:lib', /one group and one artifact/],
  ['LFS', '', /is empty/],
  ['NPM', `npm://${'x'.repeat(3_000)}`, /longer than/],
] as const) {
  test(`${JSON.stringify(key.slice(0, 30))} is refused as a key of ${type}`, () => {
    assert.throws(() => assertPackageKey(type, key), reason('PackageKeyInvalid', words));
  });
}

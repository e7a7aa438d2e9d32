import assert from 'node:assert/strict';
import { test } from 'node:test';

import { addressMatcher, specialAddress, unwrap } from '../../../src/target/http/address.ts';

const SPECIAL: readonly (readonly [string, string | undefined])[] = [
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['169.254.169.254', 'link-local'],
  ['0.0.0.0', 'unspecified'],
  ['0.1.2.3', 'unspecified'],
  ['224.0.0.1', 'multicast'],
  ['255.255.255.255', 'reserved'],
  ['10.1.2.3', undefined],
  ['192.168.0.1', undefined],
  ['128.0.0.1', undefined],
  ['169.253.0.1', undefined],
  ['::1', 'loopback'],
  ['[::1]', 'loopback'],
  ['::', 'unspecified'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['febf:ffff::1', 'link-local'],
  ['fec0::1', undefined],
  ['ff02::1', 'multicast'],
  ['fd00::1', undefined],
  ['2001:db8::1', undefined],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['0:0:0:0:0:ffff:a9fe:a9fe', 'link-local'],
  ['::ffff:10.0.0.1', undefined],
  ['::127.0.0.1', 'loopback'],
  ['::ffff:0:127.0.0.1', 'loopback'],
  ['64:ff9b::127.0.0.1', 'loopback'],
  ['64:ff9b::a9fe:a9fe', 'link-local'],
  ['64:ff9b:1::127.0.0.1', 'loopback'],
  ['64:ff9b:1:7f00:0:100::', 'loopback'],
  ['64:ff9b::10.0.0.1', undefined],
  ['64:ff9b:1::10.0.0.1', undefined],
  ['64:ff9b:1:a00:0:100::', undefined],
  ['2002:7f00:1::', 'loopback'],
  ['2002:a00:1::', undefined],
];

for (const [address, expected] of SPECIAL) {
  test(`${address} is ${expected ?? 'an ordinary address'}`, () => assert.equal(specialAddress(address), expected));
}

test('unwraps to the address itself and the IPv4 addresses inside', () => {
  assert.deepEqual(unwrap('10.0.0.1'), ['10.0.0.1']);
  assert.deepEqual(unwrap('64:ff9b::10.0.0.1'), ['64:ff9b:0:0:0:0:a00:1', '10.0.0.1']);
  assert.deepEqual(unwrap('example.com'), []);
});

test('matches addresses and ranges, also through IPv6 forms of an IPv4 address', () => {
  const matches = addressMatcher(['127.0.0.0/8', '10.0.0.7', 'fd00::/8', '::1']);
  for (const inside of ['127.9.9.9', '::ffff:127.0.0.1', '10.0.0.7', 'fd12::1', '::1', '64:ff9b::10.0.0.7'])
    assert.equal(matches(inside), true, inside);
  for (const outside of ['128.0.0.1', '10.0.0.8', 'fe80::1', '::2']) assert.equal(matches(outside), false, outside);
});

for (const range of ['example.com', '10.0.0.0/x', '10.0.0.0/33', '']) {
  test(`refuses "${range}" as a range`, () => assert.throws(() => addressMatcher([range]), RangeError));
}
